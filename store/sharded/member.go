package sharded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

// checkTimeout is how long New waits for what a database says.
const checkTimeout = 5 * time.Second

// member is one shard: its store behind a gate. It is a store by itself.
type member struct {
	name   string
	slots  string // as the database must have them
	store  Member // of one that is opened later: nil until it is checked
	open   func(ctx context.Context) (Member, error)
	create bool
	logger *slog.Logger
	gate   gate
	closed atomic.Bool

	checking chan struct{} // has room for the one call that checks
	checked  atomic.Bool
	opening  atomic.Pointer[context.CancelFunc] // ends an open that is under way

	watchable chan struct{} // closed when there is a store, or when this shard is closed
	watch     sync.Once     // closes it
}

func newMember(c *Config, s Shard) *member {
	m := &member{
		name: s.Name, store: s.Store, open: s.Open, create: c.Create, logger: c.Logger, gate: gate{most: c.MaxInFlight},
		checking: make(chan struct{}, 1), watchable: make(chan struct{}),
	}
	if m.store != nil {
		m.setWatchable()
	}
	for i := range c.Shards {
		if c.Shards[i].Name == s.Name {
			m.slots = c.rangeOf(i).text(c.Slots)
		}
	}
	return m
}

func (m *member) setWatchable() { m.watch.Do(func() { close(m.watchable) }) }

// close closes the store, if it was opened and can be closed.
func (m *member) close() error {
	m.closed.Store(true)
	m.setWatchable()
	if end := m.opening.Load(); end != nil {
		(*end)()
	}
	m.checking <- struct{}{} // a call that opens it has ended
	defer func() { <-m.checking }()
	if c, ok := m.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// enter begins a call of the store, or returns why it can't be made.
func (m *member) enter(ctx context.Context) (begun time.Time, err error) {
	if m.closed.Load() {
		return begun, carrierfsm.ErrClosed
	}
	if err = ctx.Err(); err != nil {
		return begun, err
	}
	if err = m.gate.enter(); err != nil {
		return begun, m.named(err)
	}
	begun = time.Now()
	if !m.checked.Load() {
		if err = m.check(ctx); err != nil {
			m.leave(ctx, begun, &err)
		}
	}
	return begun, err
}

// leave ends a call that returned an error, or nil.
func (m *member) leave(ctx context.Context, begun time.Time, err *error) {
	o := outcomeOf(ctx, begun, *err)
	changed := m.gate.leave(o, begun)
	switch {
	case changed && o == answered:
		m.logger.WarnContext(ctx, "a shard answers again", "shard", m.name)
	case changed:
		m.logger.WarnContext(ctx, "a shard fails, and its calls are refused", "shard", m.name, "err", *err)
	}
	if o == failed {
		*err = m.named(*err)
	}
}

func (m *member) named(err error) error { return fmt.Errorf("%w (shard %s)", err, m.name) }

// check compares what the database says with the configuration, once, and binds the
// store to the epoch.
func (m *member) check(ctx context.Context) error {
	select {
	case m.checking <- struct{}{}:
		defer func() { <-m.checking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if m.checked.Load() {
		return nil
	}
	if err := m.ensureOpen(ctx); err != nil {
		return err
	}
	name, epoch, slots, err := m.store.Shard(ctx)
	if err == nil && epoch == 0 && m.create {
		if err = m.store.SetShard(ctx, m.name, 1, m.slots); err == nil || errors.Is(err, carrierfsm.ErrConflict) {
			name, epoch, slots, err = m.store.Shard(ctx) // another process may have been faster
		}
	}
	slots = strings.TrimPrefix(slots, DrainedPrefix) // the store refuses what it has to
	switch {
	case err != nil:
		return err
	case epoch == 0:
		return fmt.Errorf("%w: %s: it does not say which it is; Config.Create writes that into new databases", ErrMap, m.name)
	case name == m.name && slots == MovedPrefix+m.slots:
		return fmt.Errorf("%w (shard %s)", carrierfsm.ErrMoved, m.name)
	case name != m.name || slots != m.slots:
		return fmt.Errorf("%w: %s, with the slots %s: it says %s, with the slots %q", ErrMap, m.name, m.slots, name, slots)
	}
	m.store.BindShard(epoch)
	m.checked.Store(true)
	return nil
}

// ensureOpen opens the store, unless that was done. Only check calls it.
func (m *member) ensureOpen(ctx context.Context) (err error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	m.opening.Store(&end) // before closed is read: close sets that first
	if m.closed.Load() {
		return carrierfsm.ErrClosed
	}
	if m.store == nil {
		if m.store, err = m.open(ctx); err != nil {
			m.store = nil // not an interface of a nil pointer
			if m.closed.Load() {
				return carrierfsm.ErrClosed
			}
			return fmt.Errorf("opening it: %w", err)
		}
		m.setWatchable()
	}
	return nil
}

// Create is carrierfsm.Store's.
func (m *member) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Create(ctx, r, entries...)
}

// Load is carrierfsm.Store's.
func (m *member) Load(ctx context.Context, id string) (r carrierfsm.Record, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return r, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Load(ctx, id)
}

// Commit is carrierfsm.Store's.
func (m *member) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Commit(ctx, r, entries...)
}

// Erase is carrierfsm.Store's.
func (m *member) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Erase(ctx, r, entries...)
}

// History is carrierfsm.Store's.
func (m *member) History(ctx context.Context, id string, afterStep, limit int) (list []carrierfsm.Entry, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.History(ctx, id, afterStep, limit)
}

// List is carrierfsm.Store's.
func (m *member) List(ctx context.Context, q carrierfsm.Query) (list []carrierfsm.Record, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.List(ctx, q)
}

// Due is carrierfsm.Store's.
func (m *member) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) (list []carrierfsm.Record, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Due(ctx, now, after, limit)
}

// Purge is carrierfsm.Store's.
func (m *member) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Purge(ctx, before, limit)
}

// Ledger is carrierfsm.Store's.
func (m *member) Ledger(ctx context.Context, key string) (l budget.Ledger, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return l, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Ledger(ctx, key)
}

// PurgeLedgers is carrierfsm.Store's.
func (m *member) PurgeLedgers(ctx context.Context, before time.Time, limit int) (n int, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.PurgeLedgers(ctx, before, limit)
}
