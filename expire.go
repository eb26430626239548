package carrierfsm

import (
	"context"
	"errors"
)

// Expire ends a verification before its time, as if nobody had answered: for
// operators who know that nobody will. It is not the way for a person to give
// up, which is Cancel.
//
// It returns ErrInFlight while an answer is under way, for then somebody has
// answered; ErrNotAwaited when the verification has ended; ErrInvalid,
// ErrConflict, and the errors of Get.
func (m *Machine) Expire(ctx context.Context, id string) error {
	by, err := operator(ctx)
	if err == nil {
		err = ErrConflict
	}
	for n := 0; n < races && errors.Is(err, ErrConflict); n++ {
		err = m.expireOnce(ctx, id, by)
	}
	if err != nil {
		return &Error{ID: id, Err: err}
	}
	m.vault.drop(id)
	return nil
}

func (m *Machine) expireOnce(ctx context.Context, id, by string) error {
	o, now, err := m.current(ctx, id)
	switch {
	case err != nil:
		return err
	case o.State.Terminal():
		return ErrNotAwaited
	case o.Intent != nil:
		return ErrInFlight
	}
	d := o.expire(now, m.cfg.Limits, by)
	return m.commit(ctx, &d)
}
