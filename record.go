package carrierfsm

import (
	"cmp"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/binding"
)

// snapshot is a record with its body decoded. Decisions read it and return the
// next one; they never change it.
type snapshot struct {
	Record
	body
	chain chain // zero without a Sealer
}

// chain binds the history to the body: it is in the plaintext of a bound body.
type chain struct {
	// Head is the link of the latest transition.
	Head binding.Link
	// From is the last step that the chain does not cover, because its entry was
	// written before the body was bound, or because Unproven.
	From int
	// Unproven is set if the history up to From could not be checked when it was erased.
	Unproven bool
}

// body is what a record holds beyond its columns. It is stored as JSON, sealed
// where a Sealer is configured. It never holds a password or a code. The names
// of its members are the stored format: see codecjson.go.
type body struct {
	// Reference is the host's.
	Reference string `json:"reference,omitempty"`

	// Number is the key that the host gave; the form's number must have it. Empty
	// where it gave none, or nothing is counted.
	Number string `json:"number,omitempty"`
	// Proved is true once a password was accepted, or was reset with a code.
	Proved bool `json:"proved,omitempty"`

	// The person's run at upstream.
	Account string   `json:"account,omitempty"`
	Token   string   `json:"token,omitempty"`
	At      Source   `json:"source,omitzero"`
	Cursor  []byte   `json:"cursor,omitempty"`
	Consent *Consent `json:"consent,omitempty"`

	// Since is when the state was entered from another one; zero after the end.
	Since time.Time `json:"since,omitzero"`

	// The present prompt.
	Ask      PromptKind `json:"ask,omitempty"`
	Message  string     `json:"message,omitempty"`
	Code     time.Time  `json:"code,omitzero"`   // when the code expires
	ResendAt time.Time  `json:"resend,omitzero"` // when another code may be asked for
	Idle     time.Time  `json:"idle,omitzero"`   // when upstream drops the token
	Life     time.Time  `json:"life,omitzero"`   // when the verification expires

	// Sources is nil until there is more than one source.
	Sources *sources `json:"sources,omitempty"`

	// What this source has used up.
	Attempts attempts `json:"attempts,omitempty"`
	Resends  int      `json:"resends,omitempty"`
	Resets   int      `json:"resets,omitempty"`

	// Skipping is true while upstream may have received a request to skip this source.
	Skipping bool `json:"skipping,omitempty"`

	// PasswordStep is the step at which the password in use was submitted.
	PasswordStep int `json:"password_step,omitempty"`

	// Ended is how a verification that failed ended.
	Ended *ended `json:"ended,omitempty"`

	// Watch is set while the report of a verification that is done is awaited.
	Watch *watch `json:"watch,omitempty"`

	// Intent is the call that is about to be made, or is under way.
	Intent *intent `json:"intent,omitempty"`
	// Lost is an intent that the latest commit settled as unknown. A reply that
	// comes late is still accepted for it.
	Lost *intent `json:"lost,omitempty"`
}

// sources are the sources of a verification with several. Snapshots share it, so it is
// never changed in place.
type sources struct {
	// Collected are the names of those that are done.
	Collected []string `json:"collected,omitempty"`
	// Wanted is how many the form chose, without those that were skipped.
	Wanted int `json:"wanted,omitempty"`
}

// ended is an End, without what is computed.
type ended struct {
	Prompt   PromptKind `json:"prompt,omitempty"`
	After    Event      `json:"after,omitempty"`
	By       string     `json:"by,omitempty"`
	Replaced bool       `json:"replaced,omitempty"`
}

// intent is the durable note that a call upstream is about to be made.
type intent struct {
	// Version is the record's version that opened the intent.
	Version int64     `json:"version"`
	Call    Call      `json:"call"`
	Input   InputKind `json:"input"`
	At      time.Time `json:"at"`
	// Deadline is absolute: nothing is sent after it.
	Deadline time.Time `json:"deadline"`
	// Counted are the prompt kinds whose attempts the intent counted.
	Counted []PromptKind `json:"counted,omitempty"`
	// Spent is what the intent spent of the number's budgets, once each.
	Spent []budget.Kind `json:"spent,omitempty"`
	// Accepted is true when the password that it sends was accepted before, with the
	// request that led to the present prompt.
	Accepted bool `json:"accepted,omitempty"`
	// Canceled is true when a cancellation waits for the settlement.
	Canceled bool `json:"canceled,omitempty"`
	// By is the operator who canceled.
	By string `json:"by,omitempty"`
}

// watch is the progress of waiting for a report.
type watch struct {
	// Tries is how often the report was asked for.
	Tries int `json:"tries,omitempty"`
	// Until is when a report that is still pending counts as failed.
	Until time.Time `json:"until"`
}

// attempts counts attempts by the kind of prompt, in ascending order of the
// kinds. Snapshots share it, so it is never changed in place. It is stored as
// JSON stores a map.
type attempts []attemptCount

type attemptCount struct {
	Kind PromptKind
	N    int
}

func (a attempts) find(k PromptKind) (index int, found bool) {
	return slices.BinarySearchFunc(a, k, func(c attemptCount, k PromptKind) int { return cmp.Compare(c.Kind, k) })
}

// of returns the number of attempts at a kind.
func (a attempts) of(k PromptKind) int {
	if i, found := a.find(k); found {
		return a[i].N
	}
	return 0
}

// plus returns a copy with n more attempts at each of the kinds.
func (a attempts) plus(n int, kinds ...PromptKind) attempts {
	sum := make(attempts, len(a), len(a)+len(kinds))
	copy(sum, a)
	for _, k := range kinds {
		i, found := sum.find(k)
		if !found {
			sum = slices.Insert(sum, i, attemptCount{Kind: k})
		}
		sum[i].N += n
	}
	return sum
}

// touch makes s the next version of the record.
func (s *snapshot) touch(now time.Time) {
	s.Version++
	s.Updated = now
	s.Lost = nil
}

// isDue reports whether a deadline of the record has passed. The deadlines are those of
// the body. The column Due is for finding the record; of an open intent it also has the
// grace.
func (s *snapshot) isDue(now time.Time) bool {
	switch {
	case s.State.Terminal():
		return false
	case s.Intent != nil:
		return !now.Before(s.Intent.Deadline) && !now.Before(s.Due)
	default:
		end := s.deadline()
		return !end.IsZero() && !now.Before(end)
	}
}

// deadline is when the present prompt ends.
func (s *snapshot) deadline() time.Time {
	if s.Ask.asksForCode() {
		return earliest(s.Code, s.Idle, s.Life)
	}
	return earliest(s.Idle, s.Life)
}

// awaits reports whether the outcome of this intent can still be committed: the
// intent is open, or was settled as unknown by the latest commit and the outcome is
// a reply.
func (s *snapshot) awaits(in *intent, isReply bool) bool {
	if s.Intent != nil {
		return s.Intent.is(in)
	}
	return s.Lost != nil && s.Lost.is(in) && isReply && !s.State.Terminal()
}

// is reports whether both are one intent. The version alone does not say so: after a
// purge the id may be used again, and a standby that took over without the latest commits
// makes others of the same versions.
func (in *intent) is(other *intent) bool {
	return in.Version == other.Version && in.At.Equal(other.At)
}

// earliest returns the earliest of the times that are set; zero if none is.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// storeTime brings a time to what stores keep: whole microseconds, UTC, and not
// before or after what any sane clock shows.
func storeTime(t time.Time) time.Time {
	switch {
	case t.Before(firstTime):
		return firstTime
	case t.After(lastTime):
		return lastTime
	}
	return t.Truncate(time.Microsecond).UTC()
}
