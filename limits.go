package carrierfsm

import "time"

// Limits bound a verification. Zero fields take their defaults; New refuses
// negative ones.
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
	// ResendAfter is the least time between two codes. Defaults to 60 s.
	ResendAfter time.Duration
	// CodeLife is how long a code is awaited before captcha_expired. Defaults to 5 min.
	CodeLife time.Duration
	// IdleLife is how long upstream keeps a token that is not used. Defaults to 10 min.
	IdleLife time.Duration
	// Life is how long a verification may take in total. Defaults to 30 min.
	Life time.Duration
	// ReportMin is the time from the end to the first request for the report,
	// and the first interval between two; intervals double up to ReportMax.
	// Default to 30 s and 10 min.
	ReportMin, ReportMax time.Duration
	// ReportLife is how long a report may be pending before it counts as
	// failed. Defaults to 24 h.
	ReportLife time.Duration

	reports bool          // a Reporter is configured
	budgets numberBudgets // Config.Numbers and Config.Budgets
}

// maxSteps ends a verification that upstream sends around in circles.
const maxSteps = 50

// withDefaults sets zero fields to their defaults and refuses negative ones.
func (l Limits) withDefaults() (Limits, error) {
	err := firstError(
		orDefault(&l.Applications, 3),
		orDefault(&l.Passwords, 2),
		orDefault(&l.QueryPasswords, 3),
		orDefault(&l.Captchas, 3),
		orDefault(&l.Resends, 3),
		orDefault(&l.Resets, 2),
		orDefault(&l.ResendAfter, time.Minute),
		orDefault(&l.CodeLife, 5*time.Minute),
		orDefault(&l.IdleLife, 10*time.Minute),
		orDefault(&l.Life, 30*time.Minute),
		orDefault(&l.ReportMin, 30*time.Second),
		orDefault(&l.ReportMax, 10*time.Minute),
		orDefault(&l.ReportLife, 24*time.Hour),
	)
	return l, err
}

// attempts is how many answers may be given to prompts of a kind.
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
