package crashproof_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// longestLease is how long a replica must be away for all its leases to end: that of a
// call, and that of a handler.
const longestLease = callTimeout + grace

// chaos makes the kills, pauses, stops and cuts of the plan, and returns earlier if an
// alarm was raised.
func (w *world) chaos(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	var actors sync.WaitGroup
	act := func(do func() error) {
		actors.Go(func() {
			if err := do(); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
				cancel()
			}
		})
	}
	left := budget{kills: newCount(w.plan.kills), pauses: newCount(w.plan.pauses)}
	for i, m := range w.processes {
		act(func() error { return w.disturb(ctx, m, newRand(w.seed, "life", i), &left) })
	}
	over := func() bool { return left.exhausted() || w.cutShort(ctx) }
	act(func() error { return w.cutUpstream(ctx, newRand(w.seed, "upstream", 0), over) })
	act(func() error { return w.cutDatabase(ctx, newRand(w.seed, "cuts", 0), over) })
	act(func() error { return w.stopDatabase(ctx, newRand(w.seed, "stops", 0), over) })
	act(func() error { return w.disruptShards(ctx, newRand(w.seed, "shards", 0), over) })
	actors.Wait()
	return errors.Join(errs...)
}

// cutShort reports whether the round must end early.
func (w *world) cutShort(ctx context.Context) bool { return w.alarmed() || ctx.Err() != nil }

// count counts down. It is safe for concurrent use.
type count struct{ left atomic.Int64 }

func newCount(n int) *count {
	c := new(count)
	c.left.Store(int64(n))
	return c
}

// take takes one, and reports whether one was left.
func (c *count) take() bool { return c.left.Add(-1) >= 0 }

func (c *count) none() bool { return c.left.Load() <= 0 }

// budget is how many kills and pauses are left.
type budget struct{ kills, pauses *count }

func (b *budget) exhausted() bool { return b.kills.none() && b.pauses.none() }

// disturb kills a replica by kill -9 after a short life, or pauses it for longer than
// its leases, again and again.
func (w *world) disturb(ctx context.Context, m *replicaProcess, d *rand.Rand, left *budget) error {
	for !left.exhausted() && !w.cutShort(ctx) {
		rest(ctx, w.pace()*lifetime(d))
		if luck := d.Float64(); w.pauseNext(left, luck) && left.pauses.take() {
			m.signal(syscall.SIGSTOP)
			rest(ctx, longestLease+between(d, longestLease/20, longestLease*2/3))
			m.signal(syscall.SIGCONT)
			w.pauses.Add(1)
			continue
		}
		if !left.kills.take() {
			continue
		}
		w.waiting.Add(int64(m.kill()))
		w.kills.Add(1)
		if d.IntN(8) == 0 {
			rest(ctx, between(d, 0, 100*time.Millisecond))
		}
		if err := m.start(); err != nil {
			return err
		}
	}
	return nil
}

// pauseNext decides whether a pause is next, so that pauses are spread among the kills.
func (w *world) pauseNext(left *budget, luck float64) bool {
	kills, pauses := float64(max(left.kills.left.Load(), 0)), float64(max(left.pauses.left.Load(), 0))
	return pauses > 0 && luck*(kills+pauses) < pauses
}

// pace is how much longer replicas live. On shards it takes longer to connect, and people
// have to be served on each of them.
func (p plan) pace() time.Duration {
	if p.sharded {
		return 2 * shardCount
	}
	return 1
}

// lifetime is mostly short. Some replicas die while they start, and some live long
// enough to settle what others left behind.
func lifetime(d *rand.Rand) time.Duration {
	switch luck := d.IntN(20); {
	case luck < 2:
		return between(d, 0, 60*time.Millisecond)
	case luck < 18:
		return between(d, 50*time.Millisecond, 170*time.Millisecond)
	default:
		return between(d, 200*time.Millisecond, 600*time.Millisecond)
	}
}

// cutUpstream makes the upstream unreachable for moments.
func (w *world) cutUpstream(ctx context.Context, d *rand.Rand, over func() bool) error {
	for !over() {
		rest(ctx, between(d, 300*time.Millisecond, 900*time.Millisecond))
		w.proxy.listener.stop()
		rest(ctx, between(d, 5*time.Millisecond, 60*time.Millisecond))
		if err := w.proxy.listener.resume(ctx); err != nil {
			return err
		}
		w.cuts.Add(1)
	}
	return nil
}

// cutDatabase cuts connections of the replicas to the database server.
func (w *world) cutDatabase(ctx context.Context, d *rand.Rand, over func() bool) error {
	for w.database.cut != nil && !over() {
		rest(ctx, w.pace()*between(d, 200*time.Millisecond, 800*time.Millisecond))
		w.cuts.Add(w.database.cut(ctx))
	}
	return nil
}

// stopDatabase stops the database server as a loss of power would, and starts it again.
func (w *world) stopDatabase(ctx context.Context, d *rand.Rand, over func() bool) error {
	every := 0
	if w.plan.stops > 0 {
		every = (w.plan.kills + w.plan.pauses) / (w.plan.stops + 1)
	}
	for i := 1; i <= w.plan.stops && w.database.restart != nil; i++ {
		for w.kills.Load()+w.pauses.Load() < int64(i*every) && !over() {
			rest(ctx, between(d, 5*time.Millisecond, 30*time.Millisecond))
		}
		if w.cutShort(ctx) {
			break
		}
		if err := w.database.restart(); err != nil {
			return err
		}
		w.stops.Add(1)
	}
	return nil
}
