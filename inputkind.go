package carrierfsm

// InputKind names what a host submits.
type InputKind string

// The kinds of input.
const (
	InputApply         InputKind = "apply"
	InputPassword      InputKind = "password"
	InputQueryPassword InputKind = "query_password"
	InputCaptcha       InputKind = "captcha"
	InputResendCaptcha InputKind = "resend_captcha"
	InputCancel        InputKind = "cancel"
	InputRequestReset  InputKind = "request_reset"
	InputResetCaptcha  InputKind = "reset_captcha"
	InputSkipSource    InputKind = "skip_source"
)
