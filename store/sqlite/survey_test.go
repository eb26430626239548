package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestASurveyReadsOnlyWhatItReturns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, path)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for query, indexes := range map[string][]string{
		sqlite.SurveyRecords: {"USING INDEX carrierfsm_created (created>? AND created<?)"},
		sqlite.SurveyEntries: {"USING INDEX carrierfsm_history_step (id=?)", "USING COVERING INDEX carrierfsm_created (created>? AND created<?)"},
	} {
		plan := planOf(t, db, query, 1, 2, 9)
		t.Log(plan)
		for _, index := range indexes {
			require.Contains(t, plan, index)
		}
		require.NotContains(t, plan, "TEMP B-TREE", "sorted by the index")
		require.NotContains(t, plan, "SCAN", "nothing is read whole")
	}
}

// planOf is how SQLite means to answer a query, a step a line.
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
