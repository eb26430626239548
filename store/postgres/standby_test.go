package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// standby stands for a synchronous standby. While it is away, each commit on the
// server waits.
type standby struct {
	t       *testing.T
	cluster *pgtest.Cluster
	probes  *pgxpool.Pool // its commits wait too
	others  *pgxpool.Pool // its commits never wait
	probing sync.WaitGroup
}

func newStandby(t *testing.T) *standby {
	t.Helper()
	c, err := pgtest.Start(pgtest.Options{Durable: true})
	if errors.Is(err, pgtest.ErrMissing) {
		_ = cluster.Cluster(t) // skips the test, or fails it where it must run
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	require.NoError(t, c.Prepare(migrate))
	dsn := c.NewDatabase(t)
	return &standby{
		t: t, cluster: c,
		probes: pgtest.Pool(t, dsn, 4), others: pgtest.Pool(t, dsn+" options='-c synchronous_commit=off'", 4),
	}
}

func (b *standby) open(mode pgx.QueryExecMode, opts ...postgres.Option) *postgres.Store {
	b.t.Helper()
	config := b.probes.Config()
	config.ConnConfig.DefaultQueryExecMode = mode
	s, err := postgres.New(context.Background(), config, opts...)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, s.Close()) })
	return s
}

func (b *standby) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.others.Exec(context.Background(), sql, args...)
	require.NoError(b.t, err)
}

func (b *standby) set(names string) {
	b.exec(`ALTER SYSTEM SET synchronous_standby_names = '` + names + `'`)
	b.exec(`SELECT pg_reload_conf()`)
}

// leave makes commits wait. It returns when one does.
func (b *standby) leave() {
	b.t.Helper()
	b.t.Cleanup(b.back)
	b.set("absent")
	for range 1000 {
		done := make(chan error, 1)
		b.probing.Go(func() {
			_, err := b.probes.Exec(context.Background(), `SELECT pg_logical_emit_message(true, 'probe', '')`)
			done <- err
		})
		for waiting := false; !waiting; {
			select {
			case err := <-done:
				require.NoError(b.t, err)
				waiting = true // the server has not read its settings yet
			default:
				if len(b.waiting()) > 0 {
					return
				}
			}
		}
	}
	b.t.Fatal("commits don't wait")
}

// back lets all commits end.
func (b *standby) back() {
	b.set("")
	b.probing.Wait()
}

// waiting returns the backends whose commits wait.
func (b *standby) waiting() []int32 { return b.backends(`wait_event = 'SyncRep'`) }

// writing returns those of the backends that wait which are the store's.
func (b *standby) writing() []int32 {
	return b.backends(`wait_event = 'SyncRep' AND query NOT LIKE '%''probe''%'`)
}

func (b *standby) backends(where string) (pids []int32) {
	b.t.Helper()
	require.NoError(b.t, b.others.QueryRow(context.Background(),
		`SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE `+where).Scan(&pids))
	return pids
}

// awaitWriting waits until a commit of the store waits.
func (b *standby) awaitWriting() int32 {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return len(b.writing()) > 0 }, time.Minute, time.Millisecond)
	return b.writing()[0]
}

// brief is a context that ends during any wait for the standby.
func brief(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// The ways in which a write ends while its commit waits for the standby.
var endings = map[string]struct {
	timeout time.Duration // of the store
	end     func(b *standby, cancel func())
}{
	"its context ends":      {time.Minute, func(b *standby, cancel func()) { b.awaitWriting(); cancel() }},
	"the store's timeout":   {300 * time.Millisecond, func(*standby, func()) {}},
	"the wait is cancelled": {time.Minute, func(b *standby, _ func()) { b.exec(`SELECT pg_cancel_backend($1)`, b.awaitWriting()) }},
	"the backend is ended":  {time.Minute, func(b *standby, _ func()) { b.exec(`SELECT pg_terminate_backend($1)`, b.awaitWriting()) }},
}

// standbyWrites are writes of a record, which the last two create before.
var standbyWrites = map[string]func(ctx context.Context, s *postgres.Store, r carrierfsm.Record) error{
	"create": func(ctx context.Context, s *postgres.Store, r carrierfsm.Record) error { return s.Create(ctx, r) },
	"commit": func(ctx context.Context, s *postgres.Store, r carrierfsm.Record) error {
		r, e := next(r)
		return s.Commit(ctx, r, e)
	},
	"erase": func(ctx context.Context, s *postgres.Store, r carrierfsm.Record) error {
		r, e := next(r)
		return s.Erase(ctx, r, e)
	},
}

// Each was acknowledged once, or believed when it was read back, and a failover lost
// it.
func TestAWriteThatTheStandbyLacksIsNeitherAcknowledgedNorRead(t *testing.T) {
	b := newStandby(t)
	for name, ending := range endings {
		for kind, write := range standbyWrites {
			for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol} {
				t.Run(kind+", "+name+", "+mode.String(), func(t *testing.T) {
					s := b.open(mode, postgres.WithTimeout(ending.timeout))
					r := record(t.Name())
					if kind != "create" {
						require.NoError(t, b.open(mode).Create(context.Background(), r))
					}
					_, _ = s.Load(context.Background(), r.ID)
					b.leave()
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					done := make(chan error, 1)
					go func() { done <- write(ctx, s, r) }()
					ending.end(b, cancel)
					err := <-done
					require.Error(t, err)
					require.NotErrorIs(t, err, carrierfsm.ErrConflict)
					require.NotErrorIs(t, err, carrierfsm.ErrExists)
					b.requireNothingRead(t, s, r.ID)
					b.back()
					stored, err := b.open(mode).Load(context.Background(), r.ID)
					require.NoError(t, err)
					var got carrierfsm.Record
					require.Eventually(t, func() bool { got, err = s.Load(context.Background(), r.ID); return err == nil }, time.Minute, time.Millisecond)
					require.Equal(t, stored, got)
				})
			}
		}
	}
}

// requireNothingRead requires that the store returns neither the record nor that
// there is none.
func (b *standby) requireNothingRead(t *testing.T, s *postgres.Store, id string) {
	t.Helper()
	_, err := s.Load(brief(t), id)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = s.History(brief(t), id, 0, 9)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestTheEndOfACallersContextCancelsNothingOnTheServer(t *testing.T) {
	b := newStandby(t)
	s := b.open(pgx.QueryExecModeCacheStatement)
	b.leave()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Create(ctx, record("v1")) }()
	backend := b.awaitWriting()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	_, err := s.Load(brief(t), "v1")
	require.Error(t, err)
	require.Contains(t, b.writing(), backend, "the commit still waits")
	b.back()
	_, err = s.Load(context.Background(), "v1")
	require.NoError(t, err)
}

// After a crash the server shows commits that were waiting for the standby.
func TestWhatARestartedServerShowsIsReadOnlyWhenTheStandbyHasIt(t *testing.T) {
	b := newStandby(t)
	s := b.open(pgx.QueryExecModeCacheStatement)
	require.NoError(t, s.Create(context.Background(), record("before")))
	_, err := s.Load(context.Background(), "before")
	require.NoError(t, err)
	b.set("absent")
	require.NoError(t, b.cluster.StopImmediate())
	require.NoError(t, b.cluster.Restart())
	_, err = s.Load(brief(t), "before")
	require.Error(t, err)
	b.others.Reset()
	b.back()
	_, err = s.Load(context.Background(), "before")
	require.NoError(t, err)
}

func TestAWriteOfTheOutboxThatTheStandbyLacksIsNotRead(t *testing.T) {
	b := newStandby(t)
	s := b.open(pgx.QueryExecModeCacheStatement)
	ctx := context.Background()
	p := nextCommit(createRecord(t, s, "v1"))
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
	lease, err := s.Acquire(ctx, "handler", "owner", time.Hour, outbox.FromBeginning)
	require.NoError(t, err)
	batch, err := s.Pending(ctx, lease, 9)
	require.NoError(t, err)
	require.Len(t, batch.Entries, 1)
	b.leave()
	row := outbox.Parked{Handler: "handler", ID: "v1", Step: 1, Upto: 1, Why: "why", Since: noon, Next: noon, Version: 1}
	end, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Advance(end, lease, batch, 1, []outbox.Parked{row}) }()
	b.exec(`SELECT pg_cancel_backend($1)`, b.awaitWriting())
	require.Error(t, <-done)
	cancel()
	_, err = s.Pending(brief(t), lease, 9)
	require.Error(t, err)
	_, err = s.Parked(brief(t), outbox.ParkedQuery{})
	require.Error(t, err)
	_, err = s.Cursors(brief(t))
	require.Error(t, err)
	_, err = s.Acquire(brief(t), "handler", "owner", time.Hour, outbox.FromBeginning)
	require.Error(t, err)
	b.back()
	rows, err := s.Parked(ctx, outbox.ParkedQuery{})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	batch, err = s.Pending(ctx, lease, 9)
	require.NoError(t, err)
	require.Empty(t, batch.Entries)
}
