package main

import (
	"bytes"
	"context"
	"io/fs"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/crowd"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/limit"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// newPlaces are places that go with the test.
func newPlaces(t *testing.T, server bool) *lab.Places {
	t.Helper()
	places, err := lab.NewPlaces(server)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, places.Close()) })
	return places
}

func TestACellIsMeasuredInAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	cell := lab.Cell{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 2}
	broken := lab.Cell{Kind: "nobody", Medium: subject.SQLiteFull, Drivers: 1}
	plan := lab.Plan{Cells: []lab.Cell{cell, broken}, Rounds: 2, For: 50 * time.Millisecond}
	var progress bytes.Buffer
	results := plan.Run(context.Background(), newPlaces(t, false), &progress)
	require.NoError(t, results.Errors[cell])
	require.Len(t, results.Samples[cell], 2)
	for _, s := range results.Samples[cell] {
		require.Positive(t, s.Verifications)
		require.Positive(t, s.CPU)
		require.Positive(t, s.RSS)
	}
	require.ErrorContains(t, results.Errors[broken], "nobody")
	require.Empty(t, results.Samples[broken])
}

func TestAKindMayBeMeasuredByAnotherProgram(t *testing.T) {
	t.Parallel()
	here := lab.Cell{Kind: engine.Name, Medium: subject.Memory, Drivers: 1}
	there := lab.Cell{Kind: limit.Alone, Medium: subject.SQLiteFull, Drivers: 1}
	program := filepath.Join(t.TempDir(), "nothing")
	plan := lab.Plan{Cells: []lab.Cell{here, there}, Rounds: 1, For: 50 * time.Millisecond, Elsewhere: map[string]string{limit.Alone: program}}
	results := plan.Run(context.Background(), newPlaces(t, false), new(bytes.Buffer))
	require.NoError(t, results.Errors[here])
	require.ErrorIs(t, results.Errors[there], fs.ErrNotExist)
	require.ErrorContains(t, results.Errors[there], program)
}

// all is what leaves nothing out.
var all = regexp.MustCompile("")

func TestWaitingVerificationsTakeMemoryAndNoGoroutines(t *testing.T) {
	t.Parallel()
	places := newPlaces(t, false)
	var r report.Run
	held := job[crowd.Held](context.Background(), all, places, &r, new(bytes.Buffer), lab.Job{
		Task: crowd.Wait, Rows: 2000, Cell: lab.Cell{Medium: subject.Memory},
	})
	require.Empty(t, r.Failures)
	require.Len(t, held, 1)
	require.Equal(t, 2000, held[0].Verifications)
	require.Greater(t, held[0].Heap, 500.0)
	require.Zero(t, held[0].Goroutines)
}

func TestAllSubmissionsAreUnderWayAtOnceWhileOthersGoOn(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"", crowd.OverHTTP} {
		t.Run("upstream "+how, func(t *testing.T) {
			t.Parallel()
			var r report.Run
			flown := job[crowd.Flown](context.Background(), all, newPlaces(t, false), &r, new(bytes.Buffer), lab.Job{
				Task: crowd.Slow, Rows: 20, Cell: lab.Cell{Kind: how, Medium: subject.SQLiteFull}, For: 200 * time.Millisecond, WarmUp: 100 * time.Millisecond,
			})
			require.Empty(t, r.Failures)
			require.Len(t, flown, 1)
			require.GreaterOrEqual(t, flown[0].Goroutines, 2.0)
			require.Positive(t, flown[0].Meanwhile.P50)
			require.Equal(t, how == crowd.OverHTTP, flown[0].OverHTTP)
		})
	}
}

func TestALargeStoreHoldsWhatItWasFilledWith(t *testing.T) {
	t.Parallel()
	places := newPlaces(t, true)
	for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres} {
		t.Run(string(m), func(t *testing.T) {
			var r report.Run
			grown := job[scale.Grown](context.Background(), all, places, &r, new(bytes.Buffer), lab.Job{
				Task: scale.Growth, Rows: 2000, Cell: lab.Cell{Medium: m, Drivers: 2}, For: 50 * time.Millisecond,
			})
			require.Empty(t, r.Failures)
			require.Len(t, grown, 1)
			require.Greater(t, grown[0].Stored, 1000.0)
			require.Len(t, grown[0].Queries, len(scale.Queries))
			require.Positive(t, grown[0].Driven.Verifications)
		})
	}
}
