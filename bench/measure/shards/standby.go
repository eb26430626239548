package shards

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// Pair is a primary and its standby, which is behind a proxy. Close it when done.
type Pair struct {
	primary, standby *pgtest.Cluster
	proxy            *Proxy
	databases        int
}

// StartPair starts both.
func StartPair() (p *Pair, err error) {
	p = new(Pair)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.primary, err = pgtest.Start(pgtest.Options{Durable: true}); err != nil {
		return p, err
	}
	if p.proxy, err = NewProxy(p.primary.Socket()); err != nil {
		return p, err
	}
	p.standby, err = pgtest.StartStandby(p.primary, p.proxy.Folder(), pgtest.Options{Durable: true})
	return p, err
}

// Distance is how far the standby is away.
type Distance struct {
	// Alone has the primary wait for no standby.
	Alone bool
	// RoundTrip is the delay that the proxy adds to each round trip.
	RoundTrip time.Duration
}

func (d Distance) String() string {
	if d.Alone {
		return "no standby"
	}
	return fmt.Sprintf("a round trip of %d ms", d.RoundTrip.Milliseconds())
}

// Measure measures one round with the standby at a distance. It also returns the median
// round trip of a statement through the proxy.
func (p *Pair) Measure(ctx context.Context, d Distance, drivers int, j runner.Job) (s drive.Sample, roundTrip time.Duration, err error) {
	p.databases++
	name, dsn := fmt.Sprintf("pair%d", p.databases), p.primary.DSN("postgres")
	p.proxy.SetRoundTrip(0)
	if err := execute(ctx, dsn, "CREATE DATABASE "+name, "CHECKPOINT", "ALTER SYSTEM SET synchronous_standby_names = '"+names(d)+"'", "SELECT pg_reload_conf()"); err != nil {
		return s, 0, err
	}
	p.proxy.SetRoundTrip(d.RoundTrip)
	if err := p.await(ctx, d); err != nil {
		return s, 0, err
	}
	if roundTrip, err = p.ping(ctx); err != nil {
		return s, 0, err
	}
	j.Task, j.Cell = runner.Drive, runner.Cell{Kind: engine.Name, Medium: subject.Postgres, Drivers: drivers}
	j.Storage = subject.Storage{Medium: subject.Postgres, DSN: p.primary.DSN(name), Drivers: drivers}
	return s, roundTrip, runner.Run(ctx, j, &s)
}

func names(d Distance) string {
	if d.Alone {
		return ""
	}
	return "*"
}

// await waits until commits wait for the standby, or do not.
func (p *Pair) await(ctx context.Context, d Distance) error {
	want := "sync"
	if d.Alone {
		want = "async"
	}
	c, err := pgx.Connect(ctx, p.primary.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		var state string
		if err := c.QueryRow(ctx, `SELECT coalesce(max(sync_state), '') FROM pg_stat_replication`).Scan(&state); err != nil || state == want {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return errors.New("the standby does not stream")
}

// ping returns the median time of a statement through the proxy.
func (p *Pair) ping(ctx context.Context) (time.Duration, error) {
	c, err := pgx.Connect(ctx, "host="+p.proxy.Folder()+" user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		return 0, err
	}
	var took []time.Duration
	for range 21 {
		begun := time.Now()
		if _, err := c.Exec(ctx, "SELECT 1", pgx.QueryExecModeSimpleProtocol); err != nil {
			return 0, err
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	return took[len(took)/2], c.Close(ctx)
}

// Close stops both.
func (p *Pair) Close() error {
	var errs []error
	if p.standby != nil {
		errs = append(errs, p.standby.Close())
	}
	if p.proxy != nil {
		errs = append(errs, p.proxy.Close())
	}
	if p.primary != nil {
		errs = append(errs, p.primary.Close())
	}
	return errors.Join(errs...)
}
