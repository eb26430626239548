package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject/subjecttest"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Nobody measures nothing: after some verifications each subject's store holds
// as many, ended, with all their transitions, by as many commits as it says.
// Temporal is held to it in its own module.
func TestEachSubjectLeavesInItsStoreWhatItSays(t *testing.T) {
	t.Parallel()
	places := newPlaces(t, true)
	all, _, err := kinds(context.Background())
	require.NoError(t, err)
	for _, k := range all {
		for _, m := range k.Media {
			t.Run(fmt.Sprintf("%s on %s", k.Name, m), func(t *testing.T) {
				place, remove, err := places.New(context.Background(), m, subjecttest.Drivers)
				require.NoError(t, err)
				subjecttest.Leaves(t, k, place)
				require.NoError(t, remove())
			})
		}
	}
}

func TestTheRecipeIsOneCreationAndTwoCommitsASubmission(t *testing.T) {
	t.Parallel()
	r, err := workload.Record(context.Background())
	require.NoError(t, err)
	require.Equal(t, 7, r.Commits)
	require.Equal(t, 4, r.Transitions)
}
