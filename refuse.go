package carrierfsm

import "time"

// refuse returns why an input can't be accepted now; nil if it can.
func (s *snapshot) refuse(kind InputKind, f *inputFields, now time.Time, l Limits) error {
	switch {
	case s.State.Terminal():
		return ErrNotAwaited
	case kind == InputCancel:
		return nil
	case s.Intent != nil:
		return ErrInFlight
	case f.step < s.Step:
		return ErrStale
	case f.step > s.Step:
		return invalid("the input answers a prompt that does not exist yet")
	case kind == InputResendCaptcha:
		return s.refuseResend(now, l)
	case kind == InputRequestReset:
		return s.refuseReset(l)
	case kind == InputSkipSource:
		return s.refuseSkip()
	case kind == InputPassword && s.Ask == PromptResetCaptcha: // leaves the reset
	case answeredBy[s.Ask] != kind:
		return ErrNotAwaited
	}
	if kind == InputResetCaptcha {
		if err := s.refuseNewPassword(f.newPassword); err != nil {
			return err
		}
	}
	if kind == InputApply {
		if err := s.refuseNumber(f.form, l); err != nil {
			return err
		}
	}
	for _, k := range s.counts(kind, f) {
		if k != "" && s.Attempts.of(k) >= l.attempts(k) {
			return ErrTooMany
		}
	}
	return nil
}

func (s *snapshot) refuseResend(now time.Time, l Limits) error {
	switch {
	case !s.Ask.resendable():
		return ErrNotAwaited
	case s.Resends >= l.Resends:
		return ErrTooMany
	case now.Before(s.ResendAt):
		return ErrTooSoon
	}
	return nil
}

func (s *snapshot) refuseReset(l Limits) error {
	switch {
	case s.Ask != PromptPassword || !s.At.ResetMethod.possible():
		return ErrNotAwaited
	case s.Resets >= l.Resets:
		return ErrTooMany
	}
	return nil
}

func (s *snapshot) refuseSkip() error {
	switch {
	case s.Ask == PromptApplication:
		return ErrNotAwaited
	case s.Skipping:
		return ErrTooMany
	}
	return nil
}

// refuseNewPassword refuses a new password where the source takes none, and a
// missing one where it wants one.
func (s *snapshot) refuseNewPassword(newPassword Secret) error {
	wanted := s.At.ResetMethod == ResetWithNewPassword
	switch {
	case wanted && newPassword.Empty():
		return invalid("the new password is missing")
	case !wanted && !newPassword.Empty():
		return invalid("the source takes no new password")
	}
	return nil
}

// refuseNumber refuses a form with another number than that of the verification's key.
func (s *snapshot) refuseNumber(form Form, l Limits) error {
	if s.Number != "" && l.budgets.keyOf(form.Phone.reveal()) != s.Number {
		return invalid("the form's number is not that of the verification's Key")
	}
	return nil
}

// counts returns the kinds of prompt at which an input counts as an attempt:
// that of the prompt, and the password where it is typed again with a code.
// Empty kinds count nothing.
func (s *snapshot) counts(kind InputKind, f *inputFields) [2]PromptKind {
	switch {
	case kind == InputResendCaptcha, kind == InputRequestReset, kind == InputSkipSource:
		return [2]PromptKind{}
	case kind == InputPassword:
		return [2]PromptKind{PromptPassword}
	case kind == InputCaptcha && !f.password.Empty():
		return [2]PromptKind{s.Ask, PromptPassword}
	default:
		return [2]PromptKind{s.Ask}
	}
}
