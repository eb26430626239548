package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

// spendFor commits the next version of a record with these spends.
func spendFor(s *sqlite.Store, id string, version int64, spends ...budget.Spend) error {
	r := record(id)
	r.Spends = spends
	if version == 1 {
		return s.Create(context.Background(), r)
	}
	r.Version = version
	return s.Commit(context.Background(), r)
}

func spend(kind budget.Kind, at time.Time, n int) budget.Spend {
	return budget.Spend{Key: "number", Kind: kind, At: at, N: n, Window: budget.Day, Limit: 3}
}

func storedLedger(t require.TestingT, db *sql.DB, key string) (stamps string) {
	require.NoError(t, db.QueryRow(`SELECT stamps FROM carrierfsm_ledgers WHERE key = ?`, key).Scan(&stamps))
	return stamps
}

// Kinds that a later build counts have no letter.
func TestALedgerIsReadAsItWasWrittenWhateverTheKind(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	stores := []*sqlite.Store{open(t, path), openInHostsDB(t, path)}
	kinds := append(budget.Kinds(), "a", "7", "later", "-1", `"{`)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		key, at := fmt.Sprint("number", n), noon
		var want budget.Ledger
		for v := range rapid.Int64Range(1, 6).Draw(rt, "commits") {
			at = at.Add(time.Duration(rapid.Int64Range(-1e6, 1e11).Draw(rt, "later")) * time.Microsecond)
			s := spend(rapid.SampledFrom(kinds).Draw(rt, "kind"), at, rapid.SampledFrom([]int{1, 2, -1}).Draw(rt, "n"))
			s.Key, s.Limit = key, 1000
			require.NoError(rt, spendFor(stores[v%2], key, v+1, s))
			var err error
			want, err = want.Apply([]budget.Spend{s})
			require.NoError(rt, err)
			for _, store := range stores {
				got, err := store.Ledger(context.Background(), key)
				require.NoError(rt, err)
				require.Empty(rt, cmp.Diff(want, got, cmpopts.EquateEmpty()))
			}
		}
	})
}

func TestALedgerTakesFewBytes(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path)
	require.NoError(t, spendFor(s, "v1", 1, spend(budget.Applications, noon, 1)))
	require.NoError(t, spendFor(s, "v1", 2, spend(budget.Texts, noon.Add(5107*time.Microsecond), 1), spend("later", noon.Add(6*time.Millisecond), 1)))
	require.Equal(t, "a0t5107 later 893", storedLedger(t, openDB(t, path), "number"))
}

// Builds before 0.1.0 wrote JSON.
func TestALedgerInJSONIsReadAndWrittenAnew(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, db := open(t, path), openDB(t, path)
	stored := fmt.Sprintf(`{"later":[%d],"text":[%d,%d]}`, noon.UnixMicro(), noon.UnixMicro(), noon.Add(time.Hour).UnixMicro())
	_, err := db.Exec(`INSERT INTO carrierfsm_ledgers (key, expires, stamps) VALUES ('number', ?, ?)`, noon.Add(25*time.Hour).UnixMicro(), stored)
	require.NoError(t, err)
	want := budget.Ledger{Expires: noon.Add(25 * time.Hour), Stamps: []budget.Stamp{
		{Kind: "later", At: noon}, {Kind: budget.Texts, At: noon}, {Kind: budget.Texts, At: noon.Add(time.Hour)},
	}}
	got, err := s.Ledger(context.Background(), "number")
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, got))

	var over *budget.ExceededError
	require.ErrorAs(t, spendFor(s, "v1", 1, spend(budget.Texts, noon.Add(time.Hour), 2)), &over)
	require.Equal(t, stored, storedLedger(t, db, "number"), "nothing was spent")
	require.NoError(t, spendFor(s, "v1", 1, spend(budget.Texts, noon, -1)))
	require.Equal(t, " later 0t3600000000", storedLedger(t, db, "number"))
}

func TestALedgerThatCantBeReadAllowsNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, db := open(t, path), openDB(t, path)
	for i, stored := range []string{"{", "x5", "t", "t-", "t5t", "t5 ", " later", "  5", "t99999999999999999999", "t5x"} {
		_, err := db.Exec(`INSERT OR REPLACE INTO carrierfsm_ledgers (key, expires, stamps) VALUES ('number', 1, ?)`, stored)
		require.NoError(t, err)
		_, err = s.Ledger(context.Background(), "number")
		require.ErrorContains(t, err, "can't be read", stored)
		require.ErrorContains(t, spendFor(s, fmt.Sprint("v", i), 1, spend(budget.Texts, noon, 1)), "can't be read", stored)
		require.Equal(t, stored, storedLedger(t, db, "number"))
	}
}

// A statement opens the indexes that it writes.
func TestACommitWritesNoIndexOfWhatStaysTheSame(t *testing.T) {
	t.Parallel()
	db := openDB(t, func() string { p := newPath(t); open(t, p); return p }())
	for _, c := range []struct {
		statement, index string
		args, opened     int
	}{
		{sqlite.UpdateRecord, "carrierfsm_key", 14, 1},
		{sqlite.UpdateKeptKey, "carrierfsm_key", 14, 0},
		{sqlite.PutLedger, "carrierfsm_ledgers_expired", 3, 1},
		{sqlite.UpdateStamps, "carrierfsm_ledgers_expired", 2, 0},
	} {
		require.Equal(t, c.opened, opens(t, db, c.statement, c.index, c.args), c.statement)
	}
}

func opens(t *testing.T, db *sql.DB, statement, index string, args int) (n int) {
	t.Helper()
	var root int
	require.NoError(t, db.QueryRow(`SELECT rootpage FROM sqlite_master WHERE name = ?`, index).Scan(&root))
	rows, err := db.Query(`EXPLAIN `+statement, make([]any, args)...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var op string
		var page int
		var other any
		require.NoError(t, rows.Scan(&other, &op, &other, &page, &other, &other, &other, &other))
		if op == "OpenWrite" && page == root {
			n++
		}
	}
	require.NoError(t, rows.Err())
	return n
}
