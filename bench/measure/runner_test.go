package main

import (
	"bytes"
	"context"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/baseline"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

func TestACellIsMeasuredInAChildProcess(t *testing.T) {
	t.Parallel()
	cell := runner.Cell{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 2}
	broken := runner.Cell{Kind: "unknown", Medium: subject.SQLiteFull, Drivers: 1}
	plan := runner.Plan{Cells: []runner.Cell{cell, broken}, Rounds: 2, For: 50 * time.Millisecond}
	var progress bytes.Buffer
	results := plan.Run(context.Background(), newProvisioner(t, false), &progress)
	require.NoError(t, results.Errors[cell])
	require.Len(t, results.Samples[cell], 2)
	for _, s := range results.Samples[cell] {
		require.Positive(t, s.Verifications)
		require.Positive(t, s.CPU)
		require.Positive(t, s.RSS)
	}
	require.ErrorContains(t, results.Errors[broken], "unknown")
	require.Empty(t, results.Samples[broken])
}

func TestAPlanUsesTheProgramOfAKind(t *testing.T) {
	t.Parallel()
	own := runner.Cell{Kind: engine.Name, Medium: subject.Memory, Drivers: 1}
	other := runner.Cell{Kind: baseline.Alone, Medium: subject.SQLiteFull, Drivers: 1}
	program := filepath.Join(t.TempDir(), "nothing")
	plan := runner.Plan{Cells: []runner.Cell{own, other}, Rounds: 1, For: 50 * time.Millisecond, Programs: map[string]string{baseline.Alone: program}}
	results := plan.Run(context.Background(), newProvisioner(t, false), new(bytes.Buffer))
	require.NoError(t, results.Errors[own])
	require.ErrorIs(t, results.Errors[other], fs.ErrNotExist)
	require.ErrorContains(t, results.Errors[other], program)
}

// newProvisioner returns a provisioner that is closed when the test ends.
func newProvisioner(t *testing.T, server bool) *runner.Provisioner {
	t.Helper()
	provisioner, err := runner.NewProvisioner(server)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, provisioner.Close()) })
	return provisioner
}
