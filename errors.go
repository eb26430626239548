package carrierfsm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The reasons for which an operation is refused or fails. Test with errors.Is;
// most operations wrap them in an *Error that says where.
var (
	// ErrNotFound is returned when no verification has this id.
	ErrNotFound = errors.New("carrierfsm: no such verification")
	// ErrExists is returned by Create and Begin when the id is taken.
	ErrExists = errors.New("carrierfsm: the id is taken")
	// ErrKeyInUse is returned by Create and Begin, with budget.None, when a live
	// verification has the key, and by a Store when another record has it.
	ErrKeyInUse = errors.New("carrierfsm: a live verification has this key")
	// ErrConflict is returned by a Store whose record has another version than
	// expected, and by a Machine that met such conflicts too often in a row.
	ErrConflict = errors.New("carrierfsm: the verification was changed by another writer")
	// ErrInvalid is returned for an input that could not be right in any state:
	// a text without a code, a phone number with letters, no step. An error of
	// package typed, which it then matches too, says which field can't be read.
	ErrInvalid = errors.New("carrierfsm: invalid input")
	// ErrConsentRequired is returned when Apply carries no complete consent.
	ErrConsentRequired = errors.New("carrierfsm: the person's consent is required")
	// ErrPending means that the input was accepted and its outcome is not known
	// yet: the caller's context ended first, or a cancellation waits for the
	// call that is under way. Get returns the outcome later.
	ErrPending = errors.New("carrierfsm: accepted, the outcome is not known yet")
	// ErrInFlight is returned when another submission is under way. Nothing was sent.
	ErrInFlight = errors.New("carrierfsm: another submission is under way")
	// ErrStale is returned when the input answers an older prompt: nothing was sent. It is
	// also returned when the reply came too late: see Machine.Submit.
	ErrStale = errors.New("carrierfsm: the input answers an older prompt")
	// ErrNotAwaited is returned when the verification does not ask for this kind of input.
	ErrNotAwaited = errors.New("carrierfsm: this input is not awaited")
	// ErrTooMany is returned when no attempts or resends are left. Where a budget of the
	// number is used up, the error also is a *budget.ExceededError, which says until when.
	ErrTooMany = errors.New("carrierfsm: no attempts left")
	// ErrTooSoon is returned when a resend is asked for before its time.
	ErrTooSoon = errors.New("carrierfsm: too soon to send another code")
	// ErrPasswordNeeded is returned when a code must be sent with the password
	// and this process does not have it: it was restarted, or another replica
	// has it. Nothing was sent. Submit the code again with Carry or Password.
	ErrPasswordNeeded = errors.New("carrierfsm: the code must be sent with the password")
	// ErrNewerTable is returned for a record that a newer build wrote.
	ErrNewerTable = errors.New("carrierfsm: a newer build wrote the record")
	// ErrSealed is returned for a record that this machine's Sealer can't open.
	ErrSealed = errors.New("carrierfsm: the record can't be unsealed")
	// ErrForged is returned for a record or a history that something else than a
	// Machine changed: its text names the columns or steps that do not fit the seal.
	// It matches ErrSealed too.
	ErrForged = fmt.Errorf("%w: what is stored does not fit the seal", ErrSealed)
	// ErrCorrupt is returned for a record that this package did not write.
	ErrCorrupt = errors.New("carrierfsm: the record is corrupt")
	// ErrStore is returned when the store failed, or did not answer in time.
	// Nothing was sent, unless the error matches ErrPending too. If the caller's
	// context has ended, its error is returned instead.
	ErrStore = errors.New("carrierfsm: the store failed")
	// ErrClosed is returned by a closed Machine and a closed Store. A Machine and an
	// outbox.Dispatcher also return it when their Store is closed.
	ErrClosed = errors.New("carrierfsm: closed")
	// ErrOtherShard is returned where a verification would need two shards of a store:
	// by Create and Begin for an ID of the host's own and a Key whose place is on another
	// shard (see Machine.PlaceID), and by Submit of an Apply whose form has a number that
	// Create did not know.
	ErrOtherShard = errors.New("carrierfsm: the id and the number's key belong on different shards")
	// ErrMoved is returned for a write to a shard that was moved to another database
	// since this process began, and for a submission to a shard that is about to be moved
	// and takes no new ones. Nothing was written, and nothing sent. It comes with ErrStore.
	ErrMoved = errors.New("carrierfsm: the shard was moved, or is being moved, to another database")
	// ErrNotSent is what an Upstream returns, wrapped, when it is certain that
	// no byte of the request was written.
	ErrNotSent = errors.New("carrierfsm: not sent")
)

// forged is the error for what does not fit its seal.
func forged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrForged, fmt.Sprintf(format, args...))
}

// Error says where an operation was refused or failed. It contains nothing
// personal, so it may be logged.
type Error struct {
	// ID names the verification.
	ID string
	// State and Step are those of the verification; empty and 0 where not known.
	State State
	Step  int
	// Input is what was submitted, empty for other operations.
	Input InputKind
	// Err is one of the sentinels, possibly wrapped.
	Err error
}

// Error reads like "carrierfsm: no attempts left (id v1, awaiting_password, step 4, password)".
func (e *Error) Error() string {
	var where []string
	if e.ID != invalidID { // which the text of Err is about
		where = append(where, "id "+e.ID)
	}
	if e.State != "" {
		where = append(where, string(e.State), "step "+strconv.Itoa(e.Step))
	}
	if e.Input != "" {
		where = append(where, string(e.Input))
	}
	s := withoutPackages.Replace(e.Err.Error())
	if len(where) == 0 {
		return s
	}
	return s + " (" + strings.Join(where, ", ") + ")"
}

// invalidID stands in errors for an id that may not be printed.
const invalidID = "(invalid)"

// withoutPackages removes the names of packages inside a text, where one of our
// errors wraps another.
var withoutPackages = strings.NewReplacer(": carrierfsm: ", ": ", ": typed: ", ": ")

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// ShardsError is returned with what a read of several shards found, where some did not
// answer. It matches ErrStore. It contains nothing personal.
type ShardsError struct {
	// Shards are the names of those that did not answer, in the order of the store.
	Shards []string
	// Err is why, joined where there are several.
	Err error
}

// Error reads like "carrierfsm: no answer from the shards b, c: …".
func (e *ShardsError) Error() string {
	return withoutPackages.Replace("carrierfsm: no answer from the shards " + strings.Join(e.Shards, ", ") + ": " + e.Err.Error())
}

// Unwrap returns ErrStore and Err.
func (e *ShardsError) Unwrap() []error { return []error{ErrStore, e.Err} }
