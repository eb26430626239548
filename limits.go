package carrierfsm

import (
	"fmt"
	"time"
)

// Limits bound a verification. Zero fields take their defaults; negative ones
// are refused by New.
type Limits struct {
	// Applications is how often the form may be handed in. Defaults to 3.
	Applications int
	// Passwords is how many service passwords may be tried per source.
	// Operators lock a number after about 3 wrong ones. Defaults to 2.
	Passwords int
	// QueryPasswords is how many query passwords may be tried per source. Defaults to 3.
	QueryPasswords int
	// Captchas is how many codes of each kind may be tried per source. Defaults to 3.
	Captchas int
	// Resends is how often another code may be asked for per source. Defaults to 3.
	Resends int
	// Resets is how often a password reset may be begun per source. Defaults to 2.
	Resets int
	// ResendAfter is the time from one code to the next. Defaults to 60 s.
	ResendAfter time.Duration
	// CodeLife is how long a code is waited for before the person is told that
	// it is too old. Defaults to 5 min.
	CodeLife time.Duration
	// IdleLife is how long upstream keeps a token that is not used. Defaults to 10 min.
	IdleLife time.Duration
	// Life is how long a verification may take as a whole. Defaults to 30 min.
	Life time.Duration
	// ReportMin is when a report is first asked for after the end, and the first
	// interval; intervals double up to ReportMax. Default to 30 s and 10 min.
	ReportMin, ReportMax time.Duration
	// ReportLife is how long upstream may say that a report is not there yet,
	// before that counts as failed. Defaults to 24 h.
	ReportLife time.Duration

	reports bool // a Reporter is there
}

// maxSteps ends a verification that upstream leads around in circles.
const maxSteps = 50

// withDefaults fills zero fields and refuses negative ones.
func (l Limits) withDefaults() (Limits, error) {
	for _, f := range []struct {
		field    *int
		standard int
	}{{&l.Applications, 3}, {&l.Passwords, 2}, {&l.QueryPasswords, 3}, {&l.Captchas, 3}, {&l.Resends, 3}, {&l.Resets, 2}} {
		if err := orDefault(f.field, f.standard); err != nil {
			return l, err
		}
	}
	for _, f := range []struct {
		field    *time.Duration
		standard time.Duration
	}{{&l.ResendAfter, time.Minute}, {&l.CodeLife, 5 * time.Minute}, {&l.IdleLife, 10 * time.Minute}, {&l.Life, 30 * time.Minute}, {&l.ReportMin, 30 * time.Second}, {&l.ReportMax, 10 * time.Minute}, {&l.ReportLife, 24 * time.Hour}} {
		if err := orDefault(f.field, f.standard); err != nil {
			return l, err
		}
	}
	return l, nil
}

// orDefault puts the standard in the place of zero.
func orDefault[T int | time.Duration](field *T, standard T) error {
	if *field < 0 {
		return fmt.Errorf("%w: a negative limit in Config", ErrInvalid)
	}
	if *field == 0 {
		*field = standard
	}
	return nil
}

// attempts is how many answers a kind of prompt may be given.
func (l Limits) attempts(k PromptKind) int {
	switch k {
	case PromptApplication:
		return l.Applications
	case PromptPassword:
		return l.Passwords
	case PromptQueryPassword:
		return l.QueryPasswords
	default:
		return l.Captchas
	}
}
