package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// No test here is parallel: an open transaction in any database of the server keeps
// gaps open, which would hide a gap that is closed too early.

// reader reads the outbox for one handler.
type reader struct {
	t     *testing.T
	s     *postgres.Store
	lease outbox.Lease
}

// acquire acquires the lease of a cursor.
func acquire(t *testing.T, s *postgres.Store, name string, start outbox.Start) *reader {
	t.Helper()
	l, err := s.Acquire(context.Background(), name, "owner", time.Hour, start)
	require.NoError(t, err)
	return &reader{t, s, l}
}

// read passes all pending entries and returns their names: id/step.
func (r *reader) read(limit int) (names []string) {
	r.t.Helper()
	ctx := context.Background()
	for {
		b, err := r.s.Pending(ctx, r.lease, limit)
		require.NoError(r.t, err)
		if len(b.Entries) == 0 {
			return names
		}
		for _, e := range b.Entries {
			names = append(names, fmt.Sprintf("%s/%d", e.ID, e.Step))
		}
		require.NoError(r.t, r.s.Advance(ctx, r.lease, b, len(b.Entries), nil))
	}
}

// gapsOf returns the number of gaps that the cursor has stored.
func gapsOf(t *testing.T, pool *pgxpool.Pool, name string) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(context.Background(), `SELECT cardinality(lows) FROM carrierfsm_cursors WHERE name = $1`, name).Scan(&n))
	return n
}

// begin begins a transaction that has an id, as a writing transaction has.
func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	_, err = tx.Exec(context.Background(), `SELECT pg_current_xact_id()`)
	require.NoError(t, err)
	return tx
}

// appendEntry inserts an entry in a transaction that is not committed yet.
func appendEntry(t *testing.T, tx pgx.Tx, id string) {
	t.Helper()
	_, err := tx.Exec(context.Background(), `INSERT INTO carrierfsm_history (id, step, from_, event, to_, at) VALUES ($1, 1, '', '', '', now())`, id)
	require.NoError(t, err)
}

func commit(t *testing.T, tx pgx.Tx) {
	t.Helper()
	require.NoError(t, tx.Commit(context.Background()))
}

func TestAnEntryThatIsCommittedLateIsNotSkipped(t *testing.T) {
	s, pool := open(t)
	r := acquire(t, s, "reader", outbox.FromBeginning)
	late, early := begin(t, pool), begin(t, pool)
	appendEntry(t, late, "late")
	appendEntry(t, early, "early")
	commit(t, early)
	require.Equal(t, []string{"early/1"}, r.read(10), "without a wait for the other transaction")
	require.Equal(t, 1, gapsOf(t, pool, "reader"))
	require.Empty(t, r.read(10))
	commit(t, late)
	require.Equal(t, []string{"late/1"}, r.read(10))
	require.Zero(t, gapsOf(t, pool, "reader"))
}

// The xmax of a snapshot is one more than the latest id that has ended. The
// transaction that has drawn the missing position has a higher id, and a third
// transaction, with an id in between, ends.
func TestAnEntryIsNotSkippedThoughALaterTransactionHasDrawnItsPosition(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	r := acquire(t, s, "reader", outbox.FromBeginning)
	early, between, late := begin(t, pool), begin(t, pool), begin(t, pool)
	appendEntry(t, late, "late")
	appendEntry(t, early, "early")
	commit(t, early)
	require.Equal(t, []string{"early/1"}, r.read(10))
	commit(t, between)
	require.NoError(t, s.Create(ctx, record("v1"), carrierfsm.Entry{ID: "v1", Step: 1}))
	require.Equal(t, []string{"v1/1"}, r.read(10))
	commit(t, late)
	require.Equal(t, []string{"late/1"}, r.read(10))
}

func TestAnUnrelatedTransactionThatStaysOpenStallsNothing(t *testing.T) {
	s, pool := open(t)
	long := begin(t, pool)
	r := acquire(t, s, "reader", outbox.FromBeginning)
	v := createRecord(t, s, "v1")
	for i := range 20 {
		p := nextCommit(v)
		require.NoError(t, s.Commit(context.Background(), p.Record, p.Entries...))
		v = p.Record
		require.Equal(t, []string{fmt.Sprintf("v1/%d", i+1)}, r.read(10))
	}
	require.Zero(t, gapsOf(t, pool, "reader"), "all positions had entries")
	commit(t, long)
}

func TestAGapIsClosedAfterItsTransactionWasRolledBack(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	r := acquire(t, s, "reader", outbox.FromBeginning)
	aborted := begin(t, pool)
	appendEntry(t, aborted, "aborted")
	add := func(id string) {
		require.NoError(t, s.Create(ctx, record(id), carrierfsm.Entry{ID: id, Step: 1}))
		require.Equal(t, []string{id + "/1"}, r.read(10))
	}
	add("v1")
	add("v2")
	require.Equal(t, 1, gapsOf(t, pool, "reader"))
	require.NoError(t, aborted.Rollback(ctx))
	add("v3")
	require.Zero(t, gapsOf(t, pool, "reader"))
}

// createEnded creates verifications that have ended, each with an entry.
func createEnded(t *testing.T, s *postgres.Store, n int, prefix string) {
	t.Helper()
	for i := range n {
		r := record(fmt.Sprintf("%s%d", prefix, i))
		r.State = carrierfsm.Done
		require.NoError(t, s.Create(context.Background(), r, carrierfsm.Entry{ID: r.ID, Step: 1}))
	}
}

func TestPurgedEntriesLeaveNoGaps(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	for i := range 5 { // every other one will be purged
		createEnded(t, s, 1, fmt.Sprintf("old%d-", i))
		require.NoError(t, s.Create(ctx, record(fmt.Sprintf("live%d", i)), carrierfsm.Entry{ID: fmt.Sprintf("live%d", i), Step: 1}))
	}
	n, err := s.Purge(ctx, noon.Add(time.Hour), 100)
	require.NoError(t, err)
	require.Equal(t, 5, n)
	r := acquire(t, s, "reader", outbox.FromBeginning)
	require.Equal(t, []string{"live0/1", "live1/1", "live2/1", "live3/1", "live4/1"}, r.read(2))
	require.LessOrEqual(t, gapsOf(t, pool, "reader"), 2, "of the first batch")
	require.NoError(t, s.Create(ctx, record("new"), carrierfsm.Entry{ID: "new", Step: 1}))
	require.Equal(t, []string{"new/1"}, r.read(2))
	require.Zero(t, gapsOf(t, pool, "reader"))
}

// A new cursor has to pass the whole history with all purged entries. It stores no
// gaps of positions that another cursor knows to be settled, even while an open
// transaction prevents that newer positions become settled.
func TestANewCursorStoresNoGapsOfSettledPositions(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	first := acquire(t, s, "first", outbox.FromBeginning)
	for i := range 10 {
		createEnded(t, s, 1, fmt.Sprintf("old%d-", i))
		require.NoError(t, s.Create(ctx, record(fmt.Sprintf("live%d", i)), carrierfsm.Entry{ID: fmt.Sprintf("live%d", i), Step: 1}))
		first.read(100)
	}
	createEnded(t, s, 1, "last")
	first.read(100)
	long := begin(t, pool)
	_, err := s.Purge(ctx, noon.Add(time.Hour), 100)
	require.NoError(t, err)
	later := acquire(t, s, "later", outbox.FromBeginning)
	require.Len(t, later.read(3), 10)
	require.Zero(t, gapsOf(t, pool, "later"))
	commit(t, long)
}

func TestFromNowReturnsWhatIsCommittedAfterwards(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	running := begin(t, pool)
	appendEntry(t, running, "running")
	require.NoError(t, s.Create(ctx, record("old"), carrierfsm.Entry{ID: "old", Step: 1}))
	r := acquire(t, s, "reader", outbox.FromNow)
	require.Empty(t, r.read(10))
	for _, id := range []string{"new", "newer"} {
		require.NoError(t, s.Create(ctx, record(id), carrierfsm.Entry{ID: id, Step: 1}))
		require.Equal(t, []string{id + "/1"}, r.read(10))
	}
	commit(t, running)
	require.Equal(t, []string{"running/1"}, r.read(10))
}

// What it costs to create a cursor must not grow with the history.
func TestFromNowLimitsHowFarBackItLooksForGaps(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	fill := func(id string, n int) {
		for i := range n {
			require.NoError(t, s.Create(ctx, carrierfsm.Record{ID: fmt.Sprint(id, i), Version: 1, State: carrierfsm.Created, Created: noon, Updated: noon},
				carrierfsm.Entry{ID: fmt.Sprint(id, i), Step: 1}))
		}
	}
	appendEntry(t, begin(t, pool), "old")
	fill("a", 20)
	appendEntry(t, begin(t, pool), "young")
	fill("b", 5)
	for lookback, want := range map[int64]int{10: 1, 1000: 2, 3: 0} {
		n, err := s.NewestGaps(ctx, lookback)
		require.NoError(t, err)
		require.Equal(t, want, n, "%d positions back", lookback)
	}
}

func TestFromNowInAnEmptyStoreReturnsTheFirstEntry(t *testing.T) {
	s, _ := open(t)
	r := acquire(t, s, "reader", outbox.FromNow)
	require.NoError(t, s.Create(context.Background(), record("v1"), carrierfsm.Entry{ID: "v1", Step: 1}))
	require.Equal(t, []string{"v1/1"}, r.read(10))
}

func TestAnOwnerThatLostItsLeaseReadsAndWritesNothing(t *testing.T) {
	s, _ := open(t)
	ctx := context.Background()
	r := acquire(t, s, "reader", outbox.FromBeginning)
	require.NoError(t, s.Release(ctx, r.lease))
	_, err := s.Acquire(ctx, "reader", "another", time.Hour, outbox.FromBeginning)
	require.NoError(t, err)
	_, err = s.Pending(ctx, r.lease, 10)
	require.ErrorIs(t, err, outbox.ErrLeaseLost)
	require.ErrorIs(t, s.Advance(ctx, r.lease, outbox.Batch{}, 0, nil), outbox.ErrLeaseLost)
	require.Error(t, s.Advance(ctx, r.lease, outbox.Batch{Entries: make([]carrierfsm.Entry, 1)}, 1, nil), "a batch that no store has returned")
}

// After a crash the sequence may return positions again that were drawn before and
// not committed. The cursor must not believe an older reading of the sequence.
func TestPositionsThatACrashResetsAreNotSettled(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	r := acquire(t, s, "reader", outbox.FromBeginning)
	require.NoError(t, s.Create(ctx, record("v1"), carrierfsm.Entry{ID: "v1", Step: 1}))
	lost := begin(t, pool)
	for i := range 5 {
		appendEntry(t, lost, fmt.Sprintf("lost%d", i))
	}
	b, err := r.s.Pending(ctx, r.lease, 10)
	require.NoError(t, err)
	require.NoError(t, lost.Rollback(ctx))
	_, err = pool.Exec(ctx, `SELECT setval('carrierfsm_position', 1)`) // as after a crash in which the drawn positions were not on disk yet
	require.NoError(t, err)
	require.NoError(t, s.Advance(ctx, r.lease, b, 1, nil))

	late, early := begin(t, pool), begin(t, pool)
	appendEntry(t, late, "late")
	appendEntry(t, early, "early")
	commit(t, early)
	require.Equal(t, []string{"early/1"}, r.read(10))
	commit(t, late)
	require.Equal(t, []string{"late/1"}, r.read(10))
}
