package carrierfsm

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// maxOperator bounds the name of an operator, in bytes.
const maxOperator = 64

type operatorKey struct{}

// ByOperator names the operator who acts: Cancel, Expire and Erase under the
// returned context store the name in the history, as Detail.By, and
// outbox.Dispatcher.Replay stores and logs it. A cancellation that has to wait
// keeps the name until it takes effect.
//
// The name is 1 to 64 bytes of printable ASCII without spaces, a login for
// instance, and no phone number; those operations return ErrInvalid for any
// other. Without ByOperator no name is stored: the host acted by itself, or for
// the person.
func ByOperator(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, operatorKey{}, name)
}

// Operator returns the name that ByOperator gave the context; empty if it gave
// none. The error matches ErrInvalid.
func Operator(ctx context.Context) (string, error) {
	name, named := ctx.Value(operatorKey{}).(string)
	if !named {
		return "", nil
	}
	if err := checkName("operator's name", name, maxOperator); err != nil {
		return "", err
	}
	return name, nil
}

// Expire ends a verification before its deadline, as if no answer had come in
// time. It is for operators; a person gives up by Cancel.
//
// It returns ErrInFlight while an answer is under way, ErrNotAwaited when the
// verification has ended, ErrInvalid, ErrConflict, and the errors of Get.
func (m *Machine) Expire(ctx context.Context, id string) error { return m.act(ctx, id, m.expireOnce) }

// act does what an operator asks for, again after a conflict, and drops the password
// that is held for the verification.
func (m *Machine) act(ctx context.Context, id string, once func(ctx context.Context, id, by string) error) error {
	if err := m.enter(); err != nil {
		return &Error{ID: id, Err: err}
	}
	defer m.leave()
	by, err := Operator(ctx)
	if err == nil {
		err = retryConflict(func() error { return once(ctx, id, by) })
	}
	if err != nil {
		return &Error{ID: id, Err: err}
	}
	m.forget(id)
	return nil
}

func (m *Machine) expireOnce(ctx context.Context, id, by string) error {
	s, now, err := m.current(ctx, id)
	switch {
	case err != nil:
		return err
	case s.State.Terminal():
		return ErrNotAwaited
	case s.Intent != nil:
		return ErrInFlight
	}
	var d decision
	d.expire(s, now, m.cfg.Limits, by)
	return m.commit(ctx, &d)
}

// Erase deletes the person's data from a verification for good: the body, the
// details of its history, the key, and the password in memory. A tombstone
// stays: id, states, events and times. A live verification ends in failed, and
// a reply that is under way is dropped. Erasing again is no error. Erase also
// works on records that this machine can't decode.
//
// It returns ErrNotFound, ErrInvalid, ErrConflict, ErrNewerTable for a state that this
// build does not have, ErrClosed, ErrStore or the context's error. Backups are the host's
// to erase.
func (m *Machine) Erase(ctx context.Context, id string) error { return m.act(ctx, id, m.eraseOnce) }

func (m *Machine) eraseOnce(ctx context.Context, id, by string) error {
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return storeError(ctx, err)
	}
	if !r.State.known() {
		return ErrNewerTable
	}
	s := &snapshot{Record: r}
	if m.codec.sealer != nil {
		var unopened error
		if s, unopened = m.codec.decode(r); unopened != nil {
			s.Reason = "" // not believed
		}
		if err := m.prove(ctx, s, unopened); err != nil {
			return err
		}
	}
	if s.Reason == Erased {
		return nil
	}
	var d decision
	d.erase(s, m.now(), by)
	return m.write(ctx, &d, m.store.Erase)
}

// prove sets the chain that the tombstone of s gets. If s was not opened, or its
// history does not fit, the chain begins with the tombstone, and the history before it
// stays unproven. The columns are not believed either: the step is that of the last entry
// that is stored, and if s was not opened, the state done becomes failed.
func (m *Machine) prove(ctx context.Context, s *snapshot, unopened error) error {
	entries, err := m.entries(ctx, s.ID)
	if err != nil {
		return err
	}
	h := m.codec.decodeHistory(entries)
	if m.codec.checkHistory(&h, s, unopened); !h.unproven {
		s.chain = m.codec.chainOf(&h)
		return nil
	}
	s.Step = 0
	if n := len(entries); n > 0 {
		s.Step = entries[n-1].Step
	}
	s.chain = chain{From: s.Step, Unproven: true}
	if s.State == Done && unopened != nil {
		s.State = Failed
	}
	return nil
}

// Purge deletes the verifications that ended and were last changed before the
// given time, with their histories, and returns how many. Those that a handler
// still needs, because its cursor has not passed them or they are parked, it
// keeps, in a store that is an outbox; kept is how many these are, 500 at most. It stays
// above zero while a handler lags or fails, or where one was given up without
// outbox.Dispatcher.Retire.
//
// With an error, those that were counted are deleted all the same. The error is
// ErrClosed, ErrStore or the context's.
func (m *Machine) Purge(ctx context.Context, before time.Time) (deleted, kept int, err error) {
	if err := m.enter(); err != nil {
		return 0, 0, err
	}
	defer m.leave()
	const batch = 500
	for {
		var n int
		err = withTimeout(ctx, readTimeout, func(ctx context.Context) (err error) {
			n, kept, err = m.purgePage(ctx, m.cfg.Store, m.store, storeTime(before), batch)
			return err
		})
		deleted += n
		if err != nil {
			return deleted, kept, storeError(ctx, err)
		}
		if n < batch {
			return deleted, kept, nil
		}
	}
}

// deliveredPurger is a further power of a Store that is an outbox: see
// outbox.Outbox.
type deliveredPurger interface {
	PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error)
}

// purgePage deletes a page of a store; observed is the store with the Observer around it.
func (m *Machine) purgePage(ctx context.Context, bare, observed Store, before time.Time, limit int) (deleted, kept int, err error) {
	store, ok := bare.(deliveredPurger)
	if !ok {
		deleted, err = observed.Purge(ctx, before, limit)
		return deleted, 0, err
	}
	done := func(error) {}
	if o, ok := observed.(observedStore); ok {
		ctx, done = o.start(ctx, "purge", "")
	}
	deleted, kept, err = store.PurgeDelivered(ctx, before, limit)
	done(err)
	return deleted, kept, err
}

const (
	// retentionPage is how many verifications are deleted at once after
	// Config.Retention, retentionPause the wait between two pages, and
	// retentionInterval how often Run looks for more.
	retentionPage     = 100
	retentionPause    = 100 * time.Millisecond
	retentionInterval = time.Minute
	// retentionTimeout bounds the store's answer for one page.
	retentionTimeout = 10 * time.Second
)

// eachPage calls page until ctx ends or the store is closed: again soon if page
// returned true, because there is more, else a minute later. Replicas begin at random times.
func (m *Machine) eachPage(ctx context.Context, p *part, page func(ctx context.Context) (more bool, err error)) {
	wait := rand.N(retentionInterval) //nolint:gosec // no secret
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = retentionInterval
		if m.clockAhead(p) {
			continue
		}
		more, err := page(ctx)
		if errors.Is(err, ErrClosed) {
			return
		}
		if more {
			wait = retentionPause
		}
	}
}

// retain deletes what ended longer ago than Config.Retention, until ctx ends.
func (m *Machine) retain(ctx context.Context, p *part) {
	var failing, keeping bool
	m.eachPage(ctx, p, func(ctx context.Context) (more bool, err error) {
		deleted, kept, err := m.purgeAged(ctx, p)
		more = err == nil && deleted == retentionPage
		switch {
		case err != nil:
			if !failing && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
				m.cfg.Logger.WarnContext(ctx, "what is older than Retention could not be deleted", p.attrs("err", err)...)
			}
		case !more:
			if kept > 0 && !keeping {
				m.cfg.Logger.WarnContext(ctx, "what is older than Retention is kept, as a handler has not got it", p.attrs("count", kept)...)
			}
			keeping = kept > 0
		}
		failing = err != nil
		return more, err
	})
}

// oldPage is how many ledgers or acts are deleted at once, and ledgerSlack how long after
// their end ledgers are: the clocks of replicas differ.
const (
	oldPage     = 500
	ledgerSlack = time.Hour
)

// purgeOlder deletes in pages what has ended, or was logged, so long ago, until ctx ends.
// What fails is tried again a minute later.
func (m *Machine) purgeOlder(ctx context.Context, p *part, age time.Duration, purge func(ctx context.Context, before time.Time, limit int) (int, error)) {
	m.eachPage(ctx, p, func(ctx context.Context) (more bool, err error) {
		err = withTimeout(ctx, retentionTimeout, func(ctx context.Context) error {
			n, err := purge(ctx, m.now().Add(-age), oldPage)
			more = err == nil && n == oldPage
			return err
		})
		return more && err == nil, err
	})
}

// actPurger is a further power of a Store: see package store/acts.
type actPurger interface {
	PurgeActs(ctx context.Context, before time.Time, limit int) (int, error)
}

func (m *Machine) purgeAged(ctx context.Context, p *part) (deleted, kept int, err error) {
	before := storeTime(m.cfg.Now().Add(-m.cfg.Retention))
	err = withTimeout(ctx, retentionTimeout, func(ctx context.Context) (err error) {
		deleted, kept, err = m.purgePage(ctx, p.bare, p.store, before, retentionPage)
		return err
	})
	if err != nil {
		err = storeError(ctx, err)
	}
	return deleted, kept, err
}

// Reseal writes a record and the details of its history again, sealed with the
// Sealer's first key and bound to their places; nothing else changes. It seals what
// Config accepts: of an earlier build, or plain. A record that does not fit its seal
// it refuses. In a store without Reseal the details stay sealed as they are.
//
// Once all verifications are resealed, destroying the old keys erases what they sealed,
// in dead rows, logs and backups too. Errors are as for History, and ErrConflict.
func (m *Machine) Reseal(ctx context.Context, id string) error {
	if err := m.enter(); err != nil {
		return &Error{ID: id, Err: err}
	}
	defer m.leave()
	err := retryConflict(func() error { return m.resealOnce(ctx, id) })
	var where *Error
	if err == nil || errors.As(err, &where) {
		return err
	}
	return &Error{ID: id, Err: err}
}

// resealer is a further power of a Store. Reseal does what Commit does without
// entries and, in the same commit, replaces the Detail of the entries of r.ID with the
// steps of the given ones. What the record's old body and details were need not become
// unreadable, as they stay sealed.
type resealer interface {
	Reseal(ctx context.Context, r Record, details ...Entry) error
}

func (m *Machine) resealOnce(ctx context.Context, id string) error {
	s, err := m.load(ctx, id)
	if err != nil {
		return err
	}
	d := &decision{snapshot: *s}
	d.touch(s.Updated)
	d.Lost = s.Lost
	store, ok := m.cfg.Store.(resealer)
	if !ok || m.codec.sealer == nil {
		return m.commit(ctx, d)
	}
	entries, err := m.entries(ctx, id)
	if err != nil {
		return err
	}
	h := m.codec.decodeHistory(entries)
	if m.codec.checkHistory(&h, s, nil); h.err() != nil {
		if again, err := m.store.Load(ctx, id); err == nil && again.CommitID != s.CommitID {
			return ErrConflict
		}
		return h.err()
	}
	details, err := m.codec.resealHistory(d, &h)
	if err != nil {
		return err
	}
	return m.write(ctx, d, func(ctx context.Context, r Record, _ ...Entry) error {
		return store.Reseal(ctx, r, details...)
	})
}

// resealHistory encodes the entries of a history again, and sets the chain of d.
func (c codec) resealHistory(d *decision, h *history) (details []Entry, err error) {
	d.chain = chain{}
	for i := range h.entries {
		e := &h.entries[i]
		if h.opened[i].encoding == encodingBlank {
			d.chain.Head = c.follow(d.chain.Head, e)
			continue
		}
		sealed, err := c.encodeEntry(*e, &h.transitions[i], &d.chain, c.newEncodedRecord())
		if err != nil {
			return nil, err
		}
		details = append(details, sealed)
	}
	return details, nil
}

// retryConflict calls f again while another writer commits first.
func retryConflict(f func() error) (err error) {
	for range maxCASRetries {
		if err = f(); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return err
}
