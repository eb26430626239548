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
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// Open transactions of other databases keep holes, and would hide what is given
// up too early. So none of the tests here is parallel.

// reader reads the outbox for one handler.
type reader struct {
	t     *testing.T
	s     *postgres.Store
	lease carrierfsm.Lease
}

func lead(t *testing.T, s *postgres.Store, name string, start carrierfsm.Start) *reader {
	t.Helper()
	l, err := s.Lead(context.Background(), name, "owner", time.Hour, start)
	require.NoError(t, err)
	return &reader{t, s, l}
}

// read passes all that is there and returns its names.
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

// holes is how many holes the handler's cursor remembers.
func holes(t *testing.T, pool *pgxpool.Pool, name string) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(context.Background(), `SELECT cardinality(lows) FROM carrierfsm_cursors WHERE name = $1`, name).Scan(&n))
	return n
}

// begin opens a transaction that has an id, as every writing one has.
func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	_, err = tx.Exec(context.Background(), `SELECT pg_current_xact_id()`)
	require.NoError(t, err)
	return tx
}

// appends draws a place and inserts an entry, as a commit does that is not over.
func appends(t *testing.T, tx pgx.Tx, id string) {
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
	r := lead(t, s, "reader", carrierfsm.FromBeginning)
	late, early := begin(t, pool), begin(t, pool)
	appends(t, late, "late")
	appends(t, early, "early")
	commit(t, early)
	require.Equal(t, []string{"early/1"}, r.read(10), "it waits for nobody")
	require.Equal(t, 1, holes(t, pool, "reader"))
	require.Empty(t, r.read(10))
	commit(t, late)
	require.Equal(t, []string{"late/1"}, r.read(10))
	require.Zero(t, holes(t, pool, "reader"))
}

// The snapshot's xmax is one more than the latest id that has ended. Whoever
// holds a place may have a later one, and a third may end in between.
func TestAnEntryIsNotSkippedThoughALaterTransactionHoldsItsPlace(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	r := lead(t, s, "reader", carrierfsm.FromBeginning)
	early, between, late := begin(t, pool), begin(t, pool), begin(t, pool)
	appends(t, late, "late")
	appends(t, early, "early")
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
	r := lead(t, s, "reader", carrierfsm.FromBeginning)
	v := created(t, s, "v1")
	for i := range 20 {
		p := step(v)
		require.NoError(t, s.Commit(context.Background(), p.Record, p.Entries...))
		v = p.Record
		require.Equal(t, []string{fmt.Sprintf("v1/%d", i+1)}, r.read(10))
	}
	require.Zero(t, holes(t, pool, "reader"), "there were no gaps")
	commit(t, long)
}

func TestAPlaceThatNobodyFillsIsGivenUpOnceItsTransactionHasEnded(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	r := lead(t, s, "reader", carrierfsm.FromBeginning)
	undone := begin(t, pool)
	appends(t, undone, "undone")
	add := func(id string) {
		require.NoError(t, s.Create(ctx, record(id), carrierfsm.Entry{ID: id, Step: 1}))
		require.Equal(t, []string{id + "/1"}, r.read(10))
	}
	add("v1")
	add("v2")
	require.Equal(t, 1, holes(t, pool, "reader"))
	require.NoError(t, undone.Rollback(ctx))
	add("v3")
	require.Zero(t, holes(t, pool, "reader"))
}

// ended creates verifications that have ended, with an entry each.
func ended(t *testing.T, s *postgres.Store, n int, prefix string) {
	t.Helper()
	for i := range n {
		r := record(fmt.Sprintf("%s%d", prefix, i))
		r.State = carrierfsm.Done
		require.NoError(t, s.Create(context.Background(), r, carrierfsm.Entry{ID: r.ID, Step: 1}))
	}
}

func TestPurgedEntriesArePassedOverAndForgotten(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	for i := range 5 { // each second one will be purged
		ended(t, s, 1, fmt.Sprintf("old%d-", i))
		require.NoError(t, s.Create(ctx, record(fmt.Sprintf("live%d", i)), carrierfsm.Entry{ID: fmt.Sprintf("live%d", i), Step: 1}))
	}
	n, err := s.Purge(ctx, noon.Add(time.Hour), 100)
	require.NoError(t, err)
	require.Equal(t, 5, n)
	r := lead(t, s, "reader", carrierfsm.FromBeginning)
	require.Equal(t, []string{"live0/1", "live1/1", "live2/1", "live3/1", "live4/1"}, r.read(2))
	require.LessOrEqual(t, holes(t, pool, "reader"), 2, "of the first page only")
	require.NoError(t, s.Create(ctx, record("new"), carrierfsm.Entry{ID: "new", Step: 1}))
	require.Equal(t, []string{"new/1"}, r.read(2))
	require.Zero(t, holes(t, pool, "reader"))
}

// A handler that comes later has the whole history before it, with all that was
// purged. What an earlier handler knows to be settled it need not remember, even
// while a transaction keeps everything newer unsettled.
func TestANewHandlerRemembersNothingOfWhatIsLongSettled(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	first := lead(t, s, "first", carrierfsm.FromBeginning)
	for i := range 10 {
		ended(t, s, 1, fmt.Sprintf("old%d-", i))
		require.NoError(t, s.Create(ctx, record(fmt.Sprintf("live%d", i)), carrierfsm.Entry{ID: fmt.Sprintf("live%d", i), Step: 1}))
		first.read(100)
	}
	ended(t, s, 1, "last")
	first.read(100)
	long := begin(t, pool)
	_, err := s.Purge(ctx, noon.Add(time.Hour), 100)
	require.NoError(t, err)
	later := lead(t, s, "later", carrierfsm.FromBeginning)
	require.Len(t, later.read(3), 10)
	require.Zero(t, holes(t, pool, "later"))
	commit(t, long)
}

func TestFromNowReturnsWhatIsCommittedAfterwards(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	under := begin(t, pool)
	appends(t, under, "under way")
	require.NoError(t, s.Create(ctx, record("old"), carrierfsm.Entry{ID: "old", Step: 1}))
	r := lead(t, s, "reader", carrierfsm.FromNow)
	require.Empty(t, r.read(10))
	for _, id := range []string{"new", "newer"} {
		require.NoError(t, s.Create(ctx, record(id), carrierfsm.Entry{ID: id, Step: 1}))
		require.Equal(t, []string{id + "/1"}, r.read(10))
	}
	commit(t, under)
	require.Equal(t, []string{"under way/1"}, r.read(10))
}

// What a new cursor reads must not grow with all that ever happened.
func TestFromNowLooksForGapsOnlySoFarBack(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	fill := func(id string, n int) {
		for i := range n {
			require.NoError(t, s.Create(ctx, carrierfsm.Record{ID: fmt.Sprint(id, i), Version: 1, State: carrierfsm.Created, Created: noon, Updated: noon},
				carrierfsm.Entry{ID: fmt.Sprint(id, i), Step: 1}))
		}
	}
	appends(t, begin(t, pool), "old")
	fill("a", 20)
	appends(t, begin(t, pool), "young")
	fill("b", 5)
	for back, want := range map[int64]int{10: 1, 1000: 2, 3: 0} {
		n, err := s.Gaps(ctx, back)
		require.NoError(t, err)
		require.Equal(t, want, n, "%d places back", back)
	}
}

func TestFromNowInAnEmptyStoreReturnsTheFirstEntry(t *testing.T) {
	s, _ := open(t)
	r := lead(t, s, "reader", carrierfsm.FromNow)
	require.NoError(t, s.Create(context.Background(), record("v1"), carrierfsm.Entry{ID: "v1", Step: 1}))
	require.Equal(t, []string{"v1/1"}, r.read(10))
}

func TestALeaderThatWasReplacedReadsAndWritesNothing(t *testing.T) {
	s, _ := open(t)
	ctx := context.Background()
	r := lead(t, s, "reader", carrierfsm.FromBeginning)
	require.NoError(t, s.Resign(ctx, r.lease))
	_, err := s.Lead(ctx, "reader", "another", time.Hour, carrierfsm.FromBeginning)
	require.NoError(t, err)
	_, err = s.Pending(ctx, r.lease, 10)
	require.ErrorIs(t, err, carrierfsm.ErrLeaseLost)
	require.ErrorIs(t, s.Advance(ctx, r.lease, carrierfsm.Batch{}, 0, nil), carrierfsm.ErrLeaseLost)
	require.Error(t, s.Advance(ctx, r.lease, carrierfsm.Batch{Entries: make([]carrierfsm.Entry, 1)}, 1, nil), "a batch of no store")
}

// A server that dies takes back the places that transactions had drawn and not
// committed. What was read of them before must not be believed afterwards.
func TestPlacesThatACrashTakesBackAreNotTakenForSettled(t *testing.T) {
	s, pool := open(t)
	ctx := context.Background()
	r := lead(t, s, "reader", carrierfsm.FromBeginning)
	require.NoError(t, s.Create(ctx, record("v1"), carrierfsm.Entry{ID: "v1", Step: 1}))
	lost := begin(t, pool)
	for i := range 5 {
		appends(t, lost, fmt.Sprintf("lost%d", i))
	}
	b, err := r.s.Pending(ctx, r.lease, 10)
	require.NoError(t, err)
	require.NoError(t, lost.Rollback(ctx))
	_, err = pool.Exec(ctx, `SELECT setval('carrierfsm_position', 1)`) // as recovery does, when the draws had not reached the disk
	require.NoError(t, err)
	require.NoError(t, s.Advance(ctx, r.lease, b, 1, nil))

	late, early := begin(t, pool), begin(t, pool)
	appends(t, late, "late")
	appends(t, early, "early")
	commit(t, early)
	require.Equal(t, []string{"early/1"}, r.read(10))
	commit(t, late)
	require.Equal(t, []string{"late/1"}, r.read(10))
}
