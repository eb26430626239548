package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPresetIsRequired(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "-quick -full", "-quick -only (", "-quick -rows 10,none", "-slow"} {
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
