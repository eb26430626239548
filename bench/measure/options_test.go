package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/report"
)

func TestAPresetIsRequired(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "-quick -full", "-quick -scale", "-quick -only (", "-quick -rows 10,none", "-slow"} {
		var errs bytes.Buffer
		require.Equal(t, 2, run(context.Background(), strings.Fields(args), nil, nil, &errs), "%q", args)
		require.NotEmpty(t, errs.String(), "%q", args)
	}
}

func TestFlagsOverrideThePreset(t *testing.T) {
	t.Parallel()
	o, err := parse(strings.Fields("-full -rounds 2 -rows 5,70"), new(bytes.Buffer))
	require.NoError(t, err)
	require.Equal(t, "full", o.name)
	require.Equal(t, 2, o.rounds)
	require.Equal(t, []int{5, 70}, o.rows)
	require.Equal(t, fullPreset.each, o.each)
}

func TestTheTablesAreWrittenBesideTheConclusions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	require.NoError(t, writeDocuments(path, &report.Run{Preset: "quick"}))
	for file, head := range map[string]string{"benchmarks.md": "# Benchmarks\n", "benchmarks-raw.md": "# Benchmarks: all figures\n"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), file))
		require.NoError(t, err)
		require.Truef(t, strings.HasPrefix(string(text), head), "%s begins with %.40q", file, text)
	}
}
