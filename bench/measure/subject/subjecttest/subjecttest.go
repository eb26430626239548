// Package subjecttest holds subjects to what they say of themselves.
package subjecttest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Drivers is how many drive, and each how many verifications each carries.
const Drivers, each = 3, 2

// Leaves fails the test unless the store of a subject, after some verifications,
// holds as many, ended, with all their transitions, by as many commits as the
// subject says.
func Leaves(t *testing.T, k subject.Kind, place subject.Place) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := k.Open(ctx, place)
	require.NoError(t, err)
	laps := make([]int, Drivers)
	errs := make([]error, Drivers)
	var all sync.WaitGroup
	for d := range Drivers {
		all.Go(func() {
			for range each {
				errs[d] = errors.Join(errs[d], s.Verify(ctx, func() { laps[d]++ }))
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	const n = Drivers * each
	want := subject.Left{Verifications: n, Done: n, Transitions: n * k.Transitions, Commits: n * k.Commits}
	// A framework notes the end of a workflow a little after its last step.
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		left, err := s.Left(ctx)
		require.NoError(c, err)
		require.Empty(c, cmp.Diff(want, left))
	}, 10*time.Second, 20*time.Millisecond)
	require.NoError(t, s.Close())
	for _, l := range laps {
		require.Equal(t, each*subject.Laps, l)
	}
}
