// Package subjecttest tests that subjects do what they declare.
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

// Drivers is the number of drivers, and each the number of verifications of each.
const Drivers, each = 3, 2

// CheckCounts runs some verifications and fails the test unless the subject's store
// has as many, all done, with the declared numbers of transitions and commits.
func CheckCounts(t *testing.T, k subject.Kind, storage subject.Storage) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := k.Open(ctx, storage)
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
	want := subject.Counts{Verifications: n, Done: n, Transitions: n * k.Transitions, Commits: n * k.Commits}
	// A framework records the end of a workflow shortly after its last step.
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		found, err := s.Count(ctx)
		require.NoError(c, err)
		require.Empty(c, cmp.Diff(want, found))
	}, 10*time.Second, 20*time.Millisecond)
	require.NoError(t, s.Close())
	for _, l := range laps {
		require.Equal(t, each*subject.Laps, l)
	}
}
