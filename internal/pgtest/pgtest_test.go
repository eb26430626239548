package pgtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

var shared = pgtest.Shared{
	Options: pgtest.Options{Durable: true},
	Migrate: func(dsn string) error {
		conn, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			return err
		}
		_, err = conn.Exec(context.Background(), "CREATE TABLE migrated (n int)")
		return errors.Join(err, conn.Close(context.Background()))
	},
}

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		startAndPanic()
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := shared.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

func TestDatabasesAreSeparateCopies(t *testing.T) {
	ctx := context.Background()
	c := shared.Cluster(t)
	for range 2 {
		pool := pgtest.Pool(t, c.NewDatabase(t), 2)
		_, err := pool.Exec(ctx, "INSERT INTO migrated VALUES (1)")
		require.NoError(t, err)
		var n int
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM migrated").Scan(&n))
		require.Equal(t, 1, n)
	}
	empty := pgtest.Pool(t, c.NewEmptyDatabase(t, ""), 1)
	_, err := empty.Exec(ctx, "SELECT FROM migrated")
	require.Error(t, err)
}

func TestADurableClusterSurvivesAnImmediateStop(t *testing.T) {
	ctx := context.Background()
	c := shared.Cluster(t)
	pool := pgtest.Pool(t, c.NewDatabase(t), 2)
	_, err := pool.Exec(ctx, "INSERT INTO migrated VALUES (1)")
	require.NoError(t, err)
	require.NoError(t, c.StopImmediate())
	require.Error(t, pool.Ping(ctx))
	require.NoError(t, c.Restart())
	pool.Reset()
	var n int
	require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM migrated").Scan(&n))
	require.Equal(t, 1, n)
}

const childVariable = "CARRIERFSM_PGTEST_DOOMED"

// startAndPanic is run in a child process.
func startAndPanic() {
	c, err := pgtest.Start(pgtest.Options{})
	if err != nil {
		panic(err)
	}
	_, _ = fmt.Fprintln(os.Stdout, c.DSN("postgres"))
	panic("in the child process")
}

func TestAClusterIsRemovedWhenItsProcessPanics(t *testing.T) {
	shared.Cluster(t) // or skip
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.Error(t, cmd.Run())
	require.Contains(t, errs.String(), "in the child process")
	config, err := pgx.ParseConfig(strings.TrimSpace(out.String()))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := os.Stat(config.Host)
		return errors.Is(err, os.ErrNotExist)
	}, time.Minute, 10*time.Millisecond, "the folder of the cluster is still there")
}
