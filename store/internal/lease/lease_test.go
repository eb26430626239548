package lease_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/internal/lease"
)

func TestALeaseHasOneOwnerAtATimeAndEachNewOwnerAHigherFence(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_900_000_000, 0)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	var c lease.Cursor
	require.False(t, c.Held(start))
	for _, step := range []struct {
		owner      string
		now, until int
		acquired   bool
		fence      int64
	}{
		{"a", 0, 10, true, 1},
		{"b", 9, 19, false, 1},
		{"a", 9, 19, true, 1}, // extended
		{"b", 18, 28, false, 1},
		{"b", 19, 29, true, 2}, // expired
		{"a", 20, 30, false, 2},
		{"b", 40, 50, true, 2}, // expired, and held by no other owner
	} {
		require.Equal(t, step.acquired, c.Acquire(step.owner, at(step.now), at(step.until)), step)
		require.Equal(t, step.fence, c.Fence, step)
	}
	require.True(t, c.Held(at(49)))
	require.False(t, c.Held(at(50)))
	c.Owner = ""
	require.False(t, c.Held(at(49)), "released")
}
