package carrierfsm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/race"
)

// What a whole submission allocates, the mean of the three of a plain
// verification, memory store and input included. More than a body that
// encoding/json has to write or read would allocate is not left.
func TestASubmissionAllocatesNoMoreThanIsKnown(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes pools forget, and allocates by itself")
	}
	cancelable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, c := range map[string]struct {
		ctx  context.Context //nolint:containedctx // of a case
		cfg  carrierfsm.Config
		most float64
	}{
		"plain":      {context.Background(), carrierfsm.Config{}, 32},
		"cancelable": {cancelable, carrierfsm.Config{}, 33},
		"sealed":     {context.Background(), carrierfsm.Config{Sealer: sealer(t)}, 35},
	} {
		const runs = 300
		run := newSubmissions(t, c.cfg, runs/3+1)
		got := testing.AllocsPerRun(runs, func() { run.next(c.ctx, t) })
		t.Logf("%s: %v", name, got)
		require.LessOrEqual(t, got, c.most, name)
	}
}

// What stays in memory of a verification that waits for a code, its password
// held, in the memory store. Tests that run at once would be counted too, so
// this one is not parallel.
func TestAWaitingVerificationTakesNoMoreThanIsKnown(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector takes memory by itself")
	}
	const n = 4000
	before := resident()
	run := newSubmissions(t, carrierfsm.Config{}, n)
	for i := range n {
		for range 2 {
			run.next(context.Background(), t)
		}
		run.n = 3 * (i + 1) // the code is not handed in
	}
	each := (resident() - before) / n
	t.Logf("%d bytes", each)
	require.Equal(t, n, run.m.Held())
	require.LessOrEqual(t, each, uint64(1700))
}
