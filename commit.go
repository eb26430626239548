package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/lazydeadline"
)

const (
	// maxCASRetries is how often an operation begins again because another
	// writer committed first.
	maxCASRetries = 16
	// readBackTimeout bounds the load that looks for a commit whose answer was
	// lost, and each try of retry.
	readBackTimeout = 5 * time.Second
	// storeTimeout bounds each call of the store by Run.
	storeTimeout = 10 * time.Second
	// readTimeout bounds a read of many records, and a page of Purge.
	readTimeout = 30 * time.Second
)

// load loads and decodes a record. With an error the snapshot is empty.
func (m *Machine) load(ctx context.Context, id string) (*snapshot, error) {
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return new(snapshot), storeError(ctx, err)
	}
	s, err := m.codec.decode(r)
	if err == nil {
		err = checkMark(ctx, &r)
	}
	if err != nil {
		return new(snapshot), err
	}
	return s, nil
}

// current loads a verification and settles what is overdue. It also returns
// the time at which nothing was. If the settlement fails, it returns what it
// loaded with the error.
func (m *Machine) current(ctx context.Context, id string) (s *snapshot, now time.Time, err error) {
	for range maxCASRetries {
		if s, err = m.load(ctx, id); err != nil {
			return s, now, err
		}
		if now = m.now(); !s.isDue(now) || m.clockAhead(m.partOf(id)) {
			return s, now, nil
		}
		d := new(decision)
		d.overdue(s, now, m.cfg.Limits)
		switch err = m.commit(ctx, d); {
		case err == nil:
			return &d.snapshot, m.now(), nil
		case !errors.Is(err, ErrConflict):
			return s, now, err
		}
	}
	return new(snapshot), now, ErrConflict
}

// commit encodes a decision and commits it.
func (m *Machine) commit(ctx context.Context, d *decision) error {
	return m.write(ctx, d, m.store.Commit)
}

// storeWrite is one of the store's writing methods.
type storeWrite func(context.Context, Record, ...Entry) error

// write encodes a decision and passes it to one of the store's writing methods.
func (m *Machine) write(ctx context.Context, d *decision, to storeWrite) error {
	e, err := m.codec.encode(d)
	if err != nil {
		return err
	}
	return m.writeEncoded(ctx, d, e, to)
}

// writeEncoded writes an encoded decision. If the store fails, it reads the
// record back: the commit id shows whether the write took place. After a write
// it sets the commit id of d, informs the Observer, the Logger and the subscribers, and
// releases e.
func (m *Machine) writeEncoded(ctx context.Context, d *decision, e *encodedRecord, to storeWrite) error {
	if err := to(ctx, e.record, e.entries...); err != nil {
		e.failed = true
		if !m.wasCommitted(ctx, &e.record) {
			return storeError(ctx, err)
		}
	}
	defer e.release()
	d.CommitID = e.record.CommitID
	m.logTransitions(ctx, e.entries)
	m.cfg.Observer.committed(ctx, d)
	if len(e.entries) > 0 {
		m.committed(e.record.ID)
	}
	return nil
}

// Subscribe returns a channel that receives a value after this Machine has
// committed transitions: several commits may be one value. The caller calls
// cancel when it stops receiving. It is how an outbox.Dispatcher in the same
// process hears of commits without polling.
func (m *Machine) Subscribe() (committed <-chan struct{}, cancel func()) {
	return m.commits.Subscribe()
}

// SubscribeShard is Subscribe for the commits on one shard of a store with shards. With
// a name that no shard has it is Subscribe.
func (m *Machine) SubscribeShard(name string) (committed <-chan struct{}, cancel func()) {
	for _, p := range m.parts {
		if m.shards != nil && p.name == name {
			return p.commits.Subscribe()
		}
	}
	return m.commits.Subscribe()
}

// committed wakes the subscribers after transitions of a verification.
func (m *Machine) committed(id string) {
	m.commits.Notify()
	if m.shards != nil {
		m.partOf(id).commits.Notify()
	}
}

func (m *Machine) logTransitions(ctx context.Context, entries []Entry) {
	if !m.cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		return // the arguments would be allocated for nothing
	}
	for _, e := range entries {
		m.cfg.Logger.DebugContext(ctx, "transition", "id", e.ID, "step", e.Step, "from", e.From, "event", e.Event, "to", e.To)
	}
}

// wasCommitted reports whether the store has this very commit.
func (m *Machine) wasCommitted(ctx context.Context, r *Record) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBackTimeout)
	defer cancel()
	stored, err := m.store.Load(ctx, r.ID)
	return err == nil && stored.CommitID == r.CommitID
}

// commitOutcome sets d to the outcome of a call and commits it. It tries until the grace
// after the call's deadline is over. Where another commit was first, a cancellation or a
// replica that gave the call up, it decides the outcome again on the stored record. An
// outcome that the stored record does not await is dropped and counted, with ErrStale.
// With ErrPending the outcome could not be stored. With an error only the snapshot of d
// counts.
func (m *Machine) commitOutcome(ctx context.Context, d *decision, s *snapshot, out *outcome, callEnd deadline) (err error) {
	in, end := s.Intent, callEnd.add(m.cfg.Grace)
	for {
		d.settle(s, out, m.now(), m.cfg.Limits)
		if err = m.commitRetrying(ctx, d, end); err == nil {
			return nil
		}
		var stored *snapshot
		if errors.Is(err, ErrConflict) {
			stored, err = m.loadRetrying(ctx, s.ID, end)
		}
		switch {
		case errors.Is(err, ErrNotFound) || err == nil && !stored.awaits(in, out.fault == ""):
			m.dropped.Add(1)
			m.cfg.Logger.WarnContext(ctx, "a reply came too late and was dropped", "id", s.ID, "step", s.Step)
			if err == nil {
				s = stored
			}
			d.snapshot = *s
			return ErrStale
		case err != nil:
			d.snapshot = *s
			return fmt.Errorf("%w: %w", ErrPending, err)
		}
		s = stored
	}
}

func (m *Machine) loadRetrying(ctx context.Context, id string, end deadline) (s *snapshot, err error) {
	err = m.retry(ctx, end, func(ctx context.Context) (e error) {
		s, e = m.load(ctx, id)
		return e
	})
	return s, err
}

// commitRetrying commits a decision. It is the same commit at each try, so a
// lost answer of the store does no harm.
func (m *Machine) commitRetrying(ctx context.Context, d *decision, end deadline) error {
	e, err := m.codec.encode(d)
	if err != nil {
		return err
	}
	return m.retry(ctx, end, func(ctx context.Context) error {
		return m.writeEncoded(ctx, d, e, m.store.Commit)
	})
}

// retry calls try again while the store fails, until end. Each try is bounded
// in time, so that a store that hangs is tried again too.
func (m *Machine) retry(ctx context.Context, end deadline, try func(context.Context) error) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := withTimeout(ctx, readBackTimeout, try)
		if !errors.Is(err, ErrStore) || m.left(end) <= pause {
			return err
		}
		m.cfg.Logger.WarnContext(ctx, "the outcome of a call can't be stored yet", "err", err)
		time.Sleep(pause)
	}
}

// deadline is an end by the wall clock, as it is stored, and by the monotonic
// clock of this process, whichever comes first. The wall clock can be set back;
// the monotonic one stands still while the machine is suspended.
type deadline struct{ wall, mono time.Time }

func (d deadline) add(more time.Duration) deadline {
	return deadline{wall: d.wall.Add(more), mono: d.mono.Add(more)}
}

// left is the time until a deadline.
func (m *Machine) left(d deadline) time.Duration {
	return min(d.wall.Sub(m.now()), time.Until(d.mono))
}

// withTimeout calls a method of the store with a context that ends after the given
// time. If the store has not answered by then, and ctx has not ended, the error
// matches ErrStore.
func withTimeout(ctx context.Context, within time.Duration, call func(context.Context) error) error {
	bounded, cancel := lazydeadline.With(ctx, time.Now().Add(within))
	defer cancel()
	err := call(bounded)
	if err == nil || ctx.Err() != nil || bounded.Err() == nil || !errors.Is(err, bounded.Err()) {
		return err
	}
	return fmt.Errorf("%w: no answer within %v: %w", ErrStore, within, err)
}

// readMany reads many records, within readTimeout.
func readMany[T any](ctx context.Context, read func(context.Context) ([]T, error)) (list []T, err error) {
	err = withTimeout(ctx, readTimeout, func(ctx context.Context) (err error) {
		list, err = read(ctx)
		return err
	})
	return list, err
}

// commitSoon is commit for Run: the store has to answer within storeTimeout.
func (m *Machine) commitSoon(ctx context.Context, d *decision) error {
	return withTimeout(ctx, storeTimeout, func(ctx context.Context) error { return m.commit(ctx, d) })
}

// storeError returns the sentinel that a store's error matches, with ErrTooMany for a
// budget that is used up. Else it returns the error of the caller's context if that has
// ended, or an error that matches ErrStore. A *ShardsError it returns as it is.
func storeError(ctx context.Context, err error) error {
	if some := (*ShardsError)(nil); errors.As(err, &some) {
		return err
	}
	for _, known := range []error{ErrNotFound, ErrExists, ErrKeyInUse, ErrConflict, ErrInvalid, ErrOtherShard, ErrClosed} {
		if errors.Is(err, known) {
			return known
		}
	}
	if over := (*budget.ExceededError)(nil); errors.As(err, &over) {
		return fmt.Errorf("%w: %w", ErrTooMany, over)
	}
	if errors.Is(err, ErrStore) {
		return err
	}
	if ended := ctx.Err(); ended != nil {
		if errors.Is(err, ended) {
			return err
		}
		return fmt.Errorf("%w: %w", ended, err)
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}

// maxClaims is how often a verification tries to get the place of its number.
const maxClaims = 4

// claim writes a decision. If another verification has the place of the number, it
// makes room, or else writes the decision without the place.
func (m *Machine) claim(ctx context.Context, d *decision, to storeWrite) error {
	for range maxClaims {
		err := m.write(ctx, d, to)
		if !errors.Is(err, ErrKeyInUse) || !m.cfg.Numbers.Counted() {
			return err
		}
		free, err := m.makeRoom(ctx, d)
		if err != nil {
			return err
		}
		if !free {
			break
		}
	}
	d.Key = ""
	return m.write(ctx, d, to)
}

// makeRoom ends the verification that has the place of the newer one's number, if it has proved
// nothing, has no call under way, and the number's budgets allow that and the newer one. It
// returns whether the place may be free now.
func (m *Machine) makeRoom(ctx context.Context, newer *decision) (free bool, err error) {
	key := newer.Key
	holders, err := m.store.List(ctx, Query{Key: key, Limit: 1})
	if err != nil {
		return false, storeError(ctx, err)
	}
	if len(holders) == 0 {
		return true, nil
	}
	s, now, err := m.current(ctx, holders[0].ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return true, nil
	case err != nil:
		return false, nil //nolint:nilerr // it can't be decoded or settled here, so it stays
	case s.Key != key:
		return true, nil
	case s.Proved || s.Intent != nil:
		return false, nil
	}
	if err := m.refuseSpends(ctx, newer.spends); err != nil {
		return false, err
	}
	var d decision
	d.replace(s, now, m.cfg.Limits)
	err = m.commit(ctx, &d)
	switch {
	case err == nil:
		m.forget(s.ID)
		return true, nil
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		return true, nil
	case errors.As(err, new(*budget.ExceededError)):
		return false, nil
	default:
		return false, err
	}
}

// refuseSpends returns why the store would refuse spends now. Before the commit that
// spends, it keeps a decision that will be refused from changing anything else.
func (m *Machine) refuseSpends(ctx context.Context, spends []budget.Spend) error {
	if len(spends) == 0 {
		return nil
	}
	ledger, err := m.store.Ledger(ctx, spends[0].Key)
	if err == nil {
		_, err = ledger.Apply(spends)
	}
	if err != nil {
		return storeError(ctx, err)
	}
	return nil
}
