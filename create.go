package carrierfsm

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// NewVerification is what Create and Begin need to know. The zero value is usable.
type NewVerification struct {
	// ID names the verification: 1 to 128 bytes of printable ASCII without
	// spaces, nothing personal. If it is empty, a UUIDv7 is made. On a store with shards
	// it must be the one that Machine.PlaceID returns, if there is a Key.
	ID string
	// Key, where not empty, is the place of a phone number, which one live
	// verification has at a time: two runs on one number use up each other's codes.
	// It is what Config.Numbers makes of the number; the form's number must have it,
	// and where it is empty here, Apply sets it. A verification that has the place is
	// canceled for the newer one, if no password of it was accepted yet and as often as
	// the number's budget for that allows. Otherwise the newer one goes on without the
	// place, so that the result does not show whether a number is in use.
	//
	// With budget.None it is any keyed hash of the number, as an ID is, never the number
	// itself, and Create returns ErrKeyInUse while a live verification has it.
	Key string
	// Reference is the host's own name of what the verification is for, an order for
	// instance: at most 128 bytes of UTF-8 without control characters, nothing
	// personal. It is sealed with the record, and comes back in each Verification and
	// each Transition, and in List with Query.Bodies. The store has no column for it,
	// so nothing searches for it. Erase deletes it.
	Reference string
}

// Create makes a verification in the state created. It returns ErrExists,
// ErrKeyInUse, ErrInvalid, ErrOtherShard, ErrClosed, ErrStore or the context's error. On a
// store with shards, with Config.Numbers, it needs the Key: the number's budgets are on
// its shard.
func (m *Machine) Create(ctx context.Context, n NewVerification) (Verification, error) {
	err := n.prepare(m)
	if err == nil && n.Key == "" && m.shards != nil && m.cfg.Numbers.Counted() {
		err = invalid("a store with shards needs the Key of the number: set it, or call Begin")
	}
	if err != nil {
		return Verification{}, &Error{ID: invalidID, Err: err}
	}
	if err := m.enter(); err != nil {
		return Verification{}, &Error{ID: n.ID, Err: err}
	}
	defer m.leave()
	now := m.now()
	s := n.snapshot(now, m.cfg.Limits)
	var d decision
	d.begin(&s, now, m.cfg.Limits)
	d.finish()
	if err := m.claim(ctx, &d, m.store.Create); err != nil {
		return Verification{}, &Error{ID: n.ID, Err: err}
	}
	return d.view(m.cfg.Limits), nil
}

// Begin creates a verification and submits its application. It does what Create and
// Submit do, with one commit less: that of the creation is that of the intent. The
// Step of the application must be 0. Begin is for hosts that have the form when the
// verification begins, and ask for it again where it is refused.
//
// The result is Submit's. With ErrPending the verification exists, and so it does with
// ErrStale, which is as for Submit. With every other error there is none and nothing was
// sent: ErrExists, ErrKeyInUse and ErrOtherShard as for Create, ErrInvalid,
// ErrConsentRequired, ErrTooMany where a budget of the number is used up, ErrClosed,
// ErrStore, that of a Prechecker, and that of the context. Only after ErrStore, and where
// the context ended while the store was asked, the verification may exist all the same;
// then nothing was sent, and Run settles it as unknown.
//
// Begin takes over the Secrets of the application and destroys them.
func (m *Machine) Begin(ctx context.Context, n NewVerification, a Apply) (Verification, error) {
	s := &submission{Machine: m, in: a, inputFields: a.fields()}
	ctx, s.done = m.cfg.Observer.submit(ctx, InputApply)
	s.fold()
	if n.Key == "" && m.shards != nil {
		n.Key = m.cfg.Limits.budgets.keyOf(s.form.Phone.reveal())
	}
	err := n.prepare(m)
	if s.id = n.ID; err != nil {
		s.id = invalidID
		return s.refused(&snapshot{}, err)
	}
	if err := m.enter(); err != nil {
		return s.refused(&snapshot{}, err)
	}
	defer m.leave()
	if err = a.check(&s.inputFields); err == nil {
		err = s.precheck(ctx)
	}
	if err == nil {
		err = m.acquireInFlight(ctx)
	}
	if err != nil {
		return s.refused(&snapshot{}, err)
	}
	return s.run(ctx, func(ctx context.Context) error { return s.create(ctx, n) })
}

// PlaceID returns what NewVerification.ID must be for an id of the host's own: on a store
// with shards, the id with the place of the number's Key in front, so that both are on one
// shard; else the id itself. The same id and Key have the same result in every process.
func (m *Machine) PlaceID(id, key string) string {
	if m.shards == nil {
		return id
	}
	return m.shards.PlaceID(id, key)
}

// create commits a verification with the intent of its application.
func (s *submission) create(ctx context.Context, n NewVerification) error {
	fresh := n.snapshot(s.now(), s.cfg.Limits)
	var d decision
	err := s.intend(&d, &fresh)
	if err == nil {
		err = s.claim(ctx, &d, s.store.Create)
	}
	if err == nil {
		s.intended = d.snapshot
	}
	return err
}

// prepare checks n, and makes an ID if it has none.
func (n *NewVerification) prepare(m *Machine) error {
	if n.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("carrierfsm: no random numbers: %w", err)
		}
		n.ID = m.PlaceID(id.String(), n.Key)
	}
	return n.check()
}

// snapshot is the verification before its first commit.
func (n *NewVerification) snapshot(now time.Time, l Limits) snapshot {
	s := snapshot{
		Record: Record{ID: n.ID, Key: n.Key, State: Created, Created: now},
		body:   body{Reference: n.Reference, Ask: PromptApplication, Since: now, Life: now.Add(l.Life)},
	}
	if l.budgets.numbers.Counted() {
		s.Number = n.Key
	}
	return s
}

func (n *NewVerification) check() error {
	err := firstError(checkName("id", n.ID, maxName), checkReference(n.Reference))
	if err != nil || n.Key == "" {
		return err
	}
	return checkName("key", n.Key, maxName)
}
