package sqlite_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/schema"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// newerFile makes a file with a migration of a newer version, which needs at
// least version least.
func newerFile(t *testing.T, least int) (path string) {
	t.Helper()
	path = newPath(t)
	require.NoError(t, open(t, path).Close())
	_, err := openDB(t, path).Exec(`INSERT INTO carrierfsm_schema (version, least) VALUES (999, ?)`, least)
	require.NoError(t, err)
	return path
}

func TestAFileThatNeedsANewerVersionIsRefused(t *testing.T) {
	t.Parallel()
	_, err := sqlite.Open(context.Background(), newerFile(t, 999))
	require.ErrorIs(t, err, schema.ErrNewer)
	require.Equal(t, 1, strings.Count(err.Error(), "carrierfsm/sqlite: "), err)
}

func TestAFileToWhichANewerVersionHasOnlyAddedStillWorks(t *testing.T) {
	t.Parallel()
	require.NoError(t, open(t, newerFile(t, 2)).Create(context.Background(), record("v1")))
}

func TestANewFileCanBeOpenedByManyAtOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := sqlite.Open(context.Background(), path)
			if err == nil {
				err = s.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.NoError(t, open(t, path).Create(context.Background(), record("v1")))
}
