package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestWhatIsReadAgainAndAgainReadsAnIndex(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, path)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for _, c := range []struct {
		query, index string
		args         []any
	}{
		{sqlite.ReadDue, "USING INDEX carrierfsm_due (due>? AND due<?)", []any{1, 0, "", 9}},
		{sqlite.ReadHistory, "USING INDEX carrierfsm_history_step (id=? AND step>?)", []any{"v1", 0, 9}},
		{sqlite.ReadPending, "USING INTEGER PRIMARY KEY (rowid>?)", []any{"reader", 9}},
		{sqlite.LoadRecord, "USING PRIMARY KEY (id=?)", []any{"v1"}},
	} {
		rows, err := db.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+c.query, c.args...)
		require.NoError(t, err)
		var plan string
		for rows.Next() {
			var id, parent, unused int
			var step string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
			plan += step + "\n"
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		require.Contains(t, plan, c.index)
		require.NotContains(t, plan, "TEMP B-TREE", "sorted by the index")
		require.NotContains(t, plan, "SCAN", "nothing is read whole")
	}
}

// Whoever counts the verifications of the last hour must not read those of
// the last year.
func TestAListWithALowerBoundReadsNoMoreThanThat(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, path)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	query, args := sqlite.ListQuery(carrierfsm.Query{Reason: carrierfsm.OutcomeUnknown, CreatedAfter: time.Unix(1, 0), Limit: 9})
	var id, parent, unused int
	var plan string
	require.NoError(t, db.QueryRowContext(context.Background(), "EXPLAIN QUERY PLAN "+query, args...).Scan(&id, &parent, &unused, &plan))
	require.Contains(t, plan, "USING INDEX carrierfsm_created (created>?)")
}
