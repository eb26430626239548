package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// Replicas spend for the same numbers, each record on another replica. Never one more
// than the limit is counted, and nothing is refused below it.
func TestReplicasOnOneDatabaseSpendOneBudget(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	noon := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "test.db")
	var stores []*sqlite.Store
	for range 3 {
		s, err := sqlite.Open(ctx, path)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		stores = append(stores, s)
	}
	const callers, limit = 24, 5
	for round := range 6 {
		key, at := fmt.Sprint("number-", round/2), noon.Add(time.Duration(round%2)*2*budget.Day)
		var spent, refused atomic.Int32
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				r := carrierfsm.Record{
					ID: fmt.Sprint("spends-", round, "-", i), State: carrierfsm.Created, Version: 1, Table: 1, Created: noon, Updated: noon, Body: []byte("{}"),
				}
				s := stores[i%len(stores)]
				spends := []budget.Spend{
					{Key: key, Kind: budget.Texts, At: at, N: 1, Window: budget.Day, Limit: limit},
					{Key: key, Kind: budget.Passwords, At: at, N: 1, Window: budget.Day, Limit: 2 * limit},
				}
				var err error
				if i%2 == 0 {
					r.Spends = spends
					err = s.Create(ctx, r)
				} else if err = s.Create(ctx, r); err == nil {
					r.Version, r.CommitID, r.Spends = 2, [16]byte{1}, spends
					err = s.Commit(ctx, r)
				}
				switch {
				case err == nil:
					spent.Add(1)
				case errors.As(err, new(*budget.ExceededError)):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, limit, spent.Load())
		require.EqualValues(t, callers-limit, refused.Load())
		l, err := stores[0].Ledger(ctx, key)
		require.NoError(t, err)
		require.Equal(t, limit, l.Count(budget.Texts, budget.Day, at))
		require.Equal(t, limit, l.Count(budget.Passwords, budget.Day, at))
	}
}

// Replicas commit the same version of one record, each under a commit id of its own: one
// is written, and what the others would spend is not.
func TestOfReplicasThatCommitOneVersionOneSpends(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	noon := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "test.db")
	var stores []*sqlite.Store
	for range 3 {
		s, err := sqlite.Open(ctx, path)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		stores = append(stores, s)
	}
	for round := range 20 {
		key := fmt.Sprint("number-", round)
		r := carrierfsm.Record{
			ID: fmt.Sprint("v", round), State: carrierfsm.Created, Version: 1, Table: 1, Created: noon, Updated: noon, Body: []byte("{}"),
		}
		require.NoError(t, stores[0].Create(ctx, r))
		r.Version = 2
		r.Spends = []budget.Spend{{Key: key, Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 9}}
		var won atomic.Int32
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				mine := r
				mine.CommitID[0] = byte(i + 1)
				switch err := stores[i%len(stores)].Commit(ctx, mine); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, carrierfsm.ErrConflict):
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, won.Load())
		l, err := stores[0].Ledger(ctx, key)
		require.NoError(t, err)
		require.Equal(t, 1, l.Count(budget.Texts, budget.Day, noon))
	}
}
