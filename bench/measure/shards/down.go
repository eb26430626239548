package shards

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// DownOf is the number of shards of MeasureDown, and DownDrivers that of the drivers of
// each.
const (
	DownOf      = 4
	DownDrivers = 8
)

// Down is what submissions of some shards take before another one is stopped, and
// meanwhile.
type Down struct{ Before, Meanwhile drive.Sample }

// MeasureDown measures submissions of three of four shards, with people on all four. Then
// it stops the server of the fourth, where people go on trying, and measures again. The
// servers are not capped.
func MeasureDown(ctx context.Context, j runner.Job) (d Down, err error) {
	p, err := startPrimaries(ctx, DownOf, []int{DownOf})
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	m, store, closing, err := p.openMachine(ctx, DownOf)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	stop := tryOn(ctx, m, store, DownOf-1)
	defer stop()
	some := &onSome{Machine: m, store: store}
	o := drive.Options{Drivers: (DownOf - 1) * DownDrivers, For: j.For, WarmUp: j.WarmUp}
	if d.Before, err = drive.Drive(ctx, some, o); err != nil {
		return d, err
	}
	if err := p.clusters[DownOf-1].StopImmediate(); err != nil {
		return d, err
	}
	d.Meanwhile, err = drive.Drive(ctx, some, o)
	return d, errors.Join(err, p.clusters[DownOf-1].Restart()) // Close waits for outcomes that are not stored
}

// TryAgain is how long somebody waits after a refusal.
const TryAgain = 50 * time.Millisecond

// tryOn runs verifications of one shard until the returned function is called. It goes on
// after errors.
func tryOn(ctx context.Context, m *carrierfsm.Machine, s *sharded.Store, shard int) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for range DownDrivers {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := workload.PlainWith(ctx, m, idOf(s, shard)); err != nil {
					select {
					case <-ctx.Done():
					case <-time.After(TryAgain):
					}
				}
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// onSome is a machine as a subject, whose verifications are on all shards but the last.
type onSome struct {
	*carrierfsm.Machine
	store *sharded.Store
	last  atomic.Int64
}

// Verify implements subject.Subject.
func (s *onSome) Verify(ctx context.Context, lap func()) error {
	ctx, cancel := context.WithCancel(ctx) // a host's context can end
	defer cancel()
	shard := int(s.last.Add(1) % (DownOf - 1))
	return workload.PlainOf(ctx, s.Machine, idOf(s.store, shard), lap)
}

// Count implements subject.Subject.
func (*onSome) Count(context.Context) (subject.Counts, error) { return subject.Counts{}, nil }

// Close implements subject.Subject.
func (*onSome) Close() error { return nil }
