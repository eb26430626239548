package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Nobody measures nothing: after some verifications each subject's store holds
// as many, ended, with all their transitions, by as many commits as it says.
func TestEachSubjectLeavesInItsStoreWhatItSays(t *testing.T) {
	t.Parallel()
	places := newPlaces(t, true)
	all, _, err := kinds(context.Background())
	require.NoError(t, err)
	for _, k := range all {
		for _, m := range k.Media {
			t.Run(fmt.Sprintf("%s on %s", k.Name, m), func(t *testing.T) {
				place, remove, err := places.New(context.Background(), m, drivers)
				require.NoError(t, err)
				leaves(t, k, place)
				require.NoError(t, remove())
			})
		}
	}
}

// drivers and each are how many drive, and how many verifications each carries.
const drivers, each = 3, 2

func leaves(t *testing.T, k subject.Kind, place subject.Place) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := k.Open(ctx, place)
	require.NoError(t, err)
	laps := make([]int, drivers)
	errs := make([]error, drivers)
	var all sync.WaitGroup
	for d := range drivers {
		all.Go(func() {
			for range each {
				errs[d] = errors.Join(errs[d], s.Verify(ctx, func() { laps[d]++ }))
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	const n = drivers * each
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

func TestTheRecipeIsOneCreationAndTwoCommitsASubmission(t *testing.T) {
	t.Parallel()
	r, err := workload.Record(context.Background())
	require.NoError(t, err)
	require.Equal(t, 7, r.Commits)
	require.Equal(t, 4, r.Transitions)
}
