package shards

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// DriversEach is the number of drivers for each primary where the load is in proportion,
// and of all drivers where it is not.
const DriversEach = 64

// Primaries are several servers. Close them when done.
type Primaries struct {
	clusters []*pgtest.Cluster
	caps     []*Cap
	// Uncapped is why the CPU of the servers is not capped; nil if it is.
	Uncapped error
}

// StartPrimaries starts so many servers, each with a database for each of the numbers of
// shards that it is a part of, and caps them.
func StartPrimaries(ctx context.Context, n int, numbers []int) (*Primaries, error) {
	p, err := startPrimaries(ctx, n, numbers)
	if err != nil {
		return nil, err
	}
	if err := p.cap(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// startPrimaries does not cap them.
func startPrimaries(ctx context.Context, n int, numbers []int) (p *Primaries, err error) {
	p = &Primaries{clusters: make([]*pgtest.Cluster, n)}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			p.clusters[i], errs[i] = pgtest.Start(pgtest.Options{Durable: true, Settings: map[string]string{
				"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "none",
				"checkpoint_timeout": "1h", "autovacuum": "off", // either would take a part of some cells
			}})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, of := range numbers {
		for _, storage := range []subject.Storage{p.Storage(of, 1), p.others(of)} {
			if err := create(ctx, storage); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// create creates the databases of shards, with their tables.
func create(ctx context.Context, s subject.Storage) error {
	if len(s.Shards) == 0 {
		return nil
	}
	for _, dsn := range s.Shards {
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			return err
		}
		name := config.Database
		config.Database = "postgres"
		if err := executeOn(ctx, config, "CREATE DATABASE "+name); err != nil {
			return err
		}
	}
	_, closing, err := engine.OpenStore(ctx, s)
	if err != nil {
		return err
	}
	return closing()
}

// Storage returns the first primaries as shards.
func (p *Primaries) Storage(of, drivers int) subject.Storage {
	return storage(p.clusters[:of], "of"+strconv.Itoa(of), drivers)
}

// others returns the primaries that are not of Storage as shards of their own.
func (p *Primaries) others(of int) subject.Storage {
	rest := p.clusters[of:]
	return storage(rest, "besides"+strconv.Itoa(of), DriversEach*len(rest))
}

func storage(clusters []*pgtest.Cluster, database string, drivers int) subject.Storage {
	s := subject.Storage{Medium: subject.Shards, Drivers: drivers}
	for _, c := range clusters {
		s.Shards = append(s.Shards, c.DSN(database))
	}
	return s
}

// cap caps the CPU of each server. If no cgroup can be made, none is capped.
func (p *Primaries) cap(ctx context.Context) error {
	for i := range p.clusters {
		one, err := NewCap(strconv.Itoa(i))
		if err != nil {
			p.Uncapped = err
			err = closeCaps(p.caps)
			p.caps = nil
			return err
		}
		p.caps = append(p.caps, one)
	}
	for i, c := range p.clusters {
		pid, err := drive.Postmaster(ctx, c.DSN("postgres"))
		if err == nil {
			err = p.caps[i].Add(drive.Tree(pid)...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func closeCaps(caps []*Cap) error {
	var errs []error
	for _, c := range caps {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Cell is one measurement: so many shards, and so many drivers over all of them.
type Cell struct{ Primaries, Drivers int }

// Sample is the result of one round of a cell.
type Sample struct {
	drive.Sample
	// Used is the part of the periods with work in which the primaries used up their part
	// of a core: 1 is a load that only the primaries limit.
	Used float64
}

// Measure measures a cell once, in a process of its own. Another process meanwhile keeps
// the other primaries as busy, so that the state of the processors is the same in each
// cell: on a machine that is almost idle, a capped server uses twice the CPU for the same
// work, since each of its slices begins on a processor that slept.
func (p *Primaries) Measure(ctx context.Context, c Cell, j runner.Job) (s Sample, err error) {
	stop := p.keepBusy(ctx, c.Primaries, j)
	defer func() { err = errors.Join(err, stop()) }()
	j.Task, j.Storage = runner.Drive, p.Storage(c.Primaries, c.Drivers)
	j.Cell = runner.Cell{Kind: engine.Balanced, Medium: subject.Shards, Drivers: c.Drivers}
	if c.Drivers < c.Primaries*DriversEach {
		j.Kind = engine.Sharded // a thin crowd
	}
	before, usedBefore := p.periods(c.Primaries)
	err = runner.Run(ctx, j, &s.Sample)
	after, usedAfter := p.periods(c.Primaries)
	s.Used = float64(usedAfter-usedBefore) / float64(max(after-before, 1))
	return s, err
}

// keepBusy drives the primaries that are not measured until stop is called, with
// DriversEach for each.
func (p *Primaries) keepBusy(ctx context.Context, measured int, j runner.Job) (stop func() error) {
	j.Task, j.Storage = runner.Drive, p.others(measured)
	j.Cell = runner.Cell{Kind: engine.Balanced, Medium: subject.Shards, Drivers: j.Storage.Drivers}
	if len(j.Storage.Shards) == 0 {
		return func() error { return nil }
	}
	j.For += time.Minute // longer than what is measured
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		var s drive.Sample
		ended <- runner.Run(ctx, j, &s)
	}()
	return func() error {
		early := len(ended) > 0
		cancel()
		if err := <-ended; early {
			return fmt.Errorf("the other primaries were not kept busy: %w", err)
		}
		return nil
	}
}

// periods returns Cap.Periods of the first primaries.
func (p *Primaries) periods(of int) (all, used int64) {
	for _, c := range p.caps[:min(of, len(p.caps))] {
		a, u := c.Periods()
		all, used = all+a, used+u
	}
	return all, used
}

// Close stops the servers.
func (p *Primaries) Close() error {
	var errs []error
	for _, c := range p.clusters {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(append(errs, closeCaps(p.caps))...)
}

// execute runs statements on a server.
func execute(ctx context.Context, dsn string, statements ...string) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	return executeOn(ctx, config, statements...)
}

func executeOn(ctx context.Context, config *pgx.ConnConfig, statements ...string) error {
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if err == nil {
			if _, err = c.Exec(ctx, s, pgx.QueryExecModeSimpleProtocol); err != nil {
				err = fmt.Errorf("%s: %w", s, err)
			}
		}
	}
	return errors.Join(err, c.Close(ctx))
}
