package carrierfsm

import (
	"errors"
	"strconv"
)

// The reasons for which an operation is refused or fails. Test with
// errors.Is; what surrounds them is an *Error that tells where.
var (
	// ErrNotFound is returned when no verification has this id.
	ErrNotFound = errors.New("carrierfsm: no such verification")
	// ErrExists is returned when Create meets an id that is taken.
	ErrExists = errors.New("carrierfsm: the id is taken")
	// ErrKeyInUse is returned when Create meets a key that a live verification holds.
	ErrKeyInUse = errors.New("carrierfsm: a live verification holds this key")
	// ErrConflict is returned by a Store whose record has another version than
	// expected, and by the machine when it lost that race too often to go on.
	ErrConflict = errors.New("carrierfsm: the verification was changed meanwhile")
	// ErrInvalid is returned for an input that could not be right in any state:
	// an empty code, one of ten megabytes, a phone number with letters, no step.
	ErrInvalid = errors.New("carrierfsm: invalid input")
	// ErrConsentRequired is returned when Apply carries no complete consent.
	ErrConsentRequired = errors.New("carrierfsm: the person's consent is required")
	// ErrPending means accepted: the caller's context ended first, or a
	// cancellation waits for the call under way. The result comes by Get.
	ErrPending = errors.New("carrierfsm: accepted, the result is not known yet")
	// ErrInFlight is returned, and nothing was sent, when another submission is under way.
	ErrInFlight = errors.New("carrierfsm: another submission is under way")
	// ErrStale is returned, and nothing was sent, when the input answers an older prompt.
	ErrStale = errors.New("carrierfsm: the input answers an older prompt")
	// ErrNotAwaited is returned when the verification does not ask for this kind of input.
	ErrNotAwaited = errors.New("carrierfsm: this input is not awaited")
	// ErrTooMany is returned when no attempts or resends are left.
	ErrTooMany = errors.New("carrierfsm: no attempts left")
	// ErrTooSoon is returned when a resend is asked for before its time.
	ErrTooSoon = errors.New("carrierfsm: too soon to send another code")
	// ErrPasswordNeeded is returned, and nothing was sent, when a code needs
	// the password beside it and this process has none: it was restarted, or
	// another replica holds it. Submit the code again with Carry or Password.
	ErrPasswordNeeded = errors.New("carrierfsm: the password is needed beside the code")
	// ErrNewerTable is returned for a record that a newer build wrote.
	ErrNewerTable = errors.New("carrierfsm: the record needs a newer table")
	// ErrSealed is returned for a record that this machine's Sealer can't open.
	ErrSealed = errors.New("carrierfsm: the record can't be opened")
	// ErrCorrupt is returned for a record whose body is not one of ours.
	ErrCorrupt = errors.New("carrierfsm: the record can't be read")
	// ErrStore is returned when the store failed; nothing was sent unless
	// ErrPending matches too.
	ErrStore = errors.New("carrierfsm: the store failed")
	// ErrLedByOther is returned by an Outbox while another replica leads a cursor.
	ErrLedByOther = errors.New("carrierfsm: another replica leads this handler")
	// ErrLeaseLost is returned by an Outbox to whoever leads a cursor no more.
	ErrLeaseLost = errors.New("carrierfsm: the lease is lost")
	// ErrNoOutbox is returned for what needs an Outbox where the store is none.
	ErrNoOutbox = errors.New("carrierfsm: the store is no Outbox")
	// ErrNoSurveyor is returned by Survey where the store is no Surveyor.
	ErrNoSurveyor = errors.New("carrierfsm: the store is no Surveyor")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("carrierfsm: the machine is closed")
	// ErrNotSent is what an Upstream returns, wrapped, when it is certain that
	// no byte of the request was written.
	ErrNotSent = errors.New("carrierfsm: not sent")
)

// Error tells where an operation was refused or failed. It carries nothing
// personal, so it may be logged.
type Error struct {
	// ID names the verification.
	ID string
	// State and Step are where it stood; empty and 0 where that is not known.
	State State
	Step  int
	// Input is what was submitted, empty for other operations.
	Input InputKind
	// Err is which of the sentinels, perhaps wrapped.
	Err error
}

// Error reads like "carrierfsm: no attempts left (id v1, awaiting_password, step 4, password)".
func (e *Error) Error() string {
	s := e.Err.Error() + " (id " + e.ID
	if e.State != "" {
		s += ", " + string(e.State) + ", step " + strconv.Itoa(e.Step)
	}
	if e.Input != "" {
		s += ", " + string(e.Input)
	}
	return s + ")"
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
