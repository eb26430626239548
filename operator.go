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
func (m *Machine) Expire(ctx context.Context, id string) error {
	if err := m.enter(); err != nil {
		return &Error{ID: id, Err: err}
	}
	defer m.leave()
	by, err := Operator(ctx)
	if err != nil {
		return &Error{ID: id, Err: err}
	}
	err = retryConflict(func() error { return m.expireOnce(ctx, id, by) })
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
	d := s.expire(now, m.cfg.Limits, by)
	return m.commit(ctx, &d)
}

// Erase deletes the person's data from a verification for good: the body, the
// details of its history, the key, and the password in memory. A tombstone
// stays: id, states, events and times. A live verification ends in failed, and
// a reply that is under way is dropped. Erasing again is no error. Erase also
// works on records that this machine can't decode.
//
// It returns ErrNotFound, ErrInvalid, ErrConflict, ErrClosed or ErrStore. Backups are the
// host's to erase.
func (m *Machine) Erase(ctx context.Context, id string) error {
	if err := m.enter(); err != nil {
		return &Error{ID: id, Err: err}
	}
	defer m.leave()
	by, err := Operator(ctx)
	if err != nil {
		return &Error{ID: id, Err: err}
	}
	err = retryConflict(func() error { return m.eraseOnce(ctx, id, by) })
	if err != nil {
		return &Error{ID: id, Err: err}
	}
	m.forget(id)
	return nil
}

func (m *Machine) eraseOnce(ctx context.Context, id, by string) error {
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return storeError(ctx, err)
	}
	if r.Reason == Erased {
		return nil
	}
	if !r.State.known() {
		return ErrNewerTable
	}
	d := snapshot{Record: r}.erase(m.now(), by)
	return m.write(ctx, &d, m.store.Erase)
}

// Purge deletes the verifications that ended and were last changed before the
// given time, with their histories, and returns how many. Those that a handler
// still needs, because its cursor has not passed them or they are parked, it
// keeps, in a store that knows; kept is how many these are, 500 at most. It stays
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
		err = answered(ctx, readTimeout, func(ctx context.Context) (err error) {
			n, kept, err = m.purgePage(ctx, storeTime(before), batch)
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

func (m *Machine) purgePage(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error) {
	store, ok := m.cfg.Store.(deliveredPurger)
	if !ok {
		deleted, err = m.store.Purge(ctx, before, limit)
		return deleted, 0, err
	}
	done := func(error) {}
	if o := m.cfg.Observer; o != nil && o.Store != nil {
		ctx, done = o.Store(ctx, "purge")
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

// retain deletes what ended longer ago than Config.Retention, until ctx ends. The
// replicas begin at random times.
func (m *Machine) retain(ctx context.Context) {
	var failing, keeping bool
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
		if m.clockAhead() {
			continue
		}
		deleted, kept, err := m.purgeAged(ctx)
		switch {
		case errors.Is(err, ErrClosed):
			return
		case err != nil:
			if !failing && ctx.Err() == nil {
				m.cfg.Logger.WarnContext(ctx, "what is older than Retention could not be deleted", "err", err)
			}
		case deleted == retentionPage:
			wait = retentionPause
		default:
			if kept > 0 && !keeping {
				m.cfg.Logger.WarnContext(ctx, "what is older than Retention is kept, as a handler has not got it", "count", kept)
			}
			keeping = kept > 0
		}
		failing = err != nil
	}
}

// ledgerPage is how many ledgers are deleted at once, and ledgerSlack how long after
// their end: the clocks of replicas differ.
const (
	ledgerPage  = 500
	ledgerSlack = time.Hour
)

// purgeLedgers deletes the ledgers that have expired, until ctx ends. What fails is
// tried again a minute later.
func (m *Machine) purgeLedgers(ctx context.Context) {
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
		if m.clockAhead() {
			continue
		}
		_ = answered(ctx, retentionTimeout, func(ctx context.Context) error {
			n, err := m.store.PurgeLedgers(ctx, m.now().Add(-ledgerSlack), ledgerPage)
			if n == ledgerPage {
				wait = retentionPause
			}
			return err
		})
	}
}

func (m *Machine) purgeAged(ctx context.Context) (deleted, kept int, err error) {
	before := storeTime(m.cfg.Now().Add(-m.cfg.Retention))
	err = answered(ctx, retentionTimeout, func(ctx context.Context) (err error) {
		deleted, kept, err = m.purgePage(ctx, before, retentionPage)
		return err
	})
	if err != nil {
		err = storeError(ctx, err)
	}
	return deleted, kept, err
}

// Reseal writes a record again, sealed with the Sealer's first key; nothing
// else changes. The details of its history keep the key that they were sealed
// with. Errors are as for Get, and ErrConflict.
func (m *Machine) Reseal(ctx context.Context, id string) error {
	if err := m.enter(); err != nil {
		return &Error{ID: id, Err: err}
	}
	defer m.leave()
	err := retryConflict(func() error {
		s, err := m.load(ctx, id)
		if err != nil {
			return err
		}
		resealed := s
		resealed.touch(s.Updated)
		resealed.Lost = s.Lost
		return m.commit(ctx, &decision{snapshot: resealed})
	})
	if err != nil {
		return &Error{ID: id, Err: err}
	}
	return nil
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
