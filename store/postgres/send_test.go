package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// requireErrors checks that each error is the wanted one, which may be nil.
func requireErrors(t *testing.T, want, got []error) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.ErrorIs(t, got[i], want[i], "request %d", i)
	}
}

func TestEachRequestOfABatchGetsItsOwnResult(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := context.Background()
	a, b, c, d := createRecord(t, s, "a"), createRecord(t, s, "b"), createRecord(t, s, "c"), createRecord(t, s, "d")
	stale := nextCommit(b)
	stale.Record.Version = 1
	withTakenKey := nextCommit(c)
	withTakenKey.Record.Key = a.Key
	withFreeKey := nextCommit(d)
	withFreeKey.Record.Key = "a-free-key"
	unknown := nextCommit(record("unknown"))
	errs, err := s.SendBatch(ctx, nextCommit(a), stale, withTakenKey, withFreeKey, unknown)
	require.NoError(t, err)
	requireErrors(t, []error{nil, carrierfsm.ErrConflict, carrierfsm.ErrKeyInUse, nil, carrierfsm.ErrNotFound}, errs)
	for id, steps := range map[string]int{"a": 1, "b": 0, "c": 0, "d": 1} {
		list, err := s.History(ctx, id, 0, 9)
		require.NoError(t, err)
		require.Len(t, list, steps, id)
	}
}

func TestOfTwoCommitsOfOneRecordInABatchOneIsWritten(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := context.Background()
	a, b := createRecord(t, s, "a"), createRecord(t, s, "b")
	first, second := nextCommit(a), nextCommit(a)
	first.Record.CommitID, second.Record.CommitID = [16]byte{1}, [16]byte{2}
	errs, err := s.SendBatch(ctx, first, nextCommit(b), second)
	require.NoError(t, err)
	require.NoError(t, errs[1])
	stored, err := s.Load(ctx, "a")
	require.NoError(t, err)
	written := map[[16]byte]int{{1}: 0, {2}: 2}[stored.CommitID]
	require.NoError(t, errs[written])
	require.ErrorIs(t, errs[2-written], carrierfsm.ErrConflict)
	list, err := s.History(ctx, "a", 0, 9)
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestOfTwoCommitsThatTakeOneKeyInABatchOneIsWritten(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	a, b, c := nextCommit(createRecord(t, s, "a")), nextCommit(createRecord(t, s, "b")), nextCommit(createRecord(t, s, "c"))
	a.Record.Key, c.Record.Key = "new", "new"
	requireErrors(t, []error{nil, nil, carrierfsm.ErrKeyInUse}, s.CommitBatch(context.Background(), a, b, c))
}

func TestOfTwoCreationsOfOneIDOrKeyInABatchOneIsWritten(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	createRecord(t, s, "old")
	existing, sameKey, sameID := record("old"), record("c"), record("a")
	existing.Key, sameKey.Key = "", "key-of-a"
	sameID.Key, sameID.CommitID = "", [16]byte{9}
	requireErrors(t, []error{nil, carrierfsm.ErrExists, carrierfsm.ErrKeyInUse, nil, carrierfsm.ErrExists}, s.CreateBatch(context.Background(),
		write.Request{Record: record("a")}, write.Request{Record: existing}, write.Request{Record: sameKey}, write.Request{Record: record("b")}, write.Request{Record: sameID}))
}

func TestAKeyThatAnotherTransactionTakesFirstIsInUse(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := open(t)
	p := nextCommit(createRecord(t, s, "v1"))
	createRecord(t, s, "v2")
	p.Record.Key = "new"
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `UPDATE carrierfsm_verifications SET key = 'new' WHERE id = 'v2'`)
	require.NoError(t, err)
	done := make(chan error, 2)
	go func() { done <- s.Commit(ctx, p.Record, p.Entries...) }()
	waitForBlocked(t, pool, 1)
	other := record("v3")
	other.Key = "new"
	go func() { done <- s.Create(ctx, other) }()
	waitForBlocked(t, pool, 2)
	require.NoError(t, tx.Commit(ctx))
	require.ErrorIs(t, <-done, carrierfsm.ErrKeyInUse)
	require.ErrorIs(t, <-done, carrierfsm.ErrKeyInUse)
}

// The reason of a refusal may be gone when the store asks for it.
func TestACommitThatNothingRefusesAnyMoreIsRetried(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	p := nextCommit(createRecord(t, s, "v1"))
	p.Record.Key = "a-free-key"
	require.ErrorIs(t, s.WhyNot(context.Background(), p), postgres.ErrRetry)
}

// errorTracer counts the errors of the server.
type errorTracer struct{ errs atomic.Int32 }

func (*errorTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (e *errorTracer) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if data.Err != nil {
		e.errs.Add(1)
	}
}

// A server error would be in the server's log and roll back a transaction.
func TestARefusalIsNoServerError(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var tracer errorTracer
	s, _ := openOn(t, newPool(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) { config.ConnConfig.Tracer = &tracer }))
	a, b := createRecord(t, s, "a"), createRecord(t, s, "b")
	p := nextCommit(b)
	p.Record.Key = a.Key
	require.ErrorIs(t, s.Commit(ctx, p.Record, p.Entries...), carrierfsm.ErrKeyInUse)
	require.ErrorIs(t, s.Commit(ctx, a), carrierfsm.ErrConflict)
	require.ErrorIs(t, s.Commit(ctx, record("c")), carrierfsm.ErrNotFound)
	require.ErrorIs(t, s.Create(ctx, a), carrierfsm.ErrExists)
	c := record("c")
	c.Key = a.Key
	require.ErrorIs(t, s.Create(ctx, c), carrierfsm.ErrKeyInUse)
	require.Zero(t, tracer.errs.Load())
}
