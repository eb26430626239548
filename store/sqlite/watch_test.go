package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestSQLiteKeepsTheContractOfAWatcher(t *testing.T) {
	t.Parallel()
	fsmtest.TestWatcher(t, func(tb testing.TB) fsmtest.WatcherSubject {
		tb.Helper()
		path := newPath(tb)
		return fsmtest.WatcherSubject{
			Store: open(tb, path),
			Other: func() (carrierfsm.Store, error) { return open(tb, path), nil },
		}
	})
}

// It would take the one connection that everything else needs.
func TestWatchNeedsAConnectionToSpare(t *testing.T) {
	t.Parallel()
	db := openDB(t, newPath(t))
	db.SetMaxOpenConns(2)
	s, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.ErrorContains(t, s.Watch(t.Context(), func() {}), "a connection of its own")
}
