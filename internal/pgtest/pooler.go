package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// errNoPooler is the reason why a test is skipped.
var errNoPooler = errors.New("pgtest: pgbouncer is missing; on Debian: apt-get install pgbouncer")

// findPooler returns the path of pgbouncer, which Debian installs beside the
// administrator's programs.
func findPooler() (path string, err error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoPooler
}

// Pooler runs pgbouncer in transaction mode before the cluster until the test ends. It
// gives each database at most so many connections to the server. The function
// returns the connection string of a database behind the pooler. If pgbouncer is not installed, the test is skipped; with
// CARRIERFSM_POSTGRES=required it fails.
func (c *Cluster) Pooler(tb testing.TB, connections int) (dsn func(database string) string) {
	tb.Helper()
	path, err := findPooler()
	if err != nil && os.Getenv(requiredVariable) != "required" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	folder, err := os.MkdirTemp(c.folder, "pooler")
	if err != nil {
		tb.Fatal(err)
	}
	settings := fmt.Sprintf("[databases]\n* = host=%s user=postgres\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = %s\nauth_type = any\n"+
		"pool_mode = transaction\ndefault_pool_size = %d\nmax_client_conn = 100\nlogfile = %s\n",
		c.folder, folder, connections, filepath.Join(folder, "log"))
	file := filepath.Join(folder, "settings")
	if err := errors.Join(os.WriteFile(file, []byte(settings), 0o644), c.programs.chown(folder)); err != nil {
		tb.Fatal(err)
	}
	pooler := c.programs.command(folder, path, "-q", file)
	if err := pooler.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = pooler.Process.Kill()
		_ = pooler.Wait()
	})
	dsn = func(database string) string {
		return fmt.Sprintf("host=%s port=6432 user=postgres dbname=%s sslmode=disable", folder, database)
	}
	if err := waitForServer(dsn("postgres")); err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "log"))
		tb.Fatalf("%v\n%s", err, log)
	}
	return dsn
}

// waitForServer waits until a server accepts connections.
func waitForServer(dsn string) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}
