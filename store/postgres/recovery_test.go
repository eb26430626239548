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

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// Databases that were copied, restored or promoted, and servers that fall silent.

// insertEntries inserts an entry at each of the positions from low to high in steps
// of by, as writes of the store do.
func insertEntries(t *testing.T, pool *pgxpool.Pool, low, high, by int) {
	t.Helper()
	_, err := pool.Exec(context.Background(), `INSERT INTO carrierfsm_history (position, id, step, from_, event, to_, at)
		SELECT n, 'v' || n, 1, '', '', '', now() FROM generate_series($1::bigint, $2::bigint, $3::bigint) n`, low, high, by)
	require.NoError(t, err)
	_, err = pool.Exec(context.Background(), `SELECT setval('carrierfsm_position', greatest($1, (SELECT last_value FROM carrierfsm_position)))`, high)
	require.NoError(t, err)
}

// Logical replication copies rows, and leaves sequences at their beginning.
func TestOpeningRaisesASequenceThatBeginsAgain(t *testing.T) {
	for _, from := range []outbox.Start{outbox.FromBeginning, outbox.FromNow} {
		ctx := context.Background()
		s, pool := open(t)
		r := acquire(t, s, "handler", from)
		p := nextCommit(createRecord(t, s, "v1"))
		for range 20 {
			require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
			p = nextCommit(p.Record)
		}
		require.Len(t, r.read(10), 20)
		_, err := pool.Exec(ctx, `ALTER SEQUENCE carrierfsm_position RESTART`)
		require.NoError(t, err)
		again, _ := openOn(t, pool)
		r.s = again
		require.NoError(t, again.Commit(ctx, p.Record, p.Entries...))
		require.Equal(t, []string{"v1/21"}, r.read(10))
	}
}

// All entries may have been purged.
func TestOpeningRaisesASequenceAboveTheCursors(t *testing.T) {
	ctx := context.Background()
	s, pool := open(t)
	insertEntries(t, pool, 1, 5, 1)
	r := acquire(t, s, "handler", outbox.FromBeginning)
	require.Len(t, r.read(10), 5)
	_, err := pool.Exec(ctx, `TRUNCATE carrierfsm_history; ALTER SEQUENCE carrierfsm_position RESTART`)
	require.NoError(t, err)
	r.s, _ = openOn(t, pool)
	p := nextCommit(createRecord(t, r.s, "v1"))
	require.NoError(t, r.s.Commit(ctx, p.Record, p.Entries...))
	require.Equal(t, []string{"v1/1"}, r.read(10))
}

// A hook that refuses often leaves gaps, which stay while a transaction is open that
// is older than they are.
func TestACursorWithTooManyGapsMovesWhenTheyAreClosed(t *testing.T) {
	s, pool := open(t)
	r := acquire(t, s, "handler", outbox.FromBeginning)
	foreign := begin(t, pool)
	insertEntries(t, pool, 2, 24_000, 2)
	first := r.read(1000)
	require.Less(t, len(first), 12_000, "the cursor stops at a number of gaps")
	require.Greater(t, gapsOf(t, pool, "handler"), 10_000)
	require.Empty(t, r.read(1000))
	commit(t, foreign)
	require.Len(t, r.read(1000), 12_000-len(first))
	insertEntries(t, pool, 24_001, 24_002, 1)
	require.Equal(t, []string{"v24001/1", "v24002/1"}, r.read(1000))
}

// The transaction ids of the server that the backup is from may be far ahead.
func TestACursorFromABackupOfAnotherServerMoves(t *testing.T) {
	ctx := context.Background()
	s, pool := open(t)
	r := acquire(t, s, "handler", outbox.FromBeginning)
	late := begin(t, pool)
	appendEntry(t, late, "late")
	insertEntries(t, pool, 2, 3, 1)
	require.Equal(t, []string{"v2/1", "v3/1"}, r.read(10))
	commit(t, late)
	_, err := pool.Exec(ctx, `UPDATE carrierfsm_cursors SET bound = 1::bigint << 40, bounds = array_fill(1::bigint << 40, ARRAY[cardinality(lows)])`)
	require.NoError(t, err)
	restored, _ := openOn(t, pool)
	_, err = restored.Acquire(ctx, "handler", "another", time.Hour, outbox.FromBeginning)
	require.ErrorIs(t, err, outbox.ErrLeaseHeld, "the lease is from the backup")
	require.NoError(t, restored.AfterRestore(ctx))
	_, err = s.Pending(ctx, r.lease, 10)
	require.ErrorIs(t, err, outbox.ErrLeaseLost)
	again := acquire(t, restored, "handler", outbox.FromBeginning)
	require.Equal(t, []string{"late/1"}, again.read(10))
	insertEntries(t, pool, 5, 6, 1)
	require.Equal(t, []string{"v5/1", "v6/1"}, again.read(10))
	require.Empty(t, again.read(10))
	insertEntries(t, pool, 7, 7, 1)
	require.Equal(t, []string{"v7/1"}, again.read(10))
	require.LessOrEqual(t, gapsOf(t, pool, "handler"), 1)
}

// After a failover to an asynchronous standby the latest positions are drawn again,
// for entries that no handler has seen.
func TestACursorDoesNotPassAnEntryThatIsNotTheOneItRead(t *testing.T) {
	ctx := context.Background()
	s, pool := open(t)
	insertEntries(t, pool, 1, 10, 1)
	r := acquire(t, s, "handler", outbox.FromBeginning)
	for name, failover := range map[string]string{
		"the entries are lost":          `DELETE FROM carrierfsm_history WHERE position > 5`,
		"others have their positions":   `UPDATE carrierfsm_history SET id = 'other' || position WHERE position > 5`,
		"another step has the position": `UPDATE carrierfsm_history SET step = step + 1 WHERE position > 5`,
		"the cursor is behind":          `UPDATE carrierfsm_cursors SET position = 3`,
		"another owner has the fence":   `UPDATE carrierfsm_cursors SET owner = 'another'`,
	} {
		for _, rows := range [][]outbox.Parked{nil, {{
			Handler: "handler", ID: "v1", Step: 1, Upto: 1, Attempts: 1, Why: "why", Since: noon, Next: noon, Version: 1,
		}}} {
			batch, err := s.Pending(ctx, r.lease, 100)
			require.NoError(t, err)
			require.Len(t, batch.Entries, 10)
			_, err = pool.Exec(ctx, `CREATE TABLE kept AS TABLE carrierfsm_history`)
			require.NoError(t, err)
			_, err = pool.Exec(ctx, failover)
			require.NoError(t, err)
			require.ErrorIs(t, s.Advance(ctx, r.lease, batch, len(batch.Entries), rows), outbox.ErrLeaseLost, name)
			_, err = pool.Exec(ctx, `UPDATE carrierfsm_cursors SET position = 0, owner = 'owner'`)
			require.NoError(t, err)
			_, err = pool.Exec(ctx, `DELETE FROM carrierfsm_history; INSERT INTO carrierfsm_history SELECT * FROM kept; DROP TABLE kept`)
			require.NoError(t, err)
			parked, err := s.Parked(ctx, outbox.ParkedQuery{})
			require.NoError(t, err)
			require.Empty(t, parked, name)
		}
	}
}

// mutes are connections that can be muted: they stay open, and no answer arrives.
type mutes struct {
	mu   sync.Mutex
	list []*muteConn
}

type muteConn struct {
	net.Conn
	muted atomic.Bool
}

// Read drops what it reads while the connection is muted.
func (c *muteConn) Read(b []byte) (n int, err error) {
	for {
		if n, err = c.Conn.Read(b); err != nil || !c.muted.Load() {
			return n, err
		}
	}
}

// dial makes the connections of a pool mutes.
func (m *mutes) dial(config *pgxpool.Config) {
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := &muteConn{Conn: conn}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.list = append(m.list, c)
		return c, nil
	}
}

// mute mutes all connections that there are.
func (m *mutes) mute() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.list {
		c.muted.Store(true)
	}
}

// A server whose host is lost answers nothing, and closes nothing.
func TestEveryReadIsBoundedAndSentAgainOnAnotherConnection(t *testing.T) {
	t.Parallel()
	ctx := context.Background() // without an end
	dsn := cluster.Cluster(t).NewDatabase(t)
	healthy, _ := openOn(t, newPool(t, dsn, func(*pgxpool.Config) {}))
	p := nextCommit(createRecord(t, healthy, "v1"))
	require.NoError(t, healthy.Commit(ctx, p.Record, p.Entries...))
	r := acquire(t, healthy, "handler", outbox.FromBeginning)
	results := make(chan error)
	reads := map[string]func(s *postgres.Store) error{
		"Load":    func(s *postgres.Store) error { _, err := s.Load(ctx, "v1"); return err },
		"History": func(s *postgres.Store) error { _, err := s.History(ctx, "v1", 0, 9); return err },
		"Due":     func(s *postgres.Store) error { _, err := s.Due(ctx, noon, carrierfsm.PageKey{}, 9); return err },
		"List":    func(s *postgres.Store) error { _, err := s.List(ctx, carrierfsm.Query{}); return err },
		"Pending": func(s *postgres.Store) error { _, err := s.Pending(ctx, r.lease, 9); return err },
		"Parked":  func(s *postgres.Store) error { _, err := s.Parked(ctx, outbox.ParkedQuery{}); return err },
		"Cursors": func(s *postgres.Store) error { _, err := s.Cursors(ctx); return err },
		"Survey":  func(s *postgres.Store) error { _, err := s.Survey(ctx, noon, noon.Add(time.Hour), 9); return err },
	}
	for name, read := range reads {
		var all mutes
		s, _ := openOn(t, newPool(t, dsn, all.dial), postgres.WithTimeout(10*time.Second))
		var loads sync.WaitGroup
		for range 4 { // so that there are several connections
			loads.Go(func() { _, _ = s.Load(ctx, "v1") })
		}
		loads.Wait()
		all.mute()
		go func() {
			err := read(s)
			if err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
			results <- err
		}()
	}
	for range reads {
		require.NoError(t, <-results)
	}
}

// Whether it took place is unknown then, and a later call has another connection.
func TestEveryWriteIsBounded(t *testing.T) {
	t.Parallel()
	ctx := context.Background() // without an end
	dsn := cluster.Cluster(t).NewDatabase(t)
	healthy, _ := openOn(t, newPool(t, dsn, func(*pgxpool.Config) {}))
	p := nextCommit(createRecord(t, healthy, "v1"))
	require.NoError(t, healthy.Commit(ctx, p.Record, p.Entries...))
	again := nextCommit(p.Record)
	r := acquire(t, healthy, "handler", outbox.FromBeginning)
	batch, err := healthy.Pending(ctx, r.lease, 9)
	require.NoError(t, err)
	var all mutes
	s, _ := openOn(t, newPool(t, dsn, all.dial), postgres.WithTimeout(time.Second))
	connected := func() bool { _, err := s.Load(ctx, "v1"); return err == nil }
	for name, write := range map[string]func() error{
		"Create": func() error { return s.Create(ctx, record("v2")) },
		"Commit": func() error { return s.Commit(ctx, again.Record, again.Entries...) },
		"Purge":  func() error { _, err := s.Purge(ctx, noon, 9); return err },
		"Acquire": func() error {
			_, err := s.Acquire(ctx, "handler", "owner", time.Hour, outbox.FromBeginning)
			return err
		},
		"Release": func() error { return s.Release(ctx, r.lease) },
		"Advance": func() error { return s.Advance(ctx, r.lease, batch, 1, nil) },
		"Park": func() error {
			return s.Park(ctx, []outbox.Parked{{Handler: "handler", ID: "v1", Step: 1, Upto: 1, Since: noon, Next: noon, Version: 1}})
		},
	} {
		require.Eventually(t, connected, time.Minute, time.Millisecond, "before %s", name)
		all.mute()
		err := write()
		if !errors.Is(err, context.DeadlineExceeded) { // the server ended its transaction first
			require.ErrorContains(t, err, "the connection was cut", name)
		}
	}
	require.Eventually(t, connected, time.Minute, time.Millisecond)
}
