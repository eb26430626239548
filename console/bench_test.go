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
	"github.com/carrierfsm/carrierfsm/outbox"
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

// BenchmarkPages serves each page of a large SQLite store. The figures of the
// overview are computed each time.
func BenchmarkPages(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			ctx, now := context.Background(), time.Now()
			path := filepath.Join(b.TempDir(), "bench.db")
			store, err := sqlite.Open(ctx, path)
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, store.Close()) })
			fillStore(b, path, n, now)
			m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()})
			require.NoError(b, err)
			d, err := outbox.New(m, store, outbox.Config{})
			require.NoError(b, err)
			var later time.Duration // grows with each request, so that nothing comes from the cache
			c, err := console.New(console.Config{
				Machine: m, Dispatcher: d, Surveyor: store,
				Now: func() time.Time { later += 11 * time.Second; return now.Add(later) },
				Authorize: func(*http.Request) (console.Operator, error) {
					return console.Operator{Name: "li.wei", Access: console.Act}, nil
				},
			})
			require.NoError(b, err)
			middle := fmt.Sprintf("&after=%d.v", now.Add(-time.Duration(n/2)*100*time.Millisecond).UnixMicro())
			for _, page := range []struct{ name, path string }{
				{"overview", "?window=24h"},
				{"list", "list"},
				{"list-middle", "list?state=" + middle},
				{"list-failed", "list?state=failed"},
				{"list-nothing-matches", "list?event=canceled"},
				{"attention", "attention"},
				{"verification", fmt.Sprintf("verification?id=v-%08d", n/2)},
				{"handlers", "handlers"},
			} {
				b.Run(page.name, func(b *testing.B) {
					for b.Loop() {
						w := httptest.NewRecorder()
						c.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+page.path, nil))
						require.Equal(b, http.StatusOK, w.Code)
					}
				})
			}
		})
	}
}
