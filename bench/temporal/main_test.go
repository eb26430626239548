package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject/subjecttest"
)

// The test binary is started as a child process, as the program is.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, runner.ChildFlag) {
		os.Exit(run(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestTemporalStoresWhatItDeclares(t *testing.T) {
	t.Parallel()
	for _, k := range temporal.Kinds(opener) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			subjecttest.CheckCounts(t, k, subject.Storage{Medium: subject.Memory, Drivers: subjecttest.Drivers})
		})
	}
}

func TestAPlanMeasuresTemporalWithItsProgram(t *testing.T) {
	t.Parallel()
	provisioner, err := runner.NewProvisioner(false)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, provisioner.Close()) })
	program, err := os.Executable()
	require.NoError(t, err)
	cell := runner.Cell{Kind: temporal.Name, Medium: subject.Memory, Drivers: 2}
	plan := runner.Plan{Cells: []runner.Cell{cell}, Rounds: 1, For: 100 * time.Millisecond, Programs: map[string]string{temporal.Name: program}}
	results := plan.Run(context.Background(), provisioner, new(bytes.Buffer))
	require.NoError(t, results.Errors[cell])
	require.Len(t, results.Samples[cell], 1)
	require.Positive(t, results.Samples[cell][0].Verifications)
	require.Positive(t, results.Samples[cell][0].RSS)
}
