package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// giveUp commits, and ends the context while the record is locked.
func giveUp(t *testing.T, s *postgres.Store, others *pgxpool.Pool, p write.Request, blocked int) <-chan error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Commit(ctx, p.Record, p.Entries...) }()
	waitForBlocked(t, others, blocked)
	return done
}

func TestAnAnswerSoonAfterTheEndOfAContextIsTaken(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).NewDatabase(t)
	others := pgtest.Pool(t, dsn, 2)
	s, _ := openOn(t, pgtest.Pool(t, dsn, 1), postgres.WithLateAnswer(time.Minute))
	p := nextCommit(createRecord(t, s, "v1"))
	opened := s.Pool().Stat().NewConnsCount()
	unlock := lockRow(t, others, "v1")
	defer unlock()
	done := giveUp(t, s, others, p, 1)
	unlock()
	require.NoError(t, <-done)
	stored, err := s.Load(context.Background(), "v1")
	require.NoError(t, err)
	require.Equal(t, p.Record.CommitID, stored.CommitID)
	require.Equal(t, opened, s.Pool().Stat().NewConnsCount(), "the connection is used again")
}

func TestAWriteThatIsGivenUpGoesOnAndItsConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	others := pgtest.Pool(t, dsn, 2)
	s, _ := openOn(t, pgtest.Pool(t, dsn, 1), postgres.WithLateAnswer(0), postgres.WithDrain(time.Hour, time.Hour))
	require.False(t, s.Pooled())
	p := nextCommit(createRecord(t, s, "v1"))
	createRecord(t, s, "v2")
	unlock := lockRow(t, others, "v1")
	defer unlock()
	require.ErrorIs(t, <-giveUp(t, s, others, p, 1), context.Canceled)
	require.Equal(t, 1, s.Abandoned())
	_, err := s.Load(ctx, "v2")
	require.NoError(t, err, "there is a connection, though the pool has one")
	waitForBlocked(t, others, 1)
	unlock()
	require.Eventually(t, func() bool {
		stored, err := s.Load(ctx, "v1")
		return err == nil && stored.CommitID == p.Record.CommitID
	}, time.Minute, time.Millisecond)
	require.Eventually(t, func() bool { return s.Abandoned() == 0 }, time.Minute, time.Millisecond, "the server has answered")
}

func TestAConnectionThatWasCutWithoutAnAnswerCountsForAWhile(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).NewDatabase(t)
	others := pgtest.Pool(t, dsn, 2)
	for after, want := range map[time.Duration]int{time.Hour: 1, time.Millisecond: 0} {
		s, _ := openOn(t, pgtest.Pool(t, dsn, 1), postgres.WithLateAnswer(0), postgres.WithDrain(time.Millisecond, after))
		p := nextCommit(createRecord(t, s, after.String()))
		unlock := lockRow(t, others, p.Record.ID)
		require.ErrorIs(t, <-giveUp(t, s, others, p, 1), context.Canceled)
		require.Eventually(t, func() bool { return s.Running() == 0 && s.Abandoned() == want }, time.Minute, time.Millisecond)
		waitForBlocked(t, others, 1) // the server does not know
		unlock()
		waitForBlocked(t, others, 0)
	}
}

// While a standby is away each commit waits, and the server must not run out of
// connections.
func TestNoMoreThanThreeTimesTheConnectionsOfThePoolAreInUse(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).NewDatabase(t)
	others := pgtest.Pool(t, dsn, 4)
	healthy, _ := openOn(t, others)
	const size, writes = 2, 12
	var steps []write.Request
	for i := range writes {
		steps = append(steps, nextCommit(createRecord(t, healthy, fmt.Sprint("v", i))))
	}
	s, _ := openOn(t, pgtest.Pool(t, dsn, size), postgres.WithLateAnswer(0), postgres.WithDrain(time.Hour, time.Hour),
		postgres.WithTimeout(100*time.Millisecond))
	tx, err := others.Begin(context.Background())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(context.Background(), `SELECT FROM carrierfsm_verifications FOR UPDATE`)
	require.NoError(t, err)
	for _, p := range steps {
		require.ErrorIs(t, s.Commit(context.Background(), p.Record, p.Entries...), context.DeadlineExceeded)
		var waiting int
		require.NoError(t, others.QueryRow(context.Background(),
			`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting))
		require.LessOrEqual(t, waiting, 3*size)
		require.LessOrEqual(t, s.Abandoned(), 2*size)
	}
	require.Equal(t, 2*size, s.Abandoned(), "all that may be")
	require.NoError(t, tx.Rollback(context.Background()))
	require.Eventually(t, func() bool { return s.Abandoned() == 0 }, time.Minute, time.Millisecond)
	require.Eventually(t, func() bool {
		_, err := s.Load(context.Background(), "v0")
		return err == nil
	}, time.Minute, time.Millisecond)
}
