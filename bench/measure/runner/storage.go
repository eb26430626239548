package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// Provisioner creates empty storage: files in a temporary folder, and databases on a
// PostgreSQL server of its own. Close it when done.
type Provisioner struct {
	folder  string
	cluster *pgtest.Cluster
	n       int
}

// NewProvisioner creates the folder and, with server, starts a durable PostgreSQL.
func NewProvisioner(server bool) (p *Provisioner, err error) {
	p = new(Provisioner)
	if p.folder, err = os.MkdirTemp("", "carrierfsm-bench"); err != nil {
		return nil, err
	}
	if server {
		if p.cluster, err = pgtest.Start(pgtest.Options{Durable: true}); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}

// Folder returns the temporary folder.
func (p *Provisioner) Folder() string { return p.folder }

// New creates storage on a medium, and returns a function to remove it.
func (p *Provisioner) New(ctx context.Context, m subject.Medium, drivers int) (subject.Storage, func() error, error) {
	p.n++
	storage := subject.Storage{Medium: m, Drivers: drivers}
	switch {
	case m == subject.Postgres:
		name := fmt.Sprintf("bench%d", p.n)
		storage.DSN = p.cluster.DSN(name)
		remove := func() error { return p.admin(context.WithoutCancel(ctx), "DROP DATABASE "+name+" WITH (FORCE)") }
		return storage, remove, p.admin(ctx, "CREATE DATABASE "+name, "CHECKPOINT")
	case m.Sharded():
		return p.shards(ctx, storage)
	case m.SQLite():
		folder := filepath.Join(p.folder, fmt.Sprint(p.n))
		storage.File = filepath.Join(folder, "bench.db")
		return storage, func() error { return os.RemoveAll(folder) }, os.Mkdir(folder, 0o700)
	default:
		return storage, func() error { return nil }, nil
	}
}

// shards creates databases of one server, as shards.
func (p *Provisioner) shards(ctx context.Context, storage subject.Storage) (subject.Storage, func() error, error) {
	n := 1
	if storage.Medium == subject.Shards {
		n = 2
	}
	var creates, drops []string
	for i := range n {
		name := fmt.Sprintf("bench%d_%d", p.n, i)
		storage.Shards = append(storage.Shards, p.cluster.DSN(name))
		creates, drops = append(creates, "CREATE DATABASE "+name), append(drops, "DROP DATABASE "+name+" WITH (FORCE)")
	}
	remove := func() error { return p.admin(context.WithoutCancel(ctx), drops...) }
	return storage, remove, p.admin(ctx, append(creates, "CHECKPOINT")...)
}

// Version returns the version of PostgreSQL; empty without a server.
func (p *Provisioner) Version(ctx context.Context) (version string, err error) {
	if p.cluster == nil {
		return "", nil
	}
	c, err := pgx.Connect(ctx, p.cluster.DSN("postgres"))
	if err != nil {
		return "", err
	}
	err = c.QueryRow(ctx, `SHOW server_version`).Scan(&version)
	return version, errors.Join(err, c.Close(ctx))
}

func (p *Provisioner) admin(ctx context.Context, statements ...string) error {
	c, err := pgx.Connect(ctx, p.cluster.DSN("postgres"))
	if err != nil {
		return err
	}
	for _, s := range statements {
		if err == nil {
			_, err = c.Exec(ctx, s, pgx.QueryExecModeSimpleProtocol)
		}
	}
	return errors.Join(err, c.Close(ctx))
}

// Close stops the server and removes everything.
func (p *Provisioner) Close() error {
	var errs []error
	if p.cluster != nil {
		errs = append(errs, p.cluster.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(p.folder))...)
}
