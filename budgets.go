package carrierfsm

import (
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// This file is pure: what an input spends of the budgets of its number, and what of it
// a reply gives back. See package budget.

// numberBudgets are Config.Numbers and Config.Budgets.
type numberBudgets struct {
	numbers budget.Numbers
	limits  budget.Limits
}

// keyOf returns the key of a phone number; empty where nothing is counted.
func (b *numberBudgets) keyOf(phone string) string {
	key, err := b.numbers.Key(phone)
	if err != nil {
		return ""
	}
	return key
}

// charges is what an input spends of each kind. begins are those that are no answer to a code.
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

// over returns the budget that keeps an input from being submitted, and the longest;
// nil where none does.
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

// givenBack has the events that show that a request was none of a kind: its password
// was not wrong, no text was sent. All others leave it counted.
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
