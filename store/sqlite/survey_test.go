package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestASurveyReadsOnlyWhatItReturns(t *testing.T) {
	t.Parallel()
	db := openDBWithTables(t)
	for query, indexes := range map[string][]string{
		sqlite.SurveyRecords: {"USING INDEX carrierfsm_created (created>? AND created<?)"},
		sqlite.SurveyEntries: {"USING INDEX carrierfsm_history_step (id=?)", "USING COVERING INDEX carrierfsm_created (created>? AND created<?)"},
	} {
		plan := planOf(t, db, query, 1, 2, 9)
		t.Log(plan)
		for _, index := range indexes {
			require.Contains(t, plan, index)
		}
		require.NotContains(t, plan, "TEMP B-TREE", "the index is in the order of the result")
		require.NotContains(t, plan, "SCAN", "no table is read as a whole")
	}
}
