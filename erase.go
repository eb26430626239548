package carrierfsm

import (
	"context"
	"errors"
	"time"
)

// Erase deletes the person's data from a verification, for good: the body, the
// details of its history, the key, a password that is held. What stays is a
// tombstone: id, states, events and times. A live verification ends in failed;
// an answer that is under way is dropped when it comes. Erasing again is no
// error. It works on records that this machine can't open, too.
//
// It returns ErrNotFound, ErrInvalid, ErrConflict or ErrStore. Backups are the host's.
func (m *Machine) Erase(ctx context.Context, id string) error {
	by, err := operator(ctx)
	if err == nil {
		err = ErrConflict
	}
	for n := 0; n < races && errors.Is(err, ErrConflict); n++ {
		err = m.eraseOnce(ctx, id, by)
	}
	if err != nil {
		return &Error{ID: id, Err: err}
	}
	m.vault.drop(id)
	return nil
}

func (m *Machine) eraseOnce(ctx context.Context, id, by string) error {
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return storeError(err)
	}
	if r.Reason == Erased {
		return nil
	}
	if !r.State.Valid() {
		return ErrNewerTable
	}
	d := opened{Record: r}.erase(m.now(), by)
	return m.write(ctx, &d, m.store.Erase)
}

// Purge deletes the verifications that ended and were last changed before the
// given time, with their histories, and tells how many. With an error, those
// counted are gone all the same. It returns ErrStore.
func (m *Machine) Purge(ctx context.Context, before time.Time) (int, error) {
	const batch = 500
	for total := 0; ; {
		n, err := m.store.Purge(ctx, storeTime(before), batch)
		total += n
		if err != nil {
			return total, storeError(err)
		}
		if n < batch {
			return total, nil
		}
	}
}

// Reseal writes a record anew, sealed with the Sealer's present key; nothing
// else changes. The details of history keep the key that they were sealed
// with. Errors are as for Get, and ErrConflict.
func (m *Machine) Reseal(ctx context.Context, id string) error {
	err := ErrConflict
	for range races {
		var o opened
		if o, err = m.load(ctx, id); err != nil {
			break
		}
		next := o
		next.touch(o.Updated)
		next.Lost = o.Lost
		if err = m.commit(ctx, &decision{opened: next}); !errors.Is(err, ErrConflict) {
			break
		}
	}
	if err != nil {
		return &Error{ID: id, Err: err}
	}
	return nil
}
