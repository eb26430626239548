package console_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// fillSQLite inserts verifications, created a tenth of a second apart, with four
// transitions each; one in fifty is live.
const fillSQLite = `
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
INSERT INTO carrierfsm_verifications (id, state, step, version, tables, source, reason, in_flight, due, created, updated, key, commit_id)
SELECT printf('v-%08d', i), CASE WHEN i % 50 = 0 THEN 'awaiting_captcha' WHEN i % 3 = 0 THEN 'failed' ELSE 'done' END, 4, 8, 1,
	'carrier' || (i % 30), CASE WHEN i % 50 = 0 THEN 'captcha_requested' WHEN i % 3 = 0 THEN 'expired' ELSE 'collection_started' END,
	0, CASE WHEN i % 50 = 0 THEN ?2 + 300000000 ELSE 0 END, ?2 - i * 100000, ?2 - i * 100000, '', x'01' FROM n;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
INSERT INTO carrierfsm_bodies (id, body) SELECT printf('v-%08d', i), '{"ask":"captcha","account":"13800138000"}' FROM n;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
SELECT printf('v-%08d', i), s.step, s.from_, s.event, s.to_, ?2 - i * 100000 + s.step * 20000000, '{"source":"carrier1","message":"..."}' FROM n, (
	SELECT 1 AS step, 'created' AS from_, 'application_accepted' AS event, 'applied' AS to_ UNION ALL
	SELECT 2, 'applied', 'password_requested', 'awaiting_password' UNION ALL
	SELECT 3, 'awaiting_password', 'captcha_requested', 'awaiting_captcha' UNION ALL
	SELECT 4, 'awaiting_captcha', 'collection_started', 'done') AS s`

// fillStore fills the store's file over a connection of its own.
func fillStore(b *testing.B, path string, n int, now time.Time) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	require.NoError(b, err)
	_, err = db.Exec(fillSQLite, n, now.UnixMicro())
	require.NoError(b, err)
	_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(b, err)
	require.NoError(b, db.Close())
}

const fillPostgres = `
INSERT INTO carrierfsm_verifications (id, state, step, version, tables, source, reason, in_flight, due, created, updated, key, commit_id, body)
SELECT 'v-' || lpad(i::text, 8, '0'), CASE WHEN i % 50 = 0 THEN 'awaiting_captcha' WHEN i % 3 = 0 THEN 'failed' ELSE 'done' END, 4, 8, 1,
	'carrier' || (i % 30), CASE WHEN i % 50 = 0 THEN 'captcha_requested' WHEN i % 3 = 0 THEN 'expired' ELSE 'collection_started' END,
	false, CASE WHEN i % 50 = 0 THEN $2::timestamptz + interval '5 min' END, $2::timestamptz - i * interval '0.1 s', $2::timestamptz - i * interval '0.1 s', '', decode(repeat('01', 16), 'hex'),
	'{"ask":"captcha","account":"13800138000"}' FROM generate_series(0, $1::integer - 1) AS i`

const fillHistory = `
INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
SELECT 'v-' || lpad(i::text, 8, '0'), s.step, s.from_, s.event, s.to_, $2::timestamptz - i * interval '0.1 s' + s.step * interval '20 s', '{"source":"carrier1","message":"..."}'
FROM generate_series(0, $1::integer - 1) AS i, (VALUES (1, 'created', 'application_accepted', 'applied'),
	(2, 'applied', 'password_requested', 'awaiting_password'), (3, 'awaiting_password', 'captcha_requested', 'awaiting_captcha'),
	(4, 'awaiting_captcha', 'collection_started', 'done')) AS s (step, from_, event, to_)`

// fillCounts makes the store count: 30 carriers, as many rows as are kept at most, and
// twelve edges in each.
func fillCounts(b *testing.B, store fsmtest.FiguresStore, now time.Time) {
	b.Helper()
	ctx := context.Background()
	var counts figures.Counts
	for i, e := range carrierfsm.Edges()[:12] {
		for n := range 20 {
			counts.Observe(&carrierfsm.Entry{From: e.From, Event: e.Event, To: e.To, Dwell: time.Duration(1+i*n*3) * time.Second})
		}
	}
	l, err := store.Acquire(ctx, "figures", "bench", time.Hour, outbox.FromBeginning)
	require.NoError(b, err)
	var rows []figures.Row
	for period, n := range map[time.Duration]int{figures.Minute: 3 * 1440, figures.Hour: 40 * 24, figures.Day: 400} {
		for i := range n {
			for carrier := range 30 {
				rows = append(rows, figures.Row{
					Period: period, Start: figures.StartOf(now, period).Add(-time.Duration(i) * period), Source: fmt.Sprintf("carrier%d", carrier), Counts: counts,
				})
			}
		}
	}
	for len(rows) > 0 {
		n := min(len(rows), 3000)
		batch, err := store.Pending(ctx, l, 1)
		require.NoError(b, err)
		require.NoError(b, store.Count(ctx, l, batch, figures.Change{Add: rows[:n]}))
		rows = rows[n:]
	}
	require.NoError(b, store.Release(ctx, l))
}

// largeSQLite and largePostgres return stores of so many verifications.
func largeSQLite(b *testing.B, n int, now time.Time) fsmtest.FiguresStore {
	b.Helper()
	path := filepath.Join(b.TempDir(), "bench.db")
	store, err := sqlite.Open(context.Background(), path)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	fillStore(b, path, n, now)
	return store
}

func largePostgres(b *testing.B, n int, now time.Time) fsmtest.FiguresStore {
	b.Helper()
	ctx := context.Background()
	var cluster pgtest.Shared
	b.Cleanup(func() { require.NoError(b, cluster.Close()) })
	pool := pgtest.Pool(b, cluster.Cluster(b).NewEmptyDatabase(b, ""), 8)
	store, err := postgres.New(ctx, pool.Config())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	for _, statement := range []string{fillPostgres, fillHistory} {
		_, err = pool.Exec(ctx, statement, n, now)
		require.NoError(b, err)
	}
	_, err = pool.Exec(ctx, "VACUUM ANALYZE")
	require.NoError(b, err)
	return store
}

// BenchmarkPages serves each page of a large store. The figures of the overview are
// computed each time.
func BenchmarkPages(b *testing.B) {
	for name, large := range map[string]func(*testing.B, int, time.Time) fsmtest.FiguresStore{"sqlite": largeSQLite, "postgres": largePostgres} {
		for _, n := range []int{10_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/rows=%d", name, n), func(b *testing.B) {
				now := time.Now()
				store := large(b, n, now)
				fillCounts(b, store, now)
				servePages(b, store, n, now)
			})
		}
	}
}

func servePages(b *testing.B, store fsmtest.FiguresStore, n int, now time.Time) {
	b.Helper()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()})
	require.NoError(b, err)
	d, err := outbox.New(m, store, outbox.Config{})
	require.NoError(b, err)
	counters, err := figures.New(figures.Config{Store: store})
	require.NoError(b, err)
	var later time.Duration // grows with each request, so that nothing comes from the cache
	c, err := console.New(console.Config{
		Machine: m, Dispatcher: d, Figures: counters,
		Now: func() time.Time { later += 11 * time.Second; return now.Add(later) },
		Authorize: func(*http.Request) (console.Operator, error) {
			return console.Operator{Name: "li.wei", Access: console.Act}, nil
		},
	})
	require.NoError(b, err)
	middle := fmt.Sprintf("&after=%d.v", now.Add(-time.Duration(n/2)*100*time.Millisecond).UnixMicro())
	for _, page := range []struct{ name, path string }{
		{"overview", "?window=24h"},
		{"overview-1h", "?window=1h"},
		{"overview-7d", "?window=7d"},
		{"list", "list"},
		{"list-middle", "list?state=" + middle},
		{"list-failed", "list?state=failed"},
		{"list-nothing-matches", "list?event=canceled"},
		{"attention", "attention"},
		{"verification", fmt.Sprintf("verification?id=v-%08d", n/2)},
		{"handlers", "handlers"},
	} {
		b.Run(page.name, func(b *testing.B) {
			later = 0
			for b.Loop() {
				w := httptest.NewRecorder()
				c.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+page.path, nil))
				require.Equal(b, http.StatusOK, w.Code, w.Body)
			}
		})
	}
}
