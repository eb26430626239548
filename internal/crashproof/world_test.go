package crashproof_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// plan is the plan of one round.
type plan struct {
	store    string // inSQLite or inPostgres
	sharded  bool   // several stores as one, of which one is stopped and one moves
	replicas int
	people   int
	seed     uint64
	kills    int
	pauses   int
	stops    int       // of the database, immediate
	failover *failover // nil: kills, pauses and stops of one server
	hazard   *hazard   // nil: none
	program  string
	sabotage string // of the replicas' ports
}

// world is one round.
type world struct {
	plan
	name      string // of its verifications
	folder    string
	proxy     *proxy
	processes []*replicaProcess
	database  *database
	store     outbox.Store
	placer    placer   // nil: the store has no shards
	opened    []func() // close the stores that were opened later
	recorder  *recorder

	mu       sync.Mutex
	subjects []*subject
	alarms   []alarm
	harms    []violation // of a shard, to others
	started  time.Time

	outageFrom time.Time    // of a failover: from then on a gap is counted
	quietSince atomic.Int64 // when the chaos ended, in ns; 0: it has not
	kills      atomic.Int64
	pauses     atomic.Int64
	stops      atomic.Int64
	cuts       atomic.Int64
	moves      atomic.Int64 // of a shard
	away       atomic.Bool  // a shard is stopped
	elsewhere  atomic.Int64 // submissions acknowledged on other shards, while one was away
	waiting    atomic.Int64 // people who waited when a replica was killed
}

// alarm is a violation that the proxy has found.
type alarm struct {
	id, what string
	kills    int64
	after    time.Duration
}

// newWorld starts the database and the upstream of a round. Everything is removed at the
// end of the test, except the folder if it fails.
func newWorld(t *testing.T, p plan) *world {
	t.Helper()
	folder, err := os.MkdirTemp("", "crashproof")
	require.NoError(t, err)
	w := &world{plan: p, folder: folder, name: "v", recorder: newRecorder(), started: time.Now()}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(folder)
		}
	})
	w.database = newDatabase(t, p, folder)
	w.store = w.database.open(t)
	w.placer, _ = w.store.(placer)
	t.Cleanup(func() {
		for _, done := range w.opened {
			done()
		}
	})
	w.proxy, err = newProxy(p.seed, w.sound)
	require.NoError(t, err)
	for i := range p.replicas {
		m, err := newReplicaProcess(folder, i, p.program, settings{
			Store: p.store, Source: w.database.source, Shards: w.database.addresses(), Upstream: w.proxy.url,
			DeliveryLog: w.deliveryLog(), Sabotage: p.sabotage, Unbound: p.unbound(),
		})
		require.NoError(t, err)
		w.processes = append(w.processes, m)
	}
	return w
}

// unbound says whether the replicas of a round seal without binding, and so keep snapshots:
// in every second one.
func (p plan) unbound() bool { return p.seed%2 == 1 }

// engine returns a Machine and a Dispatcher on the store of the round. No upstream answers them.
func (w *world) engine() (*carrierfsm.Machine, *outbox.Dispatcher, error) {
	return settings{Unbound: w.unbound()}.engine(w.store, noUpstream{})
}

// stayers is how many people stay at a step while one leaves. On shards more leave: only Run
// ends what they leave, on each shard.
func (w *world) stayers() int {
	if w.sharded {
		return 40
	}
	return 200
}

// placer is a store with shards.
type placer interface {
	PlaceID(id, key string) string
}

// place returns the id that a verification of a number gets, and the number's key; an empty
// one where the store has no shards.
func (w *world) place(id, phone string) (placed, key string) {
	if w.placer == nil {
		return id, ""
	}
	key, err := numbers().Key(phone)
	if err != nil {
		panic(err)
	}
	return w.placer.PlaceID(id, key), key
}

// reopened has the store, once its shards have other addresses.
func (w *world) reopened(s outbox.Store, done func()) {
	w.store = s
	w.opened = append(w.opened, done)
}

func (w *world) deliveryLog() string { return filepath.Join(w.folder, "deliveries") }

func (w *world) quiet() bool { return w.quietSince.Load() != 0 }

// overdue reports whether the chaos ended longer ago than any verification may take.
func (w *world) overdue() bool {
	return w.quiet() && time.Since(time.Unix(0, w.quietSince.Load())) > settleBound
}

func (w *world) begun(s *subject) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subjects = append(w.subjects, s)
}

func (w *world) sound(id, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failover != nil && w.failover.lossy() {
		return // expected
	}
	w.alarms = append(w.alarms, alarm{id, what, w.kills.Load() + w.pauses.Load(), time.Since(w.started)})
}

func (w *world) alarmed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.alarms) > 0
}

// disrupt makes the chaos of the plan.
func (w *world) disrupt(ctx context.Context) error {
	switch {
	case w.failover != nil:
		return w.failOver(ctx)
	case w.hazard != nil:
		return w.endure(ctx)
	}
	return w.chaos(ctx)
}

// send sends a request to a replica and records the response.
func (w *world) send(ctx context.Context, client, where int, a request, wait time.Duration) response {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	n := exchange{client: client, request: a, call: time.Now()}
	_, _, n.nonce = untag(a.Secret + a.Address)
	answer, err := w.processes[where%len(w.processes)].send(ctx, a)
	n.ret = time.Now()
	if err != nil {
		answer = response{Result: resultLost}
	}
	n.response = answer
	n.request.Secret, n.request.Password, n.request.NewPassword, n.request.Carry = "", "", "", "" // not recorded
	w.recorder.write(n)
	return answer
}

// run runs the round: chaos and people, then only people, then everything settles.
func (w *world) run(ctx context.Context) error {
	for _, m := range w.processes {
		if err := m.start(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var people sync.WaitGroup
	for i := range w.people {
		p := &person{world: w, n: i, random: newRand(w.seed, "person", i), clock: time.Now}
		people.Go(func() { p.live(ctx) })
	}
	err := w.disrupt(ctx)
	w.proxy.stopFaults()
	w.quietSince.Store(time.Now().UnixNano())
	if w.alarmed() {
		cancel() // the violation is found
	}
	people.Wait()
	return errors.Join(err, w.settle(ctx))
}

// Bounds of the time after the chaos, in which only Run settles verifications: each must
// end by itself.
const (
	settleBound  = 10 * time.Second // Life, a call and its grace, and a slow machine
	handlerBound = 20 * time.Second
)

// settle waits until every verification has ended and every step was handled, or until
// the bounds are exceeded, and stops the replicas. The judge finds what is missing.
func (w *world) settle(ctx context.Context) error {
	_, dispatcher, err := w.engine()
	if err != nil {
		return err
	}
	w.await(ctx, settleBound, func() bool {
		list, err := w.store.List(ctx, carrierfsm.Query{States: unfinished, Limit: 1})
		return err == nil && len(list) == 0
	})
	w.await(ctx, handlerBound, func() bool {
		list, err := dispatcher.Cursors(ctx)
		return err == nil && len(list) == 2*max(len(w.database.addresses()), 1) && !slices.ContainsFunc(list, func(c outbox.Cursor) bool { return !c.Behind.IsZero() || c.Parked > 0 })
	})
	for _, m := range w.processes {
		m.close()
	}
	w.proxy.close()
	return nil
}

var unfinished = []carrierfsm.State{
	carrierfsm.Created, carrierfsm.Applied, carrierfsm.AwaitingPassword, carrierfsm.AwaitingCaptcha,
}

func (w *world) await(ctx context.Context, bound time.Duration, done func() bool) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	for ctx.Err() == nil && !done() {
		rest(ctx, pollInterval)
	}
}

// noUpstream is an upstream that is never called.
type noUpstream struct{}

func (noUpstream) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{}, carrierfsm.ErrNotSent
}

func (noUpstream) Collect(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
	return carrierfsm.Reply{}, carrierfsm.ErrNotSent
}
