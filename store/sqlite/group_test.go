package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// Writers that wait share a transaction.

// together writes items at once, while a foreign writer keeps them waiting, so
// that all but the first are in one transaction.
func together(t *testing.T, path string, s *sqlite.Store, writes ...func() error) []error {
	t.Helper()
	ctx := context.Background()
	foreign, err := sql.Open("sqlite", path+"?_txlock=immediate")
	require.NoError(t, err)
	tx, err := foreign.BeginTx(ctx, nil)
	require.NoError(t, err)
	errs := make([]error, len(writes))
	var all sync.WaitGroup
	for i, write := range writes {
		all.Go(func() { errs[i] = write() })
	}
	require.Eventually(t, func() bool { return s.Waiting() >= len(writes)-1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, tx.Rollback())
	all.Wait()
	require.NoError(t, foreign.Close())
	return errs
}

func TestEachOfThoseThatShareATransactionGetsItsOwnVerdict(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path)
	for i := range 6 {
		r := record(fmt.Sprintf("v%d", i))
		r.Key = fmt.Sprintf("key %d", i)
		require.NoError(t, s.Create(ctx, r))
	}
	commit := func(id string, change func(*carrierfsm.Record)) func() error {
		return func() error {
			r, err := s.Load(ctx, id)
			if err != nil {
				return err
			}
			r.Version++
			r.Step++
			e := carrierfsm.Entry{ID: id, Step: r.Step}
			change(&r)
			return s.Commit(ctx, r, e)
		}
	}
	same := func(*carrierfsm.Record) {}
	errs := together(t, path, s,
		commit("v0", same),
		commit("v1", func(r *carrierfsm.Record) { r.Version++ }),
		commit("v2", func(r *carrierfsm.Record) { r.Key = "key 0" }),
		commit("v3", same),
		func() error { return s.Commit(ctx, record("unknown")) },
		func() error { return s.Create(ctx, record("v4")) },
		func() error { return s.Create(ctx, record("new")) },
		commit("v5", same),
	)
	for i, want := range []error{
		nil, carrierfsm.ErrConflict, carrierfsm.ErrKeyInUse, nil, carrierfsm.ErrNotFound, carrierfsm.ErrExists, nil, nil,
	} {
		if want == nil {
			require.NoError(t, errs[i], i)
		} else {
			require.ErrorIs(t, errs[i], want, i)
		}
	}
	for id, version := range map[string]int64{"v0": 2, "v1": 1, "v2": 1, "v3": 2, "v5": 2, "new": 1} {
		r, err := s.Load(ctx, id)
		require.NoError(t, err)
		require.Equal(t, version, r.Version, id)
	}
}

func TestOneThatFailsLeavesTheOthersOfItsTransactionAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path)
	var writes []func() error
	for i := range 5 {
		writes = append(writes, func() error {
			r := record(fmt.Sprintf("v%d", i))
			entries := []carrierfsm.Entry{{ID: r.ID, Step: 1}}
			if i == 3 {
				entries = append(entries, entries[0]) // the same step twice: no verdict, an error
			}
			return s.Create(ctx, r, entries...)
		})
	}
	for i, err := range together(t, path, s, writes...) {
		id := fmt.Sprintf("v%d", i)
		_, lookup := s.Load(ctx, id)
		if i == 3 {
			require.ErrorContains(t, err, "UNIQUE")
			require.ErrorIs(t, lookup, carrierfsm.ErrNotFound, "nothing of it is there")
			continue
		}
		require.NoError(t, err, id)
		require.NoError(t, lookup, id)
	}
}
