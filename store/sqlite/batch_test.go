package sqlite_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// inOneBatch runs the writes while another process holds SQLite's lock, so that
// all but the first end up in one transaction. It returns their errors.
func inOneBatch(t *testing.T, path string, s *sqlite.Store, writes ...func() error) []error {
	t.Helper()
	unlock := lockFile(t, path)
	errs := make([]error, len(writes))
	var all sync.WaitGroup
	for i, write := range writes {
		all.Go(func() { errs[i] = write() })
	}
	require.Eventually(t, func() bool { return s.Queued() >= len(writes)-1 }, time.Minute, time.Millisecond)
	unlock()
	all.Wait()
	return errs
}

func TestEachItemOfABatchGetsItsOwnError(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path)
	for i := range 6 {
		r := record(fmt.Sprintf("v%d", i))
		r.Key = fmt.Sprintf("key-%d", i)
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
	valid := func(*carrierfsm.Record) {}
	errs := inOneBatch(t, path, s,
		commit("v0", valid),
		commit("v1", func(r *carrierfsm.Record) { r.Version++ }),
		commit("v2", func(r *carrierfsm.Record) { r.Key = "key-0" }),
		commit("v3", valid),
		func() error { return s.Commit(ctx, record("unknown")) },
		func() error { return s.Create(ctx, record("v4")) },
		func() error { return s.Create(ctx, record("new")) },
		commit("v5", valid),
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

func TestAFailingItemDoesNotAffectTheOthersOfItsBatch(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path)
	var writes []func() error
	for i := range 5 {
		writes = append(writes, func() error {
			r := record(fmt.Sprintf("v%d", i))
			entries := []carrierfsm.Entry{{ID: r.ID, Step: 1}}
			if i == 3 {
				entries = append(entries, entries[0]) // the same step twice is an error of SQLite
			}
			return s.Create(ctx, r, entries...)
		})
	}
	for i, err := range inOneBatch(t, path, s, writes...) {
		id := fmt.Sprintf("v%d", i)
		_, loadErr := s.Load(ctx, id)
		if i == 3 {
			require.ErrorContains(t, err, "UNIQUE")
			require.ErrorIs(t, loadErr, carrierfsm.ErrNotFound, "nothing of it was written")
			continue
		}
		require.NoError(t, err, id)
		require.NoError(t, loadErr, id)
	}
}
