package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/deliveries"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/tail"
)

var durable = []subject.Medium{subject.SQLiteFull, subject.Postgres}

// measured runs one job, which must succeed.
func measured[T any](t *testing.T, provisioner *runner.Provisioner, j runner.Job) T {
	t.Helper()
	var r report.Run
	list := runJob[T](context.Background(), all, provisioner, &r, new(bytes.Buffer), j)
	require.Empty(t, r.Failures)
	require.Len(t, list, 1)
	return list[0]
}

func TestEachKindDeliversAllThatWaits(t *testing.T) {
	t.Parallel()
	provisioner := newProvisioner(t, true)
	for _, m := range durable {
		for _, kind := range deliveries.On(m) {
			t.Run(kind+" on "+string(m), func(t *testing.T) {
				cost := measured[deliveries.Cost](t, provisioner, runner.Job{
					Task: deliveries.Deliver, Rows: 390, Cell: runner.Cell{Kind: kind, Medium: m}, WarmUp: 10 * time.Millisecond,
				})
				require.Positive(t, cost.Took)
				require.Equal(t, kind, cost.Kind)
				require.Equal(t, m, cost.Medium)
				want := 390
				if kind == deliveries.Slow {
					want -= 3 // of the 90 that are done, one in 23
				}
				require.Equal(t, want, cost.Delivered)
			})
		}
	}
}

func TestTheDelayIsMeasuredInAndAcrossProcesses(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{deliveries.OneMachine, deliveries.TwoMachines} {
		cost := measured[deliveries.DelayCost](t, newProvisioner(t, false), runner.Job{
			Task: deliveries.Delay, Cell: runner.Cell{Kind: kind, Medium: subject.SQLiteFull},
		})
		require.Positive(t, cost.P50, kind)
		require.GreaterOrEqual(t, cost.P99, cost.P50, kind)
	}
}

func TestSubmissionsAreMeasuredBesideASweepAndADispatcher(t *testing.T) {
	t.Parallel()
	provisioner := newProvisioner(t, true)
	for _, m := range durable {
		t.Run(string(m), func(t *testing.T) {
			cost := measured[tail.Cost](t, provisioner, runner.Job{
				Task: tail.Name, Rows: 300, Cell: runner.Cell{Medium: m, Drivers: 2}, For: 50 * time.Millisecond,
			})
			require.Equal(t, 300, cost.Due)
			require.Positive(t, cost.Delivered)
			require.Positive(t, cost.Quiet.P99)
			require.Positive(t, cost.Beside.P99)
		})
	}
}
