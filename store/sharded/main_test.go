package sharded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

var cluster = pgtest.Shared{Migrate: migrate}

func migrate(dsn string) error {
	s, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		return err
	}
	return s.Close()
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := errors.Join(cluster.Close()); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// shards is how many shards the tests have.
const shards = 4

// config returns a Config with a store for each shard.
func config(open func(i int) sharded.Member) sharded.Config {
	c := sharded.Config{Create: true}
	for i := range shards {
		c.Shards = append(c.Shards, sharded.Shard{Name: string(rune('a' + i)), Store: open(i)})
	}
	return c
}

func inMemory(int) sharded.Member { return memory.New() }

// inFiles opens files in one folder.
func inFiles(tb testing.TB, dir string) func(i int) sharded.Member {
	tb.Helper()
	return func(i int) sharded.Member {
		s, err := sqlite.Open(context.Background(), filepath.Join(dir, strconv.Itoa(i)+".db"))
		require.NoError(tb, err)
		return s
	}
}

// databases returns the addresses of new databases.
func databases(tb testing.TB) (list []string) {
	tb.Helper()
	for range shards {
		list = append(list, cluster.Cluster(tb).NewDatabase(tb))
	}
	return list
}

func inDatabases(tb testing.TB, dsns []string) func(i int) sharded.Member {
	tb.Helper()
	return func(i int) sharded.Member {
		s, err := postgres.New(context.Background(), pgtest.Pool(tb, dsns[i], 3).Config())
		require.NoError(tb, err)
		return s
	}
}

// open opens a store and closes it when the test ends.
func open(tb testing.TB, c sharded.Config) *sharded.Store {
	tb.Helper()
	s, err := sharded.New(context.Background(), c)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}
