package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnInvalidArgumentIsReportedInOneLine(t *testing.T) {
	t.Parallel()
	for rule, args := range map[string][]string{
		"an unknown flag":              {"-colour"},
		"an argument too many":         {"serve"},
		"an unknown store":             {"-store", "paper"},
		"a store without a path":       {"-store", "sqlite:"},
		"a folder that does not exist": {"-store", "sqlite:" + filepath.Join(t.TempDir(), "no", "such.db")},
		"an upstream by HTTP":          {"-upstream", "http://aggregator.example"},
		"an invalid address":           {"-addr", "127.0.0.1:99999"},
		"an unknown level":             {"-log", "whisper"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 2, run(context.Background(), args, &out, &errs), "%s: %s", rule, errs.String())
		require.Empty(t, out.String(), rule)
		require.Equal(t, 1, strings.Count(errs.String(), "\n"), "%s: %q", rule, errs.String())
	}
	var out bytes.Buffer
	require.Zero(t, run(context.Background(), []string{"-h"}, &out, io.Discard))
	require.Contains(t, out.String(), "-upstream")
}

// The one line on standard output is the address to open.
func TestItPrintsTheAddress(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out, in := io.Pipe()
	var errs syncBuffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"-addr", "127.0.0.1:0"}, in, &errs) }()
	line := make([]byte, 64)
	n, err := out.Read(line)
	require.NoError(t, err)
	require.Regexp(t, `^Open http://127\.0\.0\.1:\d+/\n$`, string(line[:n]))
	cancel()
	require.Zero(t, <-ended)
	require.Empty(t, errs.String())
}
