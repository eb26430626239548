package main

import (
	"bytes"
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/concurrency"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// all matches everything.
var all = regexp.MustCompile("")

func TestWaitingVerificationsTakeMemoryAndNoGoroutines(t *testing.T) {
	t.Parallel()
	provisioner := newProvisioner(t, false)
	var r report.Run
	held := runJob[concurrency.WaitingCost](context.Background(), all, provisioner, &r, new(bytes.Buffer), runner.Job{
		Task: concurrency.Wait, Rows: 2000, Cell: runner.Cell{Medium: subject.Memory},
	})
	require.Empty(t, r.Failures)
	require.Len(t, held, 1)
	require.Equal(t, 2000, held[0].Verifications)
	require.Greater(t, held[0].Heap, 500.0)
	require.Zero(t, held[0].Goroutines)
	require.Greater(t, held[0].StoreHeap, 500.0)
	require.Greater(t, held[0].Heap, held[0].StoreHeap+200, "with its password and its snapshot")
}

func TestSlowSubmissionsAreInFlightTogether(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"", concurrency.OverHTTP} {
		t.Run("upstream "+how, func(t *testing.T) {
			t.Parallel()
			var r report.Run
			flown := runJob[concurrency.SlowCost](context.Background(), all, newProvisioner(t, false), &r, new(bytes.Buffer), runner.Job{
				Task: concurrency.Slow, Rows: 20, Cell: runner.Cell{Kind: how, Medium: subject.SQLiteFull}, For: 200 * time.Millisecond, WarmUp: 100 * time.Millisecond,
			})
			require.Empty(t, r.Failures)
			require.Len(t, flown, 1)
			require.GreaterOrEqual(t, flown[0].Goroutines, 2.0)
			require.Positive(t, flown[0].During.P50)
			require.Equal(t, how == concurrency.OverHTTP, flown[0].OverHTTP)
		})
	}
}

func TestGrowthIsMeasuredInAFilledStore(t *testing.T) {
	t.Parallel()
	provisioner := newProvisioner(t, true)
	for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres} {
		t.Run(string(m), func(t *testing.T) {
			var r report.Run
			grown := runJob[scale.GrowthCost](context.Background(), all, provisioner, &r, new(bytes.Buffer), runner.Job{
				Task: scale.Growth, Rows: 2000, Cell: runner.Cell{Medium: m, Drivers: 2}, For: 50 * time.Millisecond,
			})
			require.Empty(t, r.Failures)
			require.Len(t, grown, 1)
			require.Greater(t, grown[0].Stored, 1000.0)
			require.Len(t, grown[0].Queries, len(scale.Queries))
			require.Positive(t, grown[0].Driven.Verifications)
		})
	}
}
