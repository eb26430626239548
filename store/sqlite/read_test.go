package sqlite_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// openDBWithTables opens a database that has the tables of the store.
func openDBWithTables(t *testing.T) *sql.DB {
	t.Helper()
	path := newPath(t)
	open(t, path)
	return openDB(t, path)
}

// planOf returns SQLite's plan for a query, one step a line.
func planOf(t *testing.T, db *sql.DB, query string, args ...any) (plan string) {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		plan += step + "\n"
	}
	require.NoError(t, rows.Err())
	return plan
}

func TestFrequentQueriesUseAnIndex(t *testing.T) {
	t.Parallel()
	db := openDBWithTables(t)
	for _, c := range []struct {
		query, index string
		args         []any
	}{
		{sqlite.ReadDue, "USING INDEX carrierfsm_due (due>? AND due<?)", []any{1, 0, "", 9}},
		{sqlite.ReadHistory, "USING INDEX carrierfsm_history_step (id=? AND step>?)", []any{"v1", 0, 9}},
		{sqlite.ReadPending, "USING INTEGER PRIMARY KEY (rowid>?)", []any{"reader", 9}},
		{sqlite.LoadRecord, "USING PRIMARY KEY (id=?)", []any{"v1"}},
	} {
		plan := planOf(t, db, c.query, c.args...)
		require.Contains(t, plan, c.index)
		require.NotContains(t, plan, "TEMP B-TREE", "the index is in the order of the result")
		require.NotContains(t, plan, "SCAN", "no table is read as a whole")
	}
}

func TestAKeyIsFoundByItsIndex(t *testing.T) {
	t.Parallel()
	query, args := sqlite.ListQuery(carrierfsm.Query{Key: "key", Bodies: true})
	plan := planOf(t, openDBWithTables(t), query, args...)
	require.Contains(t, plan, "USING INDEX carrierfsm_key (key=?)")
	require.NotContains(t, plan, "SCAN")
}

// A query for the verifications of the last hour must not read those of the last
// year.
func TestAListWithALowerBoundReadsNoOlderRows(t *testing.T) {
	t.Parallel()
	query, args := sqlite.ListQuery(carrierfsm.Query{Reason: carrierfsm.OutcomeUnknown, CreatedAfter: time.Unix(1, 0), Limit: 9})
	require.Contains(t, planOf(t, openDBWithTables(t), query, args...), "USING INDEX carrierfsm_created (created>?)")
}
