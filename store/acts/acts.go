// Package acts is the log of what operators did and looked at: who, when, what, to which
// verification, why, and with which outcome. It is apart from the verifications, so it
// stays when one is erased or purged. All stores of this module keep it.
//
// An act that changes something is logged before it is done: [Do]. It is one row, and its
// outcome is written once, after it. A row without an outcome is an act that is going on,
// or one whose process died: it may have been done or not, and the history of the
// verification says which. With a second row for the outcome every reader would have to
// match the two.
package acts

import (
	"context"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// The errors of acts.
var (
	// ErrNotLogged is that an act could not be logged before it was done, and was not
	// done for that reason.
	ErrNotLogged = errors.New("acts: it can't be logged, so it was not done")
	// ErrOutcomeNotLogged is that an act was done, and its outcome could not be logged.
	ErrOutcomeNotLogged = errors.New("acts: it was done, and its outcome can't be logged")
)

// Kind is what an operator did. A host may have kinds of its own.
type Kind string

// The kinds of acts that change something.
const (
	Cancel Kind = "cancel"
	Expire Kind = "expire"
	Erase  Kind = "erase"
	// Replay has a handler called again.
	Replay Kind = "replay"
	// Reseal seals again with the first key.
	Reseal Kind = "reseal"
	// Purge deletes verifications that ended long ago.
	Purge Kind = "purge"
	// PurgeActs deletes old acts from this log.
	PurgeActs Kind = "purge_acts"
	// AfterRestore makes a restored backup ready.
	AfterRestore Kind = "after_restore"
)

// The kinds of acts that only look.
const (
	// Show reads one verification.
	Show Kind = "show"
	// List reads a list.
	List Kind = "list"
	// Find looks for the verification of a number or of a reference, which is not noted.
	Find Kind = "find"
	// Export reads a list into a file.
	Export Kind = "export"
)

// Looking are the kinds that change nothing.
func Looking() []Kind { return []Kind{Show, List, Find, Export} }

// Changing are the kinds that change something.
func Changing() []Kind {
	return []Kind{Cancel, Expire, Erase, Replay, Reseal, Purge, PurgeActs, AfterRestore}
}

// Outcome is how an act ended: one of the constants.
type Outcome string

// The outcomes.
const (
	// Done: it was done.
	Done Outcome = "done"
	// Pending: it takes effect when a call under way is settled.
	Pending Outcome = "pending"
	// Refused: it was not done, as the verification's state or the request did not
	// allow it.
	Refused Outcome = "refused"
	// Failed: an error ended it. What Count says was done, and perhaps one more.
	Failed Outcome = "failed"
)

// MaxReason bounds a reason, in bytes.
const MaxReason = 512

// Act is one row of the log. None of its values is a number or a secret of a person.
type Act struct {
	// ID names the act. It is as the ID of a carrierfsm.Record; Do and Look make one.
	ID string `json:"id"`
	// At is when it was logged, by the store's clock. LogAct ignores what is given.
	At time.Time `json:"at"`
	// Operator is who acted: a name as carrierfsm.ByOperator takes it.
	Operator string `json:"operator"`
	// Kind is what was done. It is a word, as a State of a Record is.
	Kind Kind `json:"kind"`
	// Verification and Handler are the one that it was done to; empty if there was none,
	// or if there were many.
	Verification string `json:"verification,omitempty"`
	Handler      string `json:"handler,omitempty"`
	// Step is the one from which a handler is called again, else zero.
	Step int `json:"step,omitempty"`
	// Count is to how many verifications it was to be done, and with an Outcome to how
	// many it was.
	Count int `json:"count"`
	// Outcome is how it ended; empty until then. Ended is when, by the store's clock.
	Outcome Outcome   `json:"outcome,omitempty"`
	Ended   time.Time `json:"ended,omitzero"`
	// Reason is the operator's own text: at most MaxReason bytes of UTF-8 without control
	// characters. Do and Look hide the numbers in it.
	Reason string `json:"reason,omitempty"`
}

// Log is a further power of a carrierfsm.Store. All stores of this module have it. The
// rules of carrierfsm.Store on contexts, values and closing apply here too. Nothing but
// PurgeActs deletes an act: not Erase or Purge of its verification.
type Log interface {
	// LogAct inserts an act. It returns carrierfsm.ErrExists if its ID is taken. Of an
	// act that has an Outcome, Ended is At.
	LogAct(ctx context.Context, a Act) error

	// EndAct sets the outcome of an act, which must not be empty, and its count, once. It
	// returns carrierfsm.ErrConflict if the act has an outcome, and
	// carrierfsm.ErrNotFound if there is no such act.
	EndAct(ctx context.Context, id string, outcome Outcome, count int) error

	// Acts returns the acts that match q, newest first, ties by descending ID.
	Acts(ctx context.Context, q Query) ([]Act, error)

	// PurgeActs deletes at most limit acts that were logged before the given time, the
	// oldest ones, and returns how many.
	PurgeActs(ctx context.Context, before time.Time, limit int) (int, error)
}

// Query selects acts. The zero value selects all.
type Query struct {
	// Operator, Verification and Handler, where not empty, are those to select.
	Operator, Verification, Handler string
	// Kinds, where not empty, are the kinds to select.
	Kinds []Kind
	// Open selects only acts without an outcome.
	Open bool
	// Since and Before, where set, bound the time at which an act was logged; Before is
	// exclusive.
	Since, Before time.Time
	// After continues after the last act of the page before: its At and ID.
	After carrierfsm.PageKey
	// Limit is the most acts to return. Zero or less means 100.
	Limit int
}
