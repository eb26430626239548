package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// openWithHook opens a store with a hook that inserts each entry into a table of the
// host and then calls then.
func openWithHook(t *testing.T, then func(ctx context.Context, tx pgx.Tx, e carrierfsm.Entry) error) (*postgres.Store, *pgxpool.Pool) {
	t.Helper()
	s, pool := open(t, postgres.WithTimeout(30*time.Second), postgres.WithHook(
		func(ctx context.Context, tx pgx.Tx, r carrierfsm.Record, entries []carrierfsm.Entry) error {
			for _, e := range entries {
				if _, err := tx.Exec(ctx, `INSERT INTO orders VALUES ($1, $2, $3)`, r.ID, e.Step, r.Version); err != nil {
					return err
				}
				clear(e.Detail) // the hook gets a copy
				clear(r.Body)
				if err := then(ctx, tx, e); err != nil {
					return err
				}
			}
			return nil
		}))
	_, err := pool.Exec(context.Background(), `CREATE TABLE orders (id text, step integer, version bigint)`)
	require.NoError(t, err)
	return s, pool
}

// countOrders returns the number of rows that hooks have inserted.
func countOrders(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(context.Background(), `SELECT count(*) FROM orders`).Scan(&n))
	return n
}

func doNothing(context.Context, pgx.Tx, carrierfsm.Entry) error { return nil }

func TestAHookAndItsTransitionAreCommittedTogether(t *testing.T) {
	t.Parallel()
	s, pool := openWithHook(t, doNothing)
	ctx := context.Background()
	r := record("v1")
	require.NoError(t, s.Create(ctx, r, carrierfsm.Entry{ID: "v1", Step: 1, Detail: []byte("detail")}))
	require.Equal(t, 1, countOrders(t, pool), "for a creation with an entry")
	r.Version++
	require.NoError(t, s.Commit(ctx, r))
	require.Equal(t, 1, countOrders(t, pool), "not for a commit without one")
	r.Step = 1
	p := nextCommit(r)
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
	require.Equal(t, 2, countOrders(t, pool), "for a commit with one")
	require.ErrorIs(t, s.Commit(ctx, p.Record, p.Entries...), carrierfsm.ErrConflict)
	require.Equal(t, 2, countOrders(t, pool), "not for what is refused")
	stored, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	require.Equal(t, p.Record, stored)
	list, err := s.History(ctx, "v1", 0, 1)
	require.NoError(t, err)
	require.Equal(t, []byte("detail"), list[0].Detail)
	p = nextCommit(p.Record)
	require.NoError(t, s.Erase(ctx, p.Record, p.Entries...))
	require.Equal(t, 3, countOrders(t, pool), "for an erasure")
}

// The host's SQL is committed or rolled back with its own transition only.
func TestCommitsWithAHookAreNotBatched(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const many = 60 // many more than can run at the same time
	s, pool := openWithHook(t, func(ctx context.Context, tx pgx.Tx, e carrierfsm.Entry) error {
		_, err := tx.Exec(ctx, `INSERT INTO transactions SELECT pg_current_xact_id()::text`)
		return err
	})
	_, err := pool.Exec(ctx, `CREATE TABLE transactions (id text)`)
	require.NoError(t, err)
	var all sync.WaitGroup
	errs := make([]error, many)
	for i := range many {
		r := createRecord(t, s, fmt.Sprintf("v%d", i))
		all.Go(func() {
			p := nextCommit(r)
			errs[i] = s.Commit(ctx, p.Record, p.Entries...)
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	var transactions int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(DISTINCT id) FROM transactions`).Scan(&transactions))
	require.Equal(t, many, transactions)
	require.Equal(t, many, countOrders(t, pool))
}

func TestAHookThatFailsUndoesTheTransition(t *testing.T) {
	t.Parallel()
	failure := errors.New("no stock")
	for name, c := range map[string]struct {
		then func(context.Context, pgx.Tx, carrierfsm.Entry) error
		want string
	}{
		"error": {func(context.Context, pgx.Tx, carrierfsm.Entry) error { return failure }, "no stock"},
		"panic": {func(context.Context, pgx.Tx, carrierfsm.Entry) error { panic("oops 13800138000") }, "the hook panicked with a string"},
		"SQL error": {func(ctx context.Context, tx pgx.Tx, _ carrierfsm.Entry) error {
			_, err := tx.Exec(ctx, `SELECT 1/0`)
			return err
		}, "division by zero"},
		"SQL error that the hook ignores": {func(ctx context.Context, tx pgx.Tx, _ carrierfsm.Entry) error {
			_, _ = tx.Exec(ctx, `SELECT 1/0`)
			return nil
		}, "rollback"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pool := openWithHook(t, c.then)
			ctx := context.Background()
			r := createRecord(t, s, "v1")
			p := nextCommit(r)
			err := s.Commit(ctx, p.Record, p.Entries...)
			require.ErrorContains(t, err, c.want)
			if name == "error" {
				require.ErrorIs(t, err, failure)
			}
			require.Error(t, s.Erase(ctx, p.Record, p.Entries...))
			require.Error(t, s.Create(ctx, record("v2"), carrierfsm.Entry{ID: "v2", Step: 1}))
			require.Zero(t, countOrders(t, pool))
			stored, err := s.Load(ctx, "v1")
			require.NoError(t, err)
			require.Equal(t, r, stored)
			_, err = s.Load(ctx, "v2")
			require.ErrorIs(t, err, carrierfsm.ErrNotFound)
			require.Eventually(t, func() bool { return s.Acquired() == 0 }, time.Minute, time.Millisecond, "every connection is back in the pool or closed")
		})
	}
}

// For example FailNow of a test, called in a hook.
func TestAHookThatEndsItsGoroutineUndoesTheTransition(t *testing.T) {
	t.Parallel()
	s, pool := openWithHook(t, func(context.Context, pgx.Tx, carrierfsm.Entry) error {
		runtime.Goexit()
		return nil
	})
	p := nextCommit(createRecord(t, s, "v1"))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Commit(context.Background(), p.Record, p.Entries...)
	}()
	<-ended
	require.Zero(t, countOrders(t, pool))
	require.Eventually(t, func() bool { return s.Acquired() == 0 }, time.Minute, time.Millisecond, "every connection is back in the pool or closed")
	stored, err := s.Load(context.Background(), "v1")
	require.NoError(t, err)
	require.Equal(t, int64(1), stored.Version)
}

func TestAHookIsRetriedWithItsTransition(t *testing.T) {
	t.Parallel()
	tries := 0
	s, pool := openWithHook(t, func(ctx context.Context, tx pgx.Tx, _ carrierfsm.Entry) error {
		if tries++; tries < 3 {
			_, err := tx.Exec(ctx, `DO $$ BEGIN RAISE SQLSTATE '40001'; END $$`)
			return err
		}
		return nil
	})
	p := nextCommit(createRecord(t, s, "v1"))
	require.NoError(t, s.Commit(context.Background(), p.Record, p.Entries...))
	require.Equal(t, 3, tries)
	require.Equal(t, 1, countOrders(t, pool))
	stored, err := s.Load(context.Background(), "v1")
	require.NoError(t, err)
	require.Equal(t, p.Record, stored, "a change of the hook's copy has no effect")
}

func TestTheServerLimitsTheTimeOfAHook(t *testing.T) {
	t.Parallel()
	limits := make(map[string]string)
	s, pool := openWithHook(t, func(ctx context.Context, tx pgx.Tx, _ carrierfsm.Entry) error {
		for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation"} {
			var value string
			if err := tx.QueryRow(ctx, `SELECT current_setting($1)`, name).Scan(&value); err != nil {
				return err
			}
			limits[name] = value
		}
		return nil
	})
	p := nextCommit(createRecord(t, s, "v1"))
	require.NoError(t, s.Commit(context.Background(), p.Record, p.Entries...))
	require.Equal(t, map[string]string{
		"statement_timeout": "30s", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "30s", "transaction_isolation": "read committed",
	}, limits)
	var after string
	require.NoError(t, pool.QueryRow(context.Background(), `SHOW statement_timeout`).Scan(&after))
	require.Equal(t, "0", after, "only of the transaction")
}

func TestACancelledHookUndoesTheTransition(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	s, pool := openWithHook(t, func(ctx context.Context, _ pgx.Tx, _ carrierfsm.Entry) error {
		cancel()
		return ctx.Err()
	})
	p := nextCommit(createRecord(t, s, "v1"))
	require.ErrorIs(t, s.Commit(ctx, p.Record, p.Entries...), context.Canceled)
	require.Zero(t, countOrders(t, pool))
	stored, err := s.Load(context.Background(), "v1")
	require.NoError(t, err)
	require.Equal(t, int64(1), stored.Version)
}
