// Package budget counts how often something is done for one phone number in a day,
// across verifications, processes and restarts: an operator locks a number after
// about three wrong passwords, and a stranger must not be able to have texts sent to
// it without end.
//
// A number is known by its key, which Numbers makes of it with a secret of the host.
// What is counted for a key is a Ledger. carrierfsm.Machine spends (Spend) in the
// commit of the intent, before the call, and gives back what the reply shows not to
// have been spent. A carrierfsm.Store keeps the ledgers.
package budget

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what is counted.
type Kind string

// The kinds.
const (
	// Passwords counts requests with a service password that may have been wrong: it
	// was rejected, or the reply does not show that it was right.
	Passwords Kind = "password"
	// QueryPasswords is Passwords for query passwords.
	QueryPasswords Kind = "query_password"
	// Texts counts requests that made the operator send a text message, or may have.
	Texts Kind = "text"
	// Applications counts forms that were handed in.
	Applications Kind = "application"
	// Places counts verifications that a newer one of the same number ended.
	Places Kind = "place"
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{Passwords, QueryPasswords, Texts, Applications, Places} }

// Day is the window: a Limit holds for every period of this length.
const Day = 24 * time.Hour

// Limits are how often each kind may be spent for one number within a Day. Zero
// fields take their defaults.
type Limits struct {
	// Passwords defaults to 2: operators lock a number after about 3 wrong ones.
	Passwords int
	// QueryPasswords defaults to 2.
	QueryPasswords int
	// Texts defaults to 8. The last one is kept for the answer to a code, which may
	// lead to a second code: a request that is no such answer is refused one earlier.
	Texts int
	// Applications defaults to 6.
	Applications int
	// Places defaults to 4.
	Places int
}

// WithDefaults returns the limits with their defaults. The error names a negative
// field.
func (l Limits) WithDefaults() (Limits, error) {
	for _, f := range []struct {
		limit    *int
		name     string
		standard int
	}{
		{&l.Passwords, "Passwords", 2},
		{&l.QueryPasswords, "QueryPasswords", 2},
		{&l.Texts, "Texts", 8},
		{&l.Applications, "Applications", 6},
		{&l.Places, "Places", 4},
	} {
		if *f.limit < 0 {
			return l, fmt.Errorf("budget: Limits.%s is negative", f.name)
		}
		if *f.limit == 0 {
			*f.limit = f.standard
		}
	}
	return l, nil
}

// Of returns the limit of a kind; 0 for an unknown one.
func (l Limits) Of(k Kind) int {
	switch k {
	case Passwords:
		return l.Passwords
	case QueryPasswords:
		return l.QueryPasswords
	case Texts:
		return l.Texts
	case Applications:
		return l.Applications
	case Places:
		return l.Places
	}
	return 0
}

// Spend is one change of a Ledger.
type Spend struct {
	// Key is that of the ledger: see Numbers.
	Key string
	// Kind is what is counted.
	Kind Kind
	// At is when it was spent, also where it is given back: it names what to take
	// away. It is a time as a store keeps it, in whole microseconds.
	At time.Time
	// N is how often: positive to spend, negative to give back.
	N int
	// Window is how long it is counted.
	Window time.Duration
	// Limit is the most that may be counted in the Window before At, with N. It does
	// not matter where something is given back.
	Limit int
}

// ErrInvalid is returned for a Spend that no machine makes.
var ErrInvalid = errors.New("budget: invalid spend")

// Check returns ErrInvalid unless a store has to take these spends in one commit: they
// have one key, of 1 to 128 bytes of printable ASCII without spaces, and kinds that
// differ and are not longer; each N is at most 1,000 either way and not 0; each window
// is positive and at most a year.
func Check(spends []Spend) error {
	for i, s := range spends {
		switch {
		case !isName(s.Key), !isName(string(s.Kind)):
			return fmt.Errorf("%w: its key or kind", ErrInvalid)
		case s.Key != spends[0].Key:
			return fmt.Errorf("%w: a second key", ErrInvalid)
		case s.N == 0 || s.N > 1000 || s.N < -1000:
			return fmt.Errorf("%w: its number", ErrInvalid)
		case s.Window <= 0 || s.Window > 366*Day:
			return fmt.Errorf("%w: its window", ErrInvalid)
		case s.At.UnixMicro() <= 0 || s.At.Year() > 9000:
			return fmt.Errorf("%w: its time", ErrInvalid)
		}
		for _, earlier := range spends[:i] {
			if earlier.Kind == s.Kind {
				return fmt.Errorf("%w: a kind twice", ErrInvalid)
			}
		}
	}
	return nil
}

func isName(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// ExceededError is returned for a spend that is over its limit. Nothing was spent.
type ExceededError struct {
	// Kind is what is used up.
	Kind Kind
	// Until is when it may be tried again. It is zero where the limit allows none.
	Until time.Time
}

// Error says what is used up.
func (e *ExceededError) Error() string {
	if e.Until.IsZero() {
		return "budget: the number's " + string(e.Kind) + " limit allows none"
	}
	return "budget: the number's daily " + string(e.Kind) + " limit is used up until " + e.Until.UTC().Format(time.RFC3339)
}
