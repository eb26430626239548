package crashproof_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
)

// disruptShards stops the server of a shard for a while, and moves another shard, in the
// order that the seed says.
func (w *world) disruptShards(ctx context.Context, d *rand.Rand, over func() bool) error {
	if w.database.shards == nil {
		return nil
	}
	steps := []func(context.Context) error{w.stopShard, w.moveShard}
	if w.seed%2 == 1 {
		slices.Reverse(steps)
	}
	blows := int64(w.plan.kills + w.plan.pauses)
	for i, step := range steps {
		for w.kills.Load()+w.pauses.Load() < blows*int64(i+1)/4 && !over() {
			rest(ctx, between(d, 5*time.Millisecond, 30*time.Millisecond))
		}
		if w.cutShort(ctx) {
			break
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stopShard stops a server as a loss of power would. When all that began on the other shards
// before has ended and was handled, or should have, its standby takes its place; without one
// it is started again.
func (w *world) stopShard(ctx context.Context) error {
	s := w.database.shards
	var others []int
	for i, server := range s.on {
		if server != s.stoppable {
			others = append(others, i)
		}
	}
	_, dispatcher, err := w.engine()
	if err != nil {
		return err
	}
	began := time.Now()
	w.away.Store(true)
	defer w.away.Store(false)
	if err := s.servers[s.stoppable].StopImmediate(); err != nil {
		return err
	}
	var left, without string
	var n int
	w.await(ctx, settleBound, func() bool {
		left = w.leftBehind(ctx, dispatcher, others, began)
		n, without = w.acknowledged(began, time.Now(), others)
		return left == "" && without == "" || w.alarmed()
	})
	if left != "" && !w.alarmed() {
		w.harm("%s after %s without another shard", left, time.Since(began).Round(time.Second))
	}
	w.elsewhere.Add(int64(n))
	if without != "" && !w.alarmed() {
		w.harm("shard %s: no submission was acknowledged in %s without another shard", without, time.Since(began).Round(time.Second))
	}
	w.stops.Add(1)
	if s.standby == nil {
		return s.servers[s.stoppable].Restart()
	}
	return s.standby.Promote()
}

// leftBehind says what began before a time and has not ended, or was not handled.
func (w *world) leftBehind(ctx context.Context, dispatcher *outbox.Dispatcher, of []int, before time.Time) string {
	const waiting = `SELECT id FROM carrierfsm_verifications WHERE created < $1 AND state = ANY ($2) LIMIT 1`
	list := w.database.shards.at()
	var names []string
	for _, i := range of {
		names = append(names, list[i].Name)
		ids, err := ask(ctx, list[i].Source, waiting, before, unfinished)
		if err != nil || len(ids) > 0 {
			return fmt.Sprintf("shard %s: a verification has not ended: %v %v", list[i].Name, ids, err)
		}
	}
	cursors, _ := dispatcher.Cursors(ctx) // of the shards that answer
	for _, c := range cursors {
		if slices.Contains(names, c.Shard) && !c.Behind.IsZero() && c.Behind.Before(before) {
			return fmt.Sprintf("shard %s: the handler %s has not come far enough", c.Shard, c.Name)
		}
	}
	return ""
}

// acknowledged counts the submissions that were acknowledged on some shards, and returns one
// that has none.
func (w *world) acknowledged(from, until time.Time, on []int) (sum int, without string) {
	for _, i := range on {
		n := w.recorder.submittedBetween(from, until, func(id string) bool { return shardOf(id) == i })
		if sum += n; n == 0 {
			without = w.database.shards.at()[i].Name
		}
	}
	return sum, without
}

// moveShard moves a shard, and starts the replicas again one by one with its new address.
// Those that chaos starts again before have it earlier.
func (w *world) moveShard(ctx context.Context) error {
	s := w.database.shards
	began := time.Now()
	if err := s.move(ctx); err != nil {
		return err
	}
	opened := time.Now()
	w.moves.Add(1)
	for _, m := range w.processes {
		m.readdress(s.at())
	}
	d := newRand(w.seed, "move", 0)
	for _, m := range w.processes {
		rest(ctx, between(d, 100*time.Millisecond, 700*time.Millisecond))
		w.waiting.Add(int64(m.kill()))
		w.kills.Add(1)
		if err := m.start(); err != nil {
			return err
		}
	}
	store, done, err := openShards(ctx, s.at(), "", false)
	if err != nil {
		return err
	}
	w.reopened(store, done)
	others := slices.DeleteFunc([]int{0, 1, 2, 3}, func(i int) bool { return i == s.moving })
	n, _ := w.acknowledged(began, time.Now(), others)
	w.elsewhere.Add(int64(n))
	if n == 0 && !w.alarmed() {
		w.harm("no submission was acknowledged in %s while a shard moved", time.Since(began).Round(time.Millisecond))
	}
	w.await(ctx, settleBound, func() bool {
		n, _ = w.acknowledged(opened, time.Now(), []int{s.moving})
		return n > 0 || w.alarmed()
	})
	if n == 0 && !w.alarmed() {
		w.harm("no submission was acknowledged at the new place of a shard in %s", settleBound)
	}
	return nil
}

// harm notes that one shard has harmed others.
func (w *world) harm(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.harms = append(w.harms, violation{harmed, "shards", fmt.Sprintf(format, args...)})
}
