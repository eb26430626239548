package lab

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

// Places makes places that hold nothing: files in a temporary folder, and
// databases of a server that is this program's own. Close it when done.
type Places struct {
	folder  string
	cluster *pgtest.Cluster
	n       int
}

// NewPlaces makes the folder, and starts the server, which waits for its disk,
// where it is wanted.
func NewPlaces(server bool) (p *Places, err error) {
	p = new(Places)
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

// Folder is where the files are.
func (p *Places) Folder() string { return p.folder }

// New makes a place of this medium, and returns what removes it.
func (p *Places) New(ctx context.Context, m subject.Medium, drivers int) (subject.Place, func() error, error) {
	p.n++
	place := subject.Place{Medium: m, Drivers: drivers}
	switch {
	case m == subject.Postgres:
		name := fmt.Sprintf("bench%d", p.n)
		place.DSN = p.cluster.DSN(name)
		remove := func() error { return p.admin(context.WithoutCancel(ctx), "DROP DATABASE "+name+" WITH (FORCE)") }
		return place, remove, p.admin(ctx, "CREATE DATABASE "+name, "CHECKPOINT")
	case m.SQLite():
		folder := filepath.Join(p.folder, fmt.Sprint(p.n))
		place.File = filepath.Join(folder, "bench.db")
		return place, func() error { return os.RemoveAll(folder) }, os.Mkdir(folder, 0o700)
	default:
		return place, func() error { return nil }, nil
	}
}

// Version is what the server calls itself; empty without one.
func (p *Places) Version(ctx context.Context) (version string, err error) {
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

func (p *Places) admin(ctx context.Context, statements ...string) error {
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
func (p *Places) Close() error {
	var errs []error
	if p.cluster != nil {
		errs = append(errs, p.cluster.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(p.folder))...)
}
