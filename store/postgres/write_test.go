package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// step is the next commit of a record.
func step(r carrierfsm.Record) postgres.Pair {
	r, e := next(r)
	return postgres.Pair{Record: r, Entries: []carrierfsm.Entry{e}}
}

// created creates a record.
func created(t *testing.T, s *postgres.Store, id string) carrierfsm.Record {
	t.Helper()
	r := record(id)
	require.NoError(t, s.Create(context.Background(), r))
	return r
}

func matches(t *testing.T, want, got []error) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.ErrorIs(t, got[i], want[i], "verdict %d", i)
	}
}

func TestEachOfASharedStatementGetsItsOwnVerdict(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := context.Background()
	a, b, c, d := created(t, s, "a"), created(t, s, "b"), created(t, s, "c"), created(t, s, "d")
	stale := step(b)
	stale.Record.Version = 1
	takes := step(c)
	takes.Record.Key = a.Key
	moves := step(d)
	moves.Record.Key = "a key that nobody holds"
	two := step(record("nobody"))
	errs, err := s.SendTogether(ctx, step(a), stale, takes, moves, two)
	require.NoError(t, err)
	matches(t, []error{nil, carrierfsm.ErrConflict, carrierfsm.ErrKeyInUse, nil, carrierfsm.ErrNotFound}, errs)
	for id, steps := range map[string]int{"a": 1, "b": 0, "c": 0, "d": 1} {
		list, err := s.History(ctx, id, 0, 9)
		require.NoError(t, err)
		require.Len(t, list, steps, id)
	}
}

func TestTwoCommitsOfOneIDInOneStatementAreOneCommit(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := context.Background()
	a, b := created(t, s, "a"), created(t, s, "b")
	one, two := step(a), step(a)
	one.Record.CommitID, two.Record.CommitID = [16]byte{1}, [16]byte{2}
	errs, err := s.SendTogether(ctx, one, step(b), two)
	require.NoError(t, err)
	require.NoError(t, errs[1])
	stored, err := s.Load(ctx, "a")
	require.NoError(t, err)
	winner := map[[16]byte]int{{1}: 0, {2}: 2}[stored.CommitID]
	require.NoError(t, errs[winner])
	require.ErrorIs(t, errs[2-winner], carrierfsm.ErrConflict)
	list, err := s.History(ctx, "a", 0, 9)
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestTwoCommitsThatTakeOneKeyInOneStatementAreJudgedOneByOne(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	a, b, c := step(created(t, s, "a")), step(created(t, s, "b")), step(created(t, s, "c"))
	a.Record.Key, c.Record.Key = "new", "new"
	matches(t, []error{nil, nil, carrierfsm.ErrKeyInUse}, s.CommitTogether(context.Background(), a, b, c))
}

func TestTwoCreationsOfOneIDOrKeyInOneStatementAreOneCreation(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	created(t, s, "old")
	again, rival := record("old"), record("rival")
	again.Key, rival.Key = "", "key of a"
	twin := record("a")
	twin.Key, twin.CommitID = "", [16]byte{9}
	matches(t, []error{nil, carrierfsm.ErrExists, carrierfsm.ErrKeyInUse, nil, carrierfsm.ErrExists}, s.CreateTogether(context.Background(),
		postgres.Pair{Record: record("a")}, postgres.Pair{Record: again}, postgres.Pair{Record: rival}, postgres.Pair{Record: record("b")}, postgres.Pair{Record: twin}))
}

func TestWhatOneSpoilsForAllIsWrittenOneByOne(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := context.Background()
	good, bad := step(created(t, s, "good")), step(created(t, s, "bad"))
	bad.Entries[0].From = "no text \x00 that PostgreSQL knows"
	errs := s.CommitTogether(ctx, good, bad)
	require.NoError(t, errs[0])
	require.ErrorContains(t, errs[1], "carrierfsm/postgres: ")
	stored, err := s.Load(ctx, "bad")
	require.NoError(t, err)
	require.Equal(t, int64(1), stored.Version)
}

// locked holds a record's row as a foreign transaction does, until free is called.
func locked(t *testing.T, pool *pgxpool.Pool, id string) (free func()) {
	t.Helper()
	ctx := context.Background()
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `SELECT FROM carrierfsm_verifications WHERE id = $1 FOR UPDATE`, id)
	require.NoError(t, err)
	return sync.OnceFunc(func() { require.NoError(t, tx.Rollback(ctx)) })
}

// waiters waits until so many statements of this package wait for a lock, and
// returns their backends.
func waiters(t *testing.T, pool *pgxpool.Pool, n int) (backends []int32) {
	t.Helper()
	require.Eventually(t, func() bool {
		rows, err := pool.Query(context.Background(), `SELECT pid FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%carrierfsm_verifications%'`)
		require.NoError(t, err)
		backends, err = pgx.CollectRows(rows, pgx.RowTo[int32])
		require.NoError(t, err)
		return len(backends) == n
	}, time.Minute, time.Millisecond)
	return backends
}

func TestACancelledCallerOfASharedStatementLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).NewDatabase(t)
	s, _ := openOn(t, pgtest.Pool(t, dsn, 9))
	foreign := pgtest.Pool(t, dsn, 2)
	const stuck, drivers = 8, 40 // eight go alone, the others have to share
	steps := make([]postgres.Pair, stuck+drivers)
	for i := range steps {
		steps[i] = step(created(t, s, fmt.Sprintf("v%02d", i)))
	}
	tx, err := foreign.Begin(context.Background())
	require.NoError(t, err)
	_, err = tx.Exec(context.Background(), `SELECT FROM carrierfsm_verifications FOR UPDATE`)
	require.NoError(t, err)
	errs := make([]error, len(steps))
	var all sync.WaitGroup
	gone, cancel := context.WithCancel(context.Background())
	defer cancel()
	commit := func(i int) {
		all.Go(func() {
			ctx := context.Background()
			if i == stuck+drivers-1 {
				ctx = gone
			}
			errs[i] = s.Commit(ctx, steps[i].Record, steps[i].Entries...)
		})
	}
	for i := range stuck {
		commit(i)
	}
	waiters(t, foreign, stuck)
	for i := stuck; i < len(steps); i++ {
		commit(i)
	}
	cancel()
	require.NoError(t, tx.Rollback(context.Background()))
	all.Wait()
	for i, err := range errs[:len(errs)-1] {
		require.NoError(t, err, "caller %d", i)
	}
	last := errs[len(errs)-1]
	stored, err := s.Load(context.Background(), steps[len(steps)-1].Record.ID)
	require.NoError(t, err)
	if last == nil {
		require.Equal(t, int64(2), stored.Version)
	} else {
		require.ErrorIs(t, last, context.Canceled)
	}
	list, err := s.History(context.Background(), stored.ID, 0, 9)
	require.NoError(t, err)
	require.Len(t, list, stored.Step, "record and entry, both or neither")
}

func TestACommitThatIsCutOffWhileItWaitsIsUnknownAndNotHalfThere(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := context.Background()
	p := step(created(t, s, "v1"))
	free := locked(t, pool, "v1")
	done := make(chan error, 1)
	go func() { done <- s.Commit(ctx, p.Record, p.Entries...) }()
	_, err := pool.Exec(ctx, `SELECT pg_terminate_backend($1)`, waiters(t, pool, 1)[0])
	require.NoError(t, err)
	err = <-done
	require.ErrorContains(t, err, "carrierfsm/postgres: ")
	for _, sentinel := range []error{carrierfsm.ErrConflict, carrierfsm.ErrNotFound, carrierfsm.ErrExists, carrierfsm.ErrKeyInUse} {
		require.NotErrorIs(t, err, sentinel)
	}
	free()
	stored, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	require.NotEqual(t, p.Record.CommitID, stored.CommitID)
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...), "the same commit once more")
}

// deafConn loses what the server says from the time it is made deaf.
type deafConn struct {
	net.Conn
	deaf *atomic.Bool
}

func (c deafConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.deaf.Load() {
		return 0, errors.New("the line is cut")
	}
	return n, err
}

// deafStore is a store that can be made deaf, and one beside it on the same
// database that can't.
func deafStore(t *testing.T) (s, healthy *postgres.Store, deaf *atomic.Bool) {
	t.Helper()
	dsn := cluster.Cluster(t).NewDatabase(t)
	healthy, _ = openOn(t, pgtest.Pool(t, dsn, 2))
	deaf = new(atomic.Bool)
	s, _ = openOn(t, poolOf(t, dsn, func(config *pgxpool.Config) {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec // nothing is prepared before
		dial := config.ConnConfig.DialFunc
		config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return deafConn{conn, deaf}, err
		}
	}))
	_, err := s.Load(context.Background(), "nobody") // so that it is connected
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	return s, healthy, deaf
}

func TestEachCommitOfASharedStatementWhoseAnswerIsLostIsRecognisedByItsCommitID(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, healthy, deaf := deafStore(t)
	first, second, stale := step(created(t, healthy, "v1")), step(created(t, healthy, "v2")), step(created(t, healthy, "v3"))
	stale.Record.Version++
	deaf.Store(true)
	for _, err := range s.CommitTogether(ctx, first, second, stale) {
		require.ErrorContains(t, err, "the line is cut", "nobody is told anything for sure")
	}
	require.Eventually(t, func() bool {
		stored, err := healthy.Load(ctx, "v1")
		require.NoError(t, err)
		return stored.CommitID == first.Record.CommitID
	}, time.Minute, time.Millisecond)
	stored, err := healthy.Load(ctx, "v2")
	require.NoError(t, err)
	require.Equal(t, second.Record.CommitID, stored.CommitID)
	stored, err = healthy.Load(ctx, "v3")
	require.NoError(t, err)
	require.NotEqual(t, stale.Record.CommitID, stored.CommitID, "what was refused is not taken for done")
}

func TestACommitWhoseAnswerIsLostIsRecognisedByItsCommitID(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, healthy, deaf := deafStore(t)
	p := step(created(t, healthy, "v1"))
	deaf.Store(true)
	err := s.Commit(ctx, p.Record, p.Entries...)
	require.ErrorContains(t, err, "the line is cut")
	require.Eventually(t, func() bool {
		stored, err := healthy.Load(ctx, "v1")
		require.NoError(t, err)
		return stored.CommitID == p.Record.CommitID
	}, time.Minute, time.Millisecond)
	deaf.Store(false)
	require.ErrorIs(t, s.Commit(ctx, p.Record, p.Entries...), carrierfsm.ErrConflict)
}

// errorTracer counts what the server refuses.
type errorTracer struct{ errs atomic.Int32 }

func (*errorTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (e *errorTracer) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if data.Err != nil {
		e.errs.Add(1)
	}
}

// An error would fill the server's log and undo a transaction.
func TestARefusalIsNoErrorOfTheServers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var tracer errorTracer
	s, _ := openOn(t, poolOf(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) { config.ConnConfig.Tracer = &tracer }))
	a, b := created(t, s, "a"), created(t, s, "b")
	takes := step(b)
	takes.Record.Key = a.Key
	require.ErrorIs(t, s.Commit(ctx, takes.Record, takes.Entries...), carrierfsm.ErrKeyInUse)
	require.ErrorIs(t, s.Commit(ctx, a), carrierfsm.ErrConflict)
	require.ErrorIs(t, s.Commit(ctx, record("c")), carrierfsm.ErrNotFound)
	require.ErrorIs(t, s.Create(ctx, a), carrierfsm.ErrExists)
	rival := record("c")
	rival.Key = a.Key
	require.ErrorIs(t, s.Create(ctx, rival), carrierfsm.ErrKeyInUse)
	require.Zero(t, tracer.errs.Load())
}

func TestAWriteIsBoundedInTime(t *testing.T) {
	t.Parallel()
	s, pool := open(t, postgres.WithTimeout(50*time.Millisecond))
	p := step(created(t, s, "v1"))
	free := locked(t, pool, "v1")
	defer free()
	require.ErrorIs(t, s.Commit(context.Background(), p.Record, p.Entries...), context.DeadlineExceeded)
}

func TestPurgeLeavesWhatSomebodyElseIsChanging(t *testing.T) {
	t.Parallel()
	s, pool := open(t, postgres.WithTimeout(time.Second))
	ctx := context.Background()
	ended(t, s, 2, "old")
	free := locked(t, pool, "old0")
	n, err := s.Purge(ctx, noon.Add(time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	free()
	n, err = s.Purge(ctx, noon.Add(time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	var rows int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM carrierfsm_history`).Scan(&rows))
	require.Zero(t, rows)
}
