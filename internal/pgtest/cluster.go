// Package pgtest runs a PostgreSQL cluster of its own for tests: made by initdb
// in a temporary folder, reached by a unix socket only, removed at the end.
// It needs PostgreSQL's server programs, from the PATH or where Debian puts
// them, and no running service. No production package may import it.
//
// A watcher process removes the cluster when the test process ends in any way,
// by a panic or kill -9 too.
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

// Options are how a cluster is made. The zero value is fast and loses
// everything when the machine does.
type Options struct {
	// Durable leaves fsync and synchronous_commit on, as in production: what
	// was acknowledged outlives StopImmediate. Defaults to off.
	Durable bool
	// Settings are further server settings, by name.
	Settings map[string]string
	// Log, where set, is given the server's log when the cluster is closed.
	Log io.Writer
}

// Cluster is a running PostgreSQL server. Its methods may be called by several
// goroutines, but StopImmediate, Restart and Close by one at a time.
type Cluster struct {
	folder   string
	options  Options
	run      runner
	watch    *watcher
	names    atomic.Int64 // of databases
	prepared atomic.Bool  // whether the template is there
}

// socketFolders are tried in turn: a socket's path has room for 107 characters.
var socketFolders = []string{"/tmp", "/var/tmp", os.TempDir()}

// Start makes a cluster and waits until it answers. It returns ErrMissing where
// the server programs are not installed. Close the cluster when done.
func Start(o Options) (c *Cluster, err error) {
	run, err := findPrograms()
	if err != nil {
		return nil, err
	}
	folder, err := makeFolder()
	if err != nil {
		return nil, err
	}
	c = &Cluster{folder: folder, options: o, run: run}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if err := run.own(folder); err != nil {
		return nil, err
	}
	if c.watch, err = run.watch(folder, c.data()); err != nil {
		return nil, err
	}
	if err := run.do(folder, "initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(c.data(), "postgresql.auto.conf"), c.settings(), 0o600); err != nil {
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

// settings are those that the options ask for, as a file.
func (c *Cluster) settings() []byte {
	all := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": c.folder,
		"max_connections":         "200",
		"shared_buffers":          "128MB",
		"max_wal_size":            "4GB",
		"timezone":                "Asia/Shanghai", // not ours, so that nothing rests on UTC
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

// DSN is how a database of the cluster is reached.
func (c *Cluster) DSN(database string) string {
	return fmt.Sprintf("host=%s user=postgres dbname=%s sslmode=disable", c.folder, database)
}

// StopImmediate ends all server processes without a checkpoint, as a loss of
// power would: the next start recovers from the log.
func (c *Cluster) StopImmediate() error {
	return c.run.do(c.folder, "pg_ctl", "-D", c.data(), "-m", "immediate", "-w", "stop")
}

// Restart starts the server after StopImmediate and waits until it answers.
func (c *Cluster) Restart() error {
	return c.run.do(c.folder, "pg_ctl", "-D", c.data(), "-l", c.logFile(), "-w", "-t", "60", "start")
}

// Close stops the server, however it stands, and removes its folder.
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
	return errors.Join(append(errs, c.watch.end(), os.RemoveAll(c.folder))...)
}

// adminTimeout bounds what is done to whole databases.
const adminTimeout = time.Minute

// admin runs a statement in the database that every cluster has.
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
