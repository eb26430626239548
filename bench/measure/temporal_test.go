package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

func TestTemporalIsMeasuredByFullOrOnly(t *testing.T) {
	t.Parallel()
	all, _, err := kinds(context.Background())
	require.NoError(t, err)
	one := runner.Cell{Kind: temporal.Name, Medium: subject.Memory, Drivers: 1}
	many := runner.Cell{Kind: temporal.Name, Medium: subject.Memory, Drivers: 32}
	for args, want := range map[string][]runner.Cell{
		"-full":                             {one, many},
		"-full -only SQLite":                nil,
		"-quick":                            nil,
		"-quick -only Temporal.*32":         {many},
		"-quick -only Temporal|PostgreSQL$": {one, many},
	} {
		o, err := parse(strings.Fields(args), new(bytes.Buffer))
		require.NoError(t, err)
		var found []runner.Cell
		for _, c := range newPlan(o, append(all, temporal.Kinds(nil)...)).Cells {
			if c.Kind == temporal.Name {
				found = append(found, c)
			}
		}
		require.Equal(t, want, found, args)
	}
}

func TestAFailedBuildIsReportedAndTheRestIsMeasured(t *testing.T) {
	t.Parallel()
	ours := runner.Cell{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 1}
	plan := runner.Plan{Cells: []runner.Cell{{Kind: temporal.Name, Medium: subject.Memory, Drivers: 1}, ours}}
	var r report.Run
	folder := t.TempDir()
	buildTemporal(context.Background(), filepath.Join(folder, "nothing"), folder, &plan, &r, new(bytes.Buffer))
	require.Equal(t, []runner.Cell{ours}, plan.Cells)
	require.Len(t, r.Failures, 1)
	require.Contains(t, r.Failures[0], temporal.Name+" can't be built")
}

func TestTemporalIsNotBuiltUnlessItIsMeasured(t *testing.T) {
	t.Parallel()
	plan := runner.Plan{Cells: []runner.Cell{{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 1}}}
	var r report.Run
	var progress bytes.Buffer
	buildTemporal(context.Background(), "nothing", t.TempDir(), &plan, &r, &progress)
	require.Empty(t, r.Failures)
	require.Empty(t, progress.String())
	require.Nil(t, plan.Programs)
}
