package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject/subjecttest"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Each subject really does the work that is measured: after some verifications its
// store has as many, all done, with the declared numbers of transitions and commits.
// Temporal is tested in its own module.
func TestEachSubjectStoresWhatItDeclares(t *testing.T) {
	t.Parallel()
	provisioner := newProvisioner(t, true)
	all, _, err := kinds(context.Background())
	require.NoError(t, err)
	for _, k := range all {
		for _, m := range k.Media {
			t.Run(fmt.Sprintf("%s on %s", k.Name, m), func(t *testing.T) {
				storage, remove, err := provisioner.New(context.Background(), m, subjecttest.Drivers)
				require.NoError(t, err)
				subjecttest.CheckCounts(t, k, storage)
				require.NoError(t, remove())
			})
		}
	}
}

func TestTheRecipesHaveTwoCommitsForEachSubmission(t *testing.T) {
	t.Parallel()
	r, err := workload.Record(context.Background(), workload.Plain)
	require.NoError(t, err)
	require.Equal(t, []int{6, 1, 4}, []int{r.Commits, r.Loads, r.Transitions})
	for _, op := range r.WithoutLoads().Ops {
		require.NotEqual(t, workload.Load, op.What)
	}
	r, err = workload.Record(context.Background(), workload.CreatedFirst)
	require.NoError(t, err)
	require.Equal(t, []int{7, 3, 4}, []int{r.Commits, r.Loads, r.Transitions}, "and one for the creation, and all loads")
}
