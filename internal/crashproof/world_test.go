package crashproof_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// plan is what one round is to do.
type plan struct {
	store    string // inSQLite or inPostgres
	replicas int
	people   int
	seed     uint64
	kills    int
	pauses   int
	stops    int // of the database, immediate
	program  string
	sabotage string // of the replicas' ports
}

// world is one round.
type world struct {
	plan
	name     string // of its verifications
	folder   string
	front    *front
	fleet    []*member
	database *database
	store    carrierfsm.Store
	notebook *notebook

	mu       sync.Mutex
	subjects []*subject
	alarms   []alarm
	started  time.Time

	calm    atomic.Int64 // since when there is no more chaos, in ns: people finish what they have begun
	kills   atomic.Int64
	pauses  atomic.Int64
	stops   atomic.Int64
	cuts    atomic.Int64
	waiting atomic.Int64 // people who waited when a replica was killed
}

// alarm is what needed no judge.
type alarm struct {
	id, what string
	kills    int64
	after    time.Duration
}

// newWorld makes the database, upstream and replicas of a round. Everything is
// gone with the test, but for the folder if it fails.
func newWorld(t *testing.T, p plan) *world {
	t.Helper()
	folder, err := os.MkdirTemp("", "crashproof")
	require.NoError(t, err)
	w := &world{plan: p, folder: folder, name: "v", notebook: newNotebook(), started: time.Now()}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(folder)
		}
	})
	w.database = newDatabase(t, p.store, folder)
	w.store = w.database.open(t)
	w.front, err = newFront(p.seed, w.sound)
	require.NoError(t, err)
	for i := range p.replicas {
		m, err := newMember(folder, i, p.program, settings{
			Store: p.store, Source: w.database.source, Upstream: w.front.url,
			Ledger: w.ledger(), Sabotage: p.sabotage,
		})
		require.NoError(t, err)
		w.fleet = append(w.fleet, m)
	}
	return w
}

func (w *world) ledger() string { return filepath.Join(w.folder, "ledger") }

func (w *world) quiet() bool { return w.calm.Load() != 0 }

// hopeless tells whether it has been quiet for longer than any verification may take.
func (w *world) hopeless() bool {
	return w.quiet() && time.Since(time.Unix(0, w.calm.Load())) > settleBound
}

func (w *world) begun(s *subject) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subjects = append(w.subjects, s)
}

func (w *world) sound(id, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alarms = append(w.alarms, alarm{id, what, w.kills.Load() + w.pauses.Load(), time.Since(w.started)})
}

func (w *world) alarmed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.alarms) > 0
}

// say asks a replica and notes the answer.
func (w *world) say(ctx context.Context, client, where int, a ask, wait time.Duration) told {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	n := note{client: client, ask: a, call: time.Now()}
	_, _, n.nonce = untag(a.Secret + a.Address)
	answer, err := w.fleet[where%len(w.fleet)].send(ctx, a)
	n.ret = time.Now()
	if err != nil {
		answer = told{Word: wordLost}
	}
	n.told = answer
	n.ask.Secret, n.ask.Password, n.ask.Chosen, n.ask.Carry = "", "", "", "" // the notes need them no more
	w.notebook.write(n)
	return answer
}

// run is the round: chaos and people, then quiet, then everything settles.
func (w *world) run(ctx context.Context) error {
	for _, m := range w.fleet {
		if err := m.start(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var people sync.WaitGroup
	for i := range w.people {
		p := &person{world: w, n: i, dice: dice(w.seed, "person", i), clock: time.Now}
		people.Go(func() { p.live(ctx) })
	}
	err := w.chaos(ctx)
	w.front.soothe()
	w.calm.Store(time.Now().UnixNano())
	if w.alarmed() {
		cancel() // there is nothing left to find out
	}
	people.Wait()
	return errors.Join(err, w.settle(ctx))
}

// Bounds of the quiet after the chaos. Nobody looks at the verifications then
// but Run: each has to end by itself.
const (
	settleBound  = 10 * time.Second // Life, a call and its grace, and a slow machine
	handlerBound = 20 * time.Second
)

// settle waits until every verification has ended and every handler has run,
// or the time for that is over, and ends the replicas. What has not happened
// is for the judge to find.
func (w *world) settle(ctx context.Context) error {
	machine, err := carrierfsm.New(settings{}.config(w.store, nobody{}))
	if err != nil {
		return err
	}
	w.await(ctx, settleBound, func() bool {
		list, err := w.store.List(ctx, carrierfsm.Query{States: unfinished, Limit: 1})
		return err == nil && len(list) == 0
	})
	w.await(ctx, handlerBound, func() bool {
		list, err := machine.Cursors(ctx)
		return err == nil && len(list) > 0 && list[0].Behind.IsZero() && list[0].Parked == 0
	})
	for _, m := range w.fleet {
		m.close()
	}
	w.front.close()
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

// nobody is an upstream that is never called.
type nobody struct{}

func (nobody) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{}, carrierfsm.ErrNotSent
}

func (nobody) Collect(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
	return carrierfsm.Reply{}, carrierfsm.ErrNotSent
}
