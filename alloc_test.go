package carrierfsm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// What a whole submission allocates, the mean of the three of a plain
// verification, memory store and input included. More than a body that
// encoding/json has to write or read would allocate is not left.
func TestASubmissionAllocatesNoMoreThanIsKnown(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget, and allocates by itself")
	}
	for name, c := range map[string]struct {
		cfg  carrierfsm.Config
		most float64
	}{
		"plain":  {carrierfsm.Config{}, 64},
		"sealed": {carrierfsm.Config{Sealer: sealer(t)}, 92},
	} {
		const runs = 300
		run := newSubmissions(t, c.cfg, runs/3+1)
		got := testing.AllocsPerRun(runs, func() { run.next(context.Background(), t) })
		t.Logf("%s: %v", name, got)
		require.LessOrEqual(t, got, c.most, name)
	}
}
