// Package pgtest runs a PostgreSQL cluster for tests: created by initdb in a
// temporary folder, reachable by a unix socket only, and removed at the end. It
// needs PostgreSQL's server programs, in the PATH or in Debian's folder, and no
// running service. No production package may import it.
//
// A watcher process removes the cluster when the test process ends, also by a panic
// or kill -9.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options configure a cluster. The zero value is fast, and not durable.
type Options struct {
	// Durable leaves fsync and synchronous_commit on, as in production: acknowledged
	// commits survive StopImmediate. Defaults to off.
	Durable bool
	// Settings are further server settings, by name.
	Settings map[string]string
	// DiskSize, if set, gives the server's data a disk of that size, like "300m". It
	// needs root.
	DiskSize string
	// FailingSync prepares the server for FailSync. It needs gcc.
	FailingSync bool
	// Log, if set, receives the server's log when the cluster is closed.
	Log io.Writer
}

// Cluster is a running PostgreSQL server. Its methods are safe for concurrent use,
// except StopImmediate, Restart and Close.
type Cluster struct {
	folder    string
	options   Options
	programs  runner
	watch     *watcher
	databases atomic.Int64 // counts them, for their names
	prepared  atomic.Bool  // the template exists
}

// socketFolders are tried in this order: the path of a socket is limited to 107
// characters.
var socketFolders = []string{"/tmp", "/var/tmp", os.TempDir()}

// Start creates a cluster and waits until it accepts connections. It returns
// ErrMissing if the server programs are not installed. Close the cluster when done.
func Start(o Options) (*Cluster, error) {
	return start(o, func(c *Cluster) error {
		return c.programs.run(c.folder, "initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	})
}

// start starts a cluster whose data create makes.
func start(o Options, create func(*Cluster) error) (c *Cluster, err error) {
	run, err := findPrograms()
	if err != nil {
		return nil, err
	}
	folder, err := makeFolder()
	if err != nil {
		return nil, err
	}
	c = &Cluster{folder: folder, options: o, programs: run}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if err := errors.Join(run.chown(folder), c.mount()); err != nil {
		return nil, err
	}
	if c.watch, err = run.watch(folder, c.data()); err != nil {
		return nil, err
	}
	if err := create(c); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(c.data(), "postgresql.auto.conf"), c.settings(), 0o600); err != nil {
		return nil, err
	}
	if err := c.preload(); err != nil {
		return nil, err
	}
	return c, c.Restart()
}

func makeFolder() (folder string, err error) {
	for _, parent := range socketFolders {
		if folder, err = os.MkdirTemp(parent, "pgtest"); err == nil {
			return folder, nil
		}
	}
	return "", err
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

func (c *Cluster) logFile() string { return filepath.Join(c.folder, "log") }

// settings returns the configuration file.
func (c *Cluster) settings() []byte {
	all := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": c.folder,
		"max_connections":         "200",
		"shared_buffers":          "128MB",
		"max_wal_size":            "4GB",
		"timezone":                "Asia/Shanghai", // not UTC, so that tests find code that depends on it
	}
	if !c.options.Durable {
		all["fsync"], all["synchronous_commit"], all["full_page_writes"] = "off", "off", "off"
	}
	for name, value := range c.options.Settings {
		all[name] = value
	}
	var file []byte
	for name, value := range all {
		file = fmt.Appendf(file, "%s = '%s'\n", name, value)
	}
	return file
}

// DSN returns the connection string of a database.
func (c *Cluster) DSN(database string) string {
	return fmt.Sprintf("host=%s user=postgres dbname=%s sslmode=disable", c.folder, database)
}

// StopImmediate ends all server processes without a checkpoint, as a power failure
// would: the next start recovers from the WAL.
func (c *Cluster) StopImmediate() error {
	return c.programs.run(c.folder, "pg_ctl", "-D", c.data(), "-m", "immediate", "-w", "stop")
}

// Restart starts the server after StopImmediate and waits until it accepts
// connections.
func (c *Cluster) Restart() error {
	return c.programs.run(c.folder, "pg_ctl", "-D", c.data(), "-l", c.logFile(), "-w", "-t", "60", "start")
}

// Close stops the server, if it is running, and removes its folder.
func (c *Cluster) Close() error {
	var errs []error
	if _, err := os.Stat(filepath.Join(c.data(), "postmaster.pid")); err == nil {
		errs = append(errs, c.StopImmediate())
	}
	if c.options.Log != nil {
		if text, err := os.ReadFile(c.logFile()); err == nil {
			_, err := c.options.Log.Write(text)
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, c.watch.close(), c.unmount(), os.RemoveAll(c.folder))...)
}

// adminTimeout bounds the creation and removal of databases.
const adminTimeout = time.Minute

// admin runs a statement in the database postgres.
func (c *Cluster) admin(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
	return errors.Join(err, conn.Close(ctx))
}
