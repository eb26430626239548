package sqlite_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestSQLiteKeepsTheContractOfALogOfActs(t *testing.T) {
	t.Parallel()
	for name, opened := range map[string]func(tb testing.TB, path string) *sqlite.Store{
		"Open": func(tb testing.TB, path string) *sqlite.Store { tb.Helper(); return open(tb, path) },
		"New":  openInHostsDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fsmtest.TestActs(t, func(tb testing.TB) fsmtest.ActsSubject {
				tb.Helper()
				path := newPath(tb)
				return fsmtest.ActsSubject{Store: opened(tb, path), Reopen: func() (carrierfsm.Store, error) { return opened(tb, path), nil }}
			})
		})
	}
}

func TestActsAreReadByAnIndex(t *testing.T) {
	t.Parallel()
	db := openDBWithTables(t)
	for index, q := range map[string]acts.Query{
		"USING INDEX carrierfsm_acts_at":                            {Kinds: acts.Changing(), Since: time.Unix(1, 0)},
		"USING INDEX carrierfsm_acts_verification (verification=?)": {Verification: "v1"},
	} {
		query, args := sqlite.ActsQuery(q)
		plan := planOf(t, db, query, args...)
		require.Contains(t, plan, index)
		require.NotContains(t, plan, "TEMP B-TREE", "the index is in the order of the result")
	}
}
