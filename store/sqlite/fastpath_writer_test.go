package sqlite_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/internal/writetest"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// Two files get the same writes, one through the fast path and one through
// database/sql. Both return the same errors and have the same rows, and both
// ways to load return what was written.
func TestTheFastPathAndDatabaseSQLStoreTheSameRows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	fast, plain := open(t, path), openInHostsDB(t, path) // on one file, to compare the loads
	plainPath := newPath(t)
	other := openInHostsDB(t, plainPath)
	fastRows, plainRows := openDB(t, path), openDB(t, plainPath)
	generator := writetest.Generator{Created: time.Unix(1_900_000_000, 0).UTC()}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		id := "v" + time.Duration(n).String()
		first := generator.Request(rt, id, 1, 0)
		second := generator.Request(rt, id, 2, first.Record.Step)
		taken := generator.Request(rt, id+"b", 1, 0)
		taken.Record.Key = second.Record.Key
		erased := generator.Request(rt, id, 3, second.Record.Step)
		if rapid.Bool().Draw(rt, "replaces one commit") {
			second.Record.Previous, erased.Record.Previous = first.Record.CommitID, second.Record.CommitID
		}
		afterAnother := second
		afterAnother.Record.Previous = second.Record.CommitID
		afterAnother.Record.Previous[0] = first.Record.CommitID[0] + 1
		for _, w := range []struct {
			write   func(*sqlite.Store, write.Request) error
			request write.Request
		}{
			{commit, first}, // not found
			{create, first},
			{create, first}, // exists
			{commit, first}, // conflict
			{commit, afterAnother},
			{commit, second},
			{create, taken},
		} {
			requireSameError(rt, w.write(fast, w.request), w.write(other, w.request))
		}
		second.Record.Previous = [16]byte{} // not stored
		for _, load := range []func(context.Context, string) (carrierfsm.Record, error){fast.Load, fast.LoadOnReadConn, plain.Load, other.Load} {
			got, err := load(ctx, id)
			require.NoError(rt, err)
			require.Empty(rt, cmp.Diff(second.Record, got, cmpopts.EquateEmpty())) // SQLite loads an empty body as nil
		}
		requireSameError(rt, erase(fast, erased), erase(other, erased))
		require.Equal(rt, rowsOf(rt, fastRows, id), rowsOf(rt, plainRows, id))
	})
}

func create(s *sqlite.Store, r write.Request) error {
	return s.Create(context.Background(), r.Record, r.Entries...)
}

func commit(s *sqlite.Store, r write.Request) error {
	return s.Commit(context.Background(), r.Record, r.Entries...)
}

func erase(s *sqlite.Store, r write.Request) error {
	return s.Erase(context.Background(), r.Record, r.Entries...)
}

func requireSameError(t *rapid.T, fast, plain error) {
	if fast == nil || plain == nil {
		require.Equal(t, plain, fast)
		return
	}
	require.EqualError(t, fast, plain.Error())
}

// rowsOf returns everything that a file has for an id. quote shows the type of a
// value too.
func rowsOf(t *rapid.T, db *sql.DB, id string) (list []string) {
	for _, query := range []string{
		`SELECT quote(id) || quote(state) || quote(step) || quote(version) || quote(tables) || quote(source) || quote(reason) || quote(in_flight) ||
			quote(due) || quote(created) || quote(updated) || quote(key) || quote(commit_id) FROM carrierfsm_verifications WHERE id = ?`,
		`SELECT quote(body) FROM carrierfsm_bodies WHERE id = ?`,
		`SELECT quote(position) || quote(id) || quote(step) || quote(from_) || quote(event) || quote(to_) || quote(at) ||
			quote(source) || quote(dwell) || quote(detail)
			FROM carrierfsm_history WHERE id = ? ORDER BY position`,
	} {
		rows, err := db.Query(query, id)
		require.NoError(t, err)
		for rows.Next() {
			var row string
			require.NoError(t, rows.Scan(&row))
			list = append(list, row)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	require.GreaterOrEqual(t, len(list), 2)
	return list
}
