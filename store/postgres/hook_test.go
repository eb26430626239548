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

// hooked is a store with a hook that books each entry in a table of the host,
// then does what the test says.
func hooked(t *testing.T, then func(ctx context.Context, tx pgx.Tx, e carrierfsm.Entry) error) (*postgres.Store, *pgxpool.Pool) {
	t.Helper()
	s, pool := open(t, postgres.WithTimeout(30*time.Second), postgres.WithHook(
		func(ctx context.Context, tx pgx.Tx, r carrierfsm.Record, entries []carrierfsm.Entry) error {
			for _, e := range entries {
				if _, err := tx.Exec(ctx, `INSERT INTO booked VALUES ($1, $2, $3)`, r.ID, e.Step, r.Version); err != nil {
					return err
				}
				clear(e.Detail) // what a hook is given is its own
				clear(r.Body)
				if err := then(ctx, tx, e); err != nil {
					return err
				}
			}
			return nil
		}))
	_, err := pool.Exec(context.Background(), `CREATE TABLE booked (id text, step integer, version bigint)`)
	require.NoError(t, err)
	return s, pool
}

func booked(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(context.Background(), `SELECT count(*) FROM booked`).Scan(&n))
	return n
}

func nothing(context.Context, pgx.Tx, carrierfsm.Entry) error { return nil }

func TestAHookAndItsTransitionAreCommittedTogether(t *testing.T) {
	t.Parallel()
	s, pool := hooked(t, nothing)
	ctx := context.Background()
	r := record("v1")
	require.NoError(t, s.Create(ctx, r, carrierfsm.Entry{ID: "v1", Step: 1, Detail: []byte("detail")}))
	require.Equal(t, 1, booked(t, pool), "for a creation with an entry")
	r.Version++
	require.NoError(t, s.Commit(ctx, r))
	require.Equal(t, 1, booked(t, pool), "not for a commit without one")
	r.Step = 1
	p := step(r)
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
	require.Equal(t, 2, booked(t, pool), "for a commit with one")
	require.ErrorIs(t, s.Commit(ctx, p.Record, p.Entries...), carrierfsm.ErrConflict)
	require.Equal(t, 2, booked(t, pool), "not for what is refused")
	stored, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	require.Equal(t, p.Record, stored)
	list, err := s.History(ctx, "v1", 0, 1)
	require.NoError(t, err)
	require.Equal(t, []byte("detail"), list[0].Detail)
	p = step(p.Record)
	require.NoError(t, s.Erase(ctx, p.Record, p.Entries...))
	require.Equal(t, 3, booked(t, pool), "for an erasure")
}

// However many wait: the host's own SQL stands or falls with its own transition.
func TestCommitsWithAHookShareNoTransaction(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const many = 60 // far more than are waiting when writes begin to share
	s, pool := hooked(t, func(ctx context.Context, tx pgx.Tx, e carrierfsm.Entry) error {
		_, err := tx.Exec(ctx, `INSERT INTO transactions SELECT pg_current_xact_id()::text`)
		return err
	})
	_, err := pool.Exec(ctx, `CREATE TABLE transactions (id text)`)
	require.NoError(t, err)
	var all sync.WaitGroup
	errs := make([]error, many)
	for i := range many {
		r := created(t, s, fmt.Sprintf("v%d", i))
		all.Go(func() {
			p := step(r)
			errs[i] = s.Commit(ctx, p.Record, p.Entries...)
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	var transactions int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(DISTINCT id) FROM transactions`).Scan(&transactions))
	require.Equal(t, many, transactions)
	require.Equal(t, many, booked(t, pool))
}

func TestAHookThatFailsUndoesTheTransition(t *testing.T) {
	t.Parallel()
	failure := errors.New("no stock")
	for name, c := range map[string]struct {
		then func(context.Context, pgx.Tx, carrierfsm.Entry) error
		want string
	}{
		"error": {func(context.Context, pgx.Tx, carrierfsm.Entry) error { return failure }, "no stock"},
		"panic": {func(context.Context, pgx.Tx, carrierfsm.Entry) error { panic("oops") }, "the hook panicked: oops"},
		"SQL error": {func(ctx context.Context, tx pgx.Tx, _ carrierfsm.Entry) error {
			_, err := tx.Exec(ctx, `SELECT 1/0`)
			return err
		}, "division by zero"},
		"SQL error kept to itself": {func(ctx context.Context, tx pgx.Tx, _ carrierfsm.Entry) error {
			_, _ = tx.Exec(ctx, `SELECT 1/0`)
			return nil
		}, "rollback"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pool := hooked(t, c.then)
			ctx := context.Background()
			r := created(t, s, "v1")
			p := step(r)
			err := s.Commit(ctx, p.Record, p.Entries...)
			require.ErrorContains(t, err, c.want)
			if name == "error" {
				require.ErrorIs(t, err, failure)
			}
			require.Error(t, s.Erase(ctx, p.Record, p.Entries...))
			require.Error(t, s.Create(ctx, record("v2"), carrierfsm.Entry{ID: "v2", Step: 1}))
			require.Zero(t, booked(t, pool))
			stored, err := s.Load(ctx, "v1")
			require.NoError(t, err)
			require.Equal(t, r, stored)
			_, err = s.Load(ctx, "v2")
			require.ErrorIs(t, err, carrierfsm.ErrNotFound)
			require.Zero(t, pool.Stat().AcquiredConns(), "every connection is back")
		})
	}
}

// A test's FailNow inside a hook ends the goroutine.
func TestAHookThatEndsItsGoroutineUndoesTheTransition(t *testing.T) {
	t.Parallel()
	s, pool := hooked(t, func(context.Context, pgx.Tx, carrierfsm.Entry) error {
		runtime.Goexit()
		return nil
	})
	p := step(created(t, s, "v1"))
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = s.Commit(context.Background(), p.Record, p.Entries...)
	}()
	<-gone
	require.Zero(t, booked(t, pool))
	require.Zero(t, pool.Stat().AcquiredConns())
	stored, err := s.Load(context.Background(), "v1")
	require.NoError(t, err)
	require.Equal(t, int64(1), stored.Version)
}

func TestAHookIsTriedAgainWithTheTransition(t *testing.T) {
	t.Parallel()
	tries := 0
	s, pool := hooked(t, func(ctx context.Context, tx pgx.Tx, _ carrierfsm.Entry) error {
		if tries++; tries < 3 {
			_, err := tx.Exec(ctx, `DO $$ BEGIN RAISE SQLSTATE '40001'; END $$`)
			return err
		}
		return nil
	})
	p := step(created(t, s, "v1"))
	require.NoError(t, s.Commit(context.Background(), p.Record, p.Entries...))
	require.Equal(t, 3, tries)
	require.Equal(t, 1, booked(t, pool))
	stored, err := s.Load(context.Background(), "v1")
	require.NoError(t, err)
	require.Equal(t, p.Record, stored, "what a hook does to its copy is undone too")
}

func TestAHooksTransactionIsBoundedOnTheServer(t *testing.T) {
	t.Parallel()
	bounds := make(map[string]string)
	s, pool := hooked(t, func(ctx context.Context, tx pgx.Tx, _ carrierfsm.Entry) error {
		for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation"} {
			var value string
			if err := tx.QueryRow(ctx, `SELECT current_setting($1)`, name).Scan(&value); err != nil {
				return err
			}
			bounds[name] = value
		}
		return nil
	})
	p := step(created(t, s, "v1"))
	require.NoError(t, s.Commit(context.Background(), p.Record, p.Entries...))
	require.Equal(t, map[string]string{
		"statement_timeout": "30s", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "30s", "transaction_isolation": "read committed",
	}, bounds)
	var after string
	require.NoError(t, pool.QueryRow(context.Background(), `SHOW statement_timeout`).Scan(&after))
	require.Equal(t, "0", after, "the session is as it was")
}

func TestACancelledHookUndoesTheTransition(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	s, pool := hooked(t, func(ctx context.Context, _ pgx.Tx, _ carrierfsm.Entry) error {
		cancel()
		return ctx.Err()
	})
	p := step(created(t, s, "v1"))
	require.ErrorIs(t, s.Commit(ctx, p.Record, p.Entries...), context.Canceled)
	require.Zero(t, booked(t, pool))
	stored, err := s.Load(context.Background(), "v1")
	require.NoError(t, err)
	require.Equal(t, int64(1), stored.Version)
}
