package shards

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"sync"

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
		if err := p.create(ctx, of); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// database is the name of the databases that are so many shards.
func database(of int) string { return "of" + strconv.Itoa(of) }

// create creates databases that are so many shards, with their tables.
func (p *Primaries) create(ctx context.Context, of int) error {
	for _, c := range p.clusters[:of] {
		if err := execute(ctx, c.DSN("postgres"), "CREATE DATABASE "+database(of)); err != nil {
			return err
		}
	}
	_, closing, err := engine.OpenStore(ctx, p.Storage(of, 1))
	if err != nil {
		return err
	}
	return closing()
}

// Storage returns the first primaries as shards.
func (p *Primaries) Storage(of, drivers int) subject.Storage {
	s := subject.Storage{Medium: subject.Shards, Drivers: drivers}
	for _, c := range p.clusters[:of] {
		s.Shards = append(s.Shards, c.DSN(database(of)))
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

// Measure measures a cell once, in a process of its own. Meanwhile the processors never
// sleep: on a machine that is almost idle, each slice of a capped server would begin on
// a processor that has to wake up, and the server would use twice the CPU for the same work.
func (p *Primaries) Measure(ctx context.Context, c Cell, j runner.Job) (s Sample, err error) {
	stop := func() error { return nil }
	if p.Uncapped == nil {
		if stop, err = keepAwake(ctx); err != nil {
			return s, err
		}
	}
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

// keepAwake runs a loop for each processor until stop is called, each with what no other
// program wants. stop returns an error if one has ended before.
func keepAwake(ctx context.Context) (stop func() error, err error) {
	var loops []*exec.Cmd
	stop = func() (err error) {
		for _, l := range loops {
			_, _ = l.Process.Kill(), l.Wait()
			if l.ProcessState.Exited() {
				err = fmt.Errorf("a loop has ended by itself: %s", l.ProcessState)
			}
		}
		return err
	}
	for range runtime.NumCPU() {
		l := exec.CommandContext(ctx, "chrt", "--idle", "0", "sh", "-c", "while kill -0 $PPID; do i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; done")
		if err := l.Start(); err != nil {
			return nil, errors.Join(err, stop())
		}
		loops = append(loops, l)
	}
	return stop, nil
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
	c, err := pgx.Connect(ctx, dsn)
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
