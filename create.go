package carrierfsm

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// NewVerification is what Create needs to know. The zero value is usable.
type NewVerification struct {
	// ID names the verification: 1 to 128 bytes of printable ASCII without
	// spaces, nothing personal. If it is empty, Create makes a UUIDv7.
	ID string
	// Key, where not empty, is unique among live verifications. Use a keyed hash
	// of the phone number, never the number itself: two runs on one number use
	// up each other's codes. It is as an ID: encode the bytes of a hash, in hex
	// or base64 for instance.
	Key string
	// Reference is the host's own name of what the verification is for, an order for
	// instance: at most 128 bytes of UTF-8 without control characters, nothing
	// personal. It is sealed with the record, and comes back in each Verification and
	// each Transition, and in List with Query.Bodies. The store has no column for it,
	// so nothing searches for it. Erase deletes it.
	Reference string
}

// Create begins a verification in the state created. It returns ErrExists,
// ErrKeyInUse, ErrInvalid, ErrClosed or ErrStore.
func (m *Machine) Create(ctx context.Context, n NewVerification) (Verification, error) {
	if n.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return Verification{}, fmt.Errorf("carrierfsm: no random numbers: %w", err)
		}
		n.ID = id.String()
	}
	if err := n.check(); err != nil {
		return Verification{}, &Error{ID: "(invalid)", Err: err}
	}
	if err := m.enter(); err != nil {
		return Verification{}, &Error{ID: n.ID, Err: err}
	}
	defer m.leave()
	now := m.now()
	s := snapshot{
		Record: Record{ID: n.ID, Key: n.Key, State: Created, Created: now},
		body:   body{Reference: n.Reference, Ask: PromptApplication, Since: now, Life: now.Add(m.cfg.Limits.Life)},
	}
	var d decision
	d.begin(&s, now, m.cfg.Limits)
	d.finish()
	if err := m.write(ctx, &d, m.store.Create); err != nil {
		return Verification{}, &Error{ID: n.ID, Err: err}
	}
	return d.view(m.cfg.Limits), nil
}

func (n NewVerification) check() error {
	err := firstError(checkName("id", n.ID, maxName), checkReference(n.Reference))
	if err != nil || n.Key == "" {
		return err
	}
	return checkName("key", n.Key, maxName)
}
