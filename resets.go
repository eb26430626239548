package carrierfsm

// RequestReset begins a reset of the service password, at a prompt for the
// password whose Reset tells that the source allows it. The operator sends a
// code, which PromptResetCaptcha asks for. See Limits.Resets.
type RequestReset struct {
	// Step is that of the prompt.
	Step int
}

// ResetCaptcha answers a prompt for the code of a password reset. Once the
// password is reset it is asked for anew.
type ResetCaptcha struct {
	// Step is that of the prompt.
	Step int
	// Code is used once.
	Code Secret
	// NewPassword is required where Prompt.NeedsNewPassword says so, and must be
	// empty elsewhere: there the operator texts a password of its own.
	// Operators want 6 to 8 digits.
	NewPassword Secret
}

// SkipSource leaves the present source out, where Prompt.Skip says that it can
// be: at any prompt but that for the form. Upstream goes on to the next one, or
// ends: done then means that nothing of this source is collected.
//
// Upstream is not told which source is meant, so a skip that has perhaps been
// received is not repeated, with ErrTooMany: the next source might be left out.
// Once upstream has answered anything about this source it can be skipped again.
type SkipSource struct {
	// Step is that of the prompt.
	Step int
}

// Kind returns InputRequestReset.
func (RequestReset) Kind() InputKind { return InputRequestReset }

// Kind returns InputResetCaptcha.
func (ResetCaptcha) Kind() InputKind { return InputResetCaptcha }

// Kind returns InputSkipSource.
func (SkipSource) Kind() InputKind { return InputSkipSource }

func (in RequestReset) parts() parts { return parts{step: in.Step} }
func (in SkipSource) parts() parts   { return parts{step: in.Step} }
func (in ResetCaptcha) parts() parts {
	return parts{step: in.Step, captcha: in.Code, chosen: in.NewPassword}
}

func (in RequestReset) check() error { return checkStep(in.Step) }
func (in SkipSource) check() error   { return checkStep(in.Step) }
func (in ResetCaptcha) check() error {
	err := firstError(checkStep(in.Step), checkSecret("code", in.Code))
	if err != nil || in.NewPassword.Empty() {
		return err
	}
	return checkSecret("new password", in.NewPassword)
}

// refuseReset tells why a reset can't begin now.
func (o *opened) refuseReset(l Limits) error {
	switch {
	case o.Ask != PromptPassword || !o.At.ResetMethod.possible():
		return ErrNotAwaited
	case o.Resets >= l.Resets:
		return ErrTooMany
	}
	return nil
}

// refuseSkip tells why the source can't be left out now.
func (o *opened) refuseSkip() error {
	switch {
	case o.Ask == PromptApplication:
		return ErrNotAwaited
	case o.Skipping:
		return ErrTooMany
	}
	return nil
}

// refuseNewPassword sees that a new password comes where one is wanted, and
// only there.
func (o *opened) refuseNewPassword(chosen Secret) error {
	if needs := o.At.ResetMethod == ResetWithNewPassword; needs == chosen.Empty() {
		return invalid("a new password is wanted, or is not")
	}
	return nil
}
