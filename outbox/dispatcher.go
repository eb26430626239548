package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/text"
)

// Handler is host code that is called for transitions after they are committed:
// to notify the person, to continue an order, to count. It can't undo anything.
//
// A handler gets every transition of every verification at least once, those
// of one verification in order, those of different verifications concurrently.
// It may get one again after a crash, where a replica stops or loses its lease in the
// middle of a page, and where a retry ends while new transitions of the same
// verification arrive: (ID, Step) identifies a transition. While it fails for a
// verification, by an error, a panic or by taking longer than Config.Timeout, the
// later transitions of that verification wait, and it is called again with growing
// intervals, without an end; other verifications go on. A handler that ignores the
// end of its context is not called again for the same verification in this process
// before it has returned; another replica may call it.
//
// Transition.Ended says whether the verification has ended, and
// Transition.Reference is the host's own name of it. What else a handler needs it
// asks the machine that Machine returns for its context.
type Handler func(ctx context.Context, t carrierfsm.Transition) error

// Config is how a Dispatcher calls handlers. Each zero field takes its default.
type Config struct {
	// Handlers are the handlers by name. A name must never change: the store
	// keeps under it how far the handler has come.
	Handlers map[string]Handler
	// Projections are the projections. They have no name in common with a handler.
	Projections []Projection
	// Starts is where handlers and projections begin whose names the store does not
	// have yet, by name: FromNow for a handler that is added later and must not be
	// called for what is past, FromBeginning for one that must. For names that the
	// store has it is ignored. On a store without history it may be left out; else New returns
	// ErrNoStart for a new handler that is not in it. A handler that is renamed is
	// a new one.
	Starts map[string]Start
	// Workers is for how many verifications one handler is called at once, and
	// for as many parked ones. Defaults to 8.
	Workers int
	// Timeout is how long one call of a handler may take. It also bounds how
	// long Run takes to return. Defaults to 30 s.
	Timeout time.Duration
	// SlowAfter is how long a call may hold up the delivery to other
	// verifications. The verification of a call that takes longer is parked while
	// the call goes on, and delivery goes on without it. Where only slow calls
	// keep the handler from what is pending, it is parked sooner: when it has taken
	// twice as long as the longest of the calls before it, or eight times as long as these
	// took on average, or a tenth of SlowAfter. Defaults to 1 s.
	SlowAfter time.Duration
	// MaxSlow is how many calls of one handler may go on like that, those included
	// that don't return after Timeout. When there are as many, delivery to the
	// handler waits until one of them returns. Defaults to 256.
	MaxSlow int
	// LeaseTTL is how long another replica waits when the holder of a lease has
	// died. Defaults to 15 s; at least 1 s is advisable.
	LeaseTTL time.Duration
	// RetryMin and RetryMax bound the interval between two attempts, which
	// doubles from one to the other, with a jitter of a quarter. Default to 1 s
	// and 10 min.
	RetryMin, RetryMax time.Duration
	// PollInterval is how often the store is asked for new transitions of other
	// processes, where it has noticed none itself: see Watcher. Those of the Machine's
	// own process are delivered at once. Defaults to 1 s.
	PollInterval time.Duration
	// MaxLag is how long ago the oldest transition was committed that a handler has
	// not got, before Ready returns an error. It is the same on all replicas.
	// Defaults to 15 min.
	MaxLag time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Observer is called for each call of a handler. Defaults to none.
	Observer *Observer
	// Logger gets what needs attention: names, ids, steps and the errors of
	// handlers. Defaults to no logging.
	Logger *slog.Logger
}

// Dispatcher calls handlers for committed transitions. It is safe for
// concurrent use, and any number of dispatchers in any number of processes may
// share one store.
type Dispatcher struct {
	machine     *carrierfsm.Machine
	store       Store
	parts       []part // the shards of the store, or the whole store
	cfg         Config
	names       []string // of handlers and projections, sorted
	projections map[string]Projection
	slow        map[string]*slowCalls    // by handler
	held        map[string]*atomic.Int32 // by name, how many leases this process has or is about to acquire
	running     atomic.Int32             // calls of Run
}

// New checks the configuration and returns a Dispatcher for the transitions in
// a store. The machine decodes them, and its commits wake the dispatcher. A process that
// only runs handlers makes a Machine of the same Config as the others, and does
// not call its Run. New starts nothing: the host calls Run. It notes in the store
// where new handlers begin, within 10 s; make the Dispatcher before the first
// verification. Its errors match carrierfsm.ErrInvalid or ErrNoStart. Where the
// store does not answer, New does not fail: Run asks again, and what would be
// ErrNoStart is then logged and in the error of Ready.
func New(m *carrierfsm.Machine, s Store, c Config) (*Dispatcher, error) {
	if m == nil || s == nil {
		return nil, invalid("New needs a Machine and a Store")
	}
	d := &Dispatcher{machine: m, store: s, projections: make(map[string]Projection), slow: make(map[string]*slowCalls), held: make(map[string]*atomic.Int32)}
	if err := d.setNames(&c); err != nil {
		return nil, err
	}
	var err error
	if d.cfg, err = c.withDefaults(d.names); err != nil {
		return nil, err
	}
	if d.parts, err = partsOf(s); err != nil {
		return nil, err
	}
	for _, name := range d.names {
		d.held[name] = new(atomic.Int32)
	}
	for name := range c.Handlers {
		d.slow[name] = newSlowCalls(d.cfg.MaxSlow)
	}
	if err := d.createCursors(); err != nil {
		return nil, err
	}
	return d, nil
}

// setNames sets the names of handlers and projections.
func (d *Dispatcher) setNames(c *Config) error {
	for name, h := range c.Handlers {
		if h == nil || len(name) > 128 || !text.PlainName(name) {
			return invalid("a handler is nil, or its name is not 1 to 128 bytes of printable ASCII without spaces")
		}
		d.names = append(d.names, name)
	}
	for _, p := range c.Projections {
		if p == nil || len(p.Name()) > 128 || !text.PlainName(p.Name()) {
			return invalid("a projection is nil, or its name is not 1 to 128 bytes of printable ASCII without spaces")
		}
		if d.projections[p.Name()] != nil || c.Handlers[p.Name()] != nil {
			return invalid("two handlers or projections have one name")
		}
		d.projections[p.Name()] = p
		d.names = append(d.names, p.Name())
	}
	slices.Sort(d.names)
	return nil
}

// createCursors creates the cursors of the handlers that are new: the first
// transitions may be committed before Run is called. What the store does not
// answer now, Run asks it again. The error is ErrNoStart.
func (d *Dispatcher) createCursors() error {
	if len(d.names) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	errs := make([]error, len(d.parts))
	d.eachPart(func(i int, p part) { errs[i] = d.createCursorsOn(ctx, p) })
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Dispatcher) createCursorsOn(ctx context.Context, p part) error {
	cursors, err := p.store.Cursors(ctx)
	if err != nil {
		return nil //nolint:nilerr // Run asks again
	}
	for _, w := range d.workersOn(p, uuid.NewString(), nil) {
		if slices.ContainsFunc(cursors, func(c Cursor) bool { return c.Name == w.name }) {
			continue
		}
		lease, _, err := w.acquire(ctx)
		if errors.Is(err, ErrNoStart) {
			return fmt.Errorf("%w (%s)", ErrNoStart, w)
		}
		if err == nil {
			_ = p.store.Release(ctx, lease) // else the lease expires
		}
	}
	return nil
}

func (c Config) withDefaults(names []string) (Config, error) {
	for name, start := range c.Starts {
		if !slices.Contains(names, name) {
			return c, invalid("Starts has a name that no handler has")
		}
		if start != FromBeginning && start != FromNow {
			return c, invalid("an unknown Start")
		}
	}
	if min(c.Workers, c.MaxSlow) < 0 || min(c.Timeout, c.SlowAfter, c.LeaseTTL, c.RetryMin, c.RetryMax, c.PollInterval, c.MaxLag) < 0 {
		return c, invalid("a negative value in Config")
	}
	setDefault(&c.Workers, 8)
	setDefault(&c.Timeout, 30*time.Second)
	setDefault(&c.SlowAfter, time.Second)
	setDefault(&c.MaxSlow, 256)
	setDefault(&c.LeaseTTL, 15*time.Second)
	setDefault(&c.RetryMin, time.Second)
	setDefault(&c.RetryMax, max(10*time.Minute, c.RetryMin))
	setDefault(&c.PollInterval, time.Second)
	setDefault(&c.MaxLag, 15*time.Minute)
	if c.RetryMin > c.RetryMax {
		return c, invalid("RetryMin is more than RetryMax")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func setDefault[T int | time.Duration](field *T, standard T) {
	if *field == 0 {
		*field = standard
	}
}

func invalid(why string) error { return fmt.Errorf("%w: outbox: %s", carrierfsm.ErrInvalid, why) }

// Run delivers transitions to the handlers until ctx ends, and returns nil
// then; it returns carrierfsm.ErrClosed when the store is closed before. It does
// not need the machine to be open. Every replica may run it: for each handler one of
// them holds the lease. What fails is logged and tried again. After ctx has ended Run
// starts nothing new, and returns once the handlers under way have, after
// Config.Timeout and a few seconds at the latest.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.running.Add(1)
	defer d.running.Add(-1)
	var loops, watching sync.WaitGroup
	watched, stop := context.WithCancel(ctx)
	for _, p := range d.parts {
		watching.Go(func() { d.watchPart(watched, p) })
	}
	for _, w := range d.workers(nil) {
		loops.Go(func() { w.run(ctx) })
	}
	loops.Wait()
	stop()
	watching.Wait()
	if len(d.names) > 0 && ctx.Err() == nil {
		return carrierfsm.ErrClosed // the one reason to end by itself
	}
	<-ctx.Done()
	return nil
}

// watchPart wakes the workers of a part of the store when that notices commits of other
// processes. Where it can't, the workers poll.
func (d *Dispatcher) watchPart(ctx context.Context, p part) {
	store, ok := p.store.(Watcher)
	if !ok || len(d.cfg.Handlers) == 0 {
		return
	}
	for ctx.Err() == nil {
		err := store.Watch(ctx, p.watched.Notify)
		if errors.Is(err, carrierfsm.ErrClosed) {
			return
		}
		if ctx.Err() == nil {
			d.cfg.Logger.DebugContext(ctx, "the store notices no commits of other processes; handlers poll", "err", err)
		}
		pause(ctx, max(d.cfg.PollInterval, time.Second))
	}
}

// pause waits, or returns when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Deliver does once what Run does repeatedly: it calls the handlers for all
// transitions after their cursors, and for what is parked and due, and returns
// how many calls succeeded. It is for tests, and for hosts that can't use Run. A
// handler whose lease another replica holds is left to that. The error joins
// those of the handlers, which don't stop each other, and carrierfsm.ErrStore.
func (d *Dispatcher) Deliver(ctx context.Context) (handled int, _ error) {
	var mu sync.Mutex
	var errs []error
	workers := d.workers(func(e carrierfsm.Entry, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			handled++
			return
		}
		errs = append(errs, &carrierfsm.Error{ID: e.ID, State: e.To, Step: e.Step, Err: err})
	})
	for _, w := range workers {
		if err := w.runOnce(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%w (%s)", storeError(ctx, err), w))
		}
	}
	return handled, errors.Join(errs...)
}

// workers returns one worker for each handler on each part of the store, in the order
// of their names. called, where not nil, is called after every call of a handler; its
// error is nil where the call succeeded.
func (d *Dispatcher) workers(called func(carrierfsm.Entry, error)) (list []*worker) {
	owner := uuid.NewString()
	for _, p := range d.parts {
		list = append(list, d.workersOn(p, owner, called)...)
	}
	return list
}

func (d *Dispatcher) workersOn(p part, owner string, called func(carrierfsm.Entry, error)) (list []*worker) {
	for _, name := range d.names {
		w := &worker{
			Dispatcher: d, part: p, name: name, handler: d.cfg.Handlers[name], projection: d.projections[name], owner: owner, called: called,
			slow: d.slow[name], held: d.held[name], patience: d.cfg.SlowAfter,
		}
		if called != nil { // Deliver waits for each call
			w.patience = d.cfg.Timeout
		}
		list = append(list, w)
	}
	return list
}

// Retire deletes the cursor and the parked rows of a handler that will never be
// called again. Until then Machine.Purge keeps what that handler has not got. It
// returns ErrLeaseHeld while a replica still calls the handler, ErrInvalid for a
// store without this power, carrierfsm.ErrStore or the context's error.
func (d *Dispatcher) Retire(ctx context.Context, handler string) error {
	store, ok := d.store.(interface {
		Retire(ctx context.Context, name string) error
	})
	if !ok {
		return invalid("the store can't retire a handler")
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := store.Retire(bounded, handler)
	if err != nil && !errors.Is(err, ErrLeaseHeld) {
		return storeError(ctx, err)
	}
	return err
}

// now is the time in the precision of stores.
func (d *Dispatcher) now() time.Time { return d.cfg.Now().Truncate(time.Microsecond).UTC() }

// storeError returns carrierfsm.ErrClosed of a store that is closed, the error of
// the caller's context if that has ended, or else an error that matches
// carrierfsm.ErrStore.
func storeError(ctx context.Context, err error) error {
	if isPartial(err) {
		return err
	}
	if errors.Is(err, carrierfsm.ErrClosed) {
		return carrierfsm.ErrClosed
	}
	if ended := ctx.Err(); ended != nil {
		if errors.Is(err, ended) {
			return err
		}
		return fmt.Errorf("%w: %w", ended, err)
	}
	return fmt.Errorf("%w: %w", carrierfsm.ErrStore, err)
}
