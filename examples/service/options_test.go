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
	t.Setenv(keyVariable, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	for rule, args := range map[string][]string{
		"an unknown flag":              {"-colour"},
		"an argument too many":         {"serve"},
		"an unknown store":             {"-store", "paper"},
		"a store without a path":       {"-store", "sqlite:"},
		"a folder that does not exist": {"-store", "sqlite:" + filepath.Join(t.TempDir(), "no", "such.db")},
		"a server that is not there":   {"-store", "postgres://operator@127.0.0.1:1/carrierfsm"},
		"an upstream by HTTP":          {"-upstream", "http://aggregator.example", "-host", "testdata/host.json"},
		"an invalid address":           {"-addr", "127.0.0.1:99999"},
		"an unknown level":             {"-log", "whisper"},
		"the open net without HTTPS":   {"-addr", "0.0.0.0:0", "-upstream", "simulator"},
		"all addresses without HTTPS":  {"-addr", ":0", "-upstream", "simulator"},
		"the open net, simulated":      {"-addr", "[::]:0", "-https"},
		"behind a proxy, simulated":    {"-addr", "127.0.0.1:0", "-https"},
		"a console on the open net":    {"-console", "192.0.2.1:0"},
		"metrics on the open net":      {"-metrics", ":0"},
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

// The error is about the flag that is wrong, not about what it would need.
func TestTheErrorIsAboutTheStoreThatWasNamed(t *testing.T) {
	t.Setenv(keyVariable, "")
	folder := t.TempDir()
	for args, want := range map[string]string{
		"bogus":                            `service: no store "bogus"; there are memory, sqlite:path, postgres://… and sharded:name=store name=store…`,
		"sqlite:":                          `service: no store "sqlite:"; there are memory, sqlite:path, postgres://… and sharded:name=store name=store…`,
		"sqlite:" + folder + "/no/such.db": "service: can't open the database: carrierfsm/sqlite: open " + folder + "/no/such.db: no such file or directory",
		"sqlite:" + folder:                 "service: can't open the database: carrierfsm/sqlite: " + folder + " is a folder",
		"postgres://operator@127.0.0.1/carrierfsm": "service: a PostgreSQL store needs CARRIERFSM_SERVICE_KEY, the same for all replicas: openssl rand -base64 32",
	} {
		var errs bytes.Buffer
		require.Equal(t, 2, run(context.Background(), []string{"-store", args}, io.Discard, &errs), args)
		require.Equal(t, want+"\n", errs.String())
	}
	require.NoFileExists(t, folder+".key")
	t.Setenv(keyVariable, "short")
	var errs bytes.Buffer
	require.Equal(t, 2, run(context.Background(), []string{"-store", "sqlite:" + folder + "/x.db"}, io.Discard, &errs))
	require.Equal(t, "service: CARRIERFSM_SERVICE_KEY: the key is not 32 bytes in base64\n", errs.String())
	require.NoFileExists(t, folder+"/x.db")
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
