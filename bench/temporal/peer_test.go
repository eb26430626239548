package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject/subjecttest"
)

// The tests' program is a child, as the program is.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, lab.ChildFlag) {
		os.Exit(run(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestTemporalLeavesInItsStoreWhatItSays(t *testing.T) {
	t.Parallel()
	for _, k := range temporal.Kinds(opener) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			subjecttest.Leaves(t, k, subject.Place{Medium: subject.Memory, Drivers: subjecttest.Drivers})
		})
	}
}

func TestAPlanHasTemporalMeasuredElsewhere(t *testing.T) {
	t.Parallel()
	places, err := lab.NewPlaces(false)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, places.Close()) })
	program, err := os.Executable()
	require.NoError(t, err)
	cell := lab.Cell{Kind: temporal.Name, Medium: subject.Memory, Drivers: 2}
	plan := lab.Plan{Cells: []lab.Cell{cell}, Rounds: 1, For: 100 * time.Millisecond, Elsewhere: map[string]string{temporal.Name: program}}
	results := plan.Run(context.Background(), places, new(bytes.Buffer))
	require.NoError(t, results.Errors[cell])
	require.Len(t, results.Samples[cell], 1)
	require.Positive(t, results.Samples[cell][0].Verifications)
	require.Positive(t, results.Samples[cell][0].RSS)
}
