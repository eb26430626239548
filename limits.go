package carrierfsm

import (
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

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

// numberBudgets are Config.Numbers and Config.Budgets. All that follows is pure: what an
// input spends of its number's budgets, and what of that a reply gives back. See package
// budget.
type numberBudgets struct {
	numbers budget.Numbers
	limits  budget.Limits
}

// keyOf returns the key of a phone number; empty where nothing is counted.
func (b *numberBudgets) keyOf(phone string) string {
	if !b.numbers.Counted() {
		return ""
	}
	key, err := b.numbers.Key(phone)
	if err != nil {
		return ""
	}
	return key
}

// charges is what an input spends: one of each of the kinds. begins is set for an input
// that does not answer a code.
type charges struct {
	kinds  [3]budget.Kind
	begins bool
}

// chargesOf returns what an input spends. Each request that is sent with a password
// may be the one that the operator counts as wrong, and each after which a code may
// follow may make it send one.
func chargesOf(kind InputKind, sendsPassword bool) (c charges) {
	switch kind {
	case InputApply:
		c.kinds[0] = budget.Applications
		return c
	case InputPassword, InputResendCaptcha, InputRequestReset:
		c.begins = true
	case InputQueryPassword:
		c.kinds[2], c.begins = budget.QueryPasswords, true
	case InputCaptcha, InputResetCaptcha:
	default:
		return c
	}
	c.kinds[0] = budget.Texts
	if sendsPassword {
		c.kinds[1] = budget.Passwords
	}
	return c
}

// spends appends what the input spends at a time under a key.
func (b *numberBudgets) spends(key string, now time.Time, c charges) (list []budget.Spend) {
	if key == "" {
		return nil
	}
	for _, k := range c.kinds {
		if k == "" {
			continue
		}
		limit := b.limits.Of(k)
		if k == budget.Texts && c.begins {
			limit = max(1, limit-1) // the last one is for the answer to the code
		}
		list = append(list, budget.Spend{Key: key, Kind: k, At: now, N: 1, Window: budget.Day, Limit: limit})
	}
	return list
}

// over returns the error of the budget for which an input would be refused at a time: of
// several the one that lasts the longest, of none nil.
func (b *numberBudgets) over(ledger budget.Ledger, key string, now time.Time, kind InputKind) (longest *budget.ExceededError) {
	sendsPassword := kind == InputPassword || kind == InputQueryPassword || kind == InputCaptcha
	for _, s := range b.spends(key, now, chargesOf(kind, sendsPassword)) {
		if e := (*budget.ExceededError)(nil); errors.As(ledger.Exceeded(s), &e) {
			longest = longer(longest, e)
		}
	}
	return longest
}

// longer returns the error that lasts longer; one without a time lasts for ever.
func longer(a, b *budget.ExceededError) *budget.ExceededError {
	if a == nil || b != nil && !a.Until.IsZero() && (b.Until.IsZero() || b.Until.After(a.Until)) {
		return b
	}
	return a
}

type events map[Event]bool

// givenBack has, for each kind of budget, the events that show that the request spent
// nothing of it after all: the password was not wrong, or no text was sent. After any
// other event it stays spent.
var givenBack = map[budget.Kind]events{
	budget.Passwords: {
		CaptchaRequested: true, OwnSMSRequested: true, CaptchaRejected: true, CaptchaReissued: true,
		QueryPasswordRequested: true, QueryPasswordRejected: true, ResetRequired: true, ResetUnsupported: true,
		SourceCollected: true, CollectionStarted: true,
	},
	budget.QueryPasswords: {
		CaptchaRequested: true, OwnSMSRequested: true, CaptchaRejected: true, CaptchaReissued: true,
		PasswordRejected: true, ResetRequired: true, ResetUnsupported: true,
		SourceCollected: true, CollectionStarted: true,
	},
	budget.Texts: {
		PasswordRejected: true, QueryPasswordRequested: true, QueryPasswordRejected: true,
		OwnSMSRequested: true, CaptchaRejected: true, ResetRequired: true, ResetUnsupported: true, NewPasswordRejected: true,
		SourceCollected: true, CollectionStarted: true,
	},
}

// proves reports whether an event shows that the person has the number: the operator
// accepted the password, or a code for its reset. A password that is too weak need not
// have been compared.
func (e Event) proves(call Call) bool {
	accepted := givenBack[budget.Passwords][e] && e != ResetRequired && e != ResetUnsupported
	return e == PasswordReset || call == CallCollect && accepted
}
