package carrierfsm_test

import . "github.com/carrierfsm/carrierfsm"

// expectedReplies is the reply table as the documents tell it, written without
// looking at the one in replies.go. An empty column stands for anything; a
// leading "!" for anything but these words.
var expectedReplies = []expectedReply{
	// An application: section 4, and section 6 for the status of the source.
	{call: "apply", success: "yes", online: "yes", event: ApplicationAccepted},
	{call: "apply", success: "yes", online: "no", event: SourceUnsupported},
	{call: "apply", success: "no", event: ApplicationRejected},

	// Said to be collected already, where no code knows better: this website is
	// through, as with 10008. With success:false there is no code to know better.
	{call: "collect resend skip", success: "yes", already: "yes", code: noCode + " 0 30000", finish: "yes", event: CollectionStarted},
	{call: "collect resend skip", success: "yes", already: "yes", code: noCode + " 0 30000", finish: "no", next: "no", event: CollectionStarted},
	{call: "collect resend skip", success: "yes", already: "yes", code: noCode + " 0 30000", finish: "no", next: "yes", event: SourceCollected},
	{call: "collect resend skip", success: "no", already: "yes", finish: "yes", event: CollectionStarted},
	{call: "collect resend skip", success: "no", already: "yes", finish: "no", next: "no", event: CollectionStarted},
	{call: "collect resend skip", success: "no", already: "yes", finish: "no", next: "yes", event: SourceCollected},

	// Collect and resend share one meaning. success:false ends it, whatever else is said.
	{call: "collect resend", success: "no", already: "no", event: VerificationRejected},

	// The codes of section 4. A known code wins over data.type and tpl.type.
	{call: "collect resend", success: "yes", already: "no", code: "0", event: OutcomeUnknown},
	{call: "collect resend", success: "yes", code: "10001", event: CaptchaRequested, ask: PromptSecondCaptcha},
	{call: "collect resend", success: "yes", code: "10002", event: CaptchaRequested, ask: PromptCaptcha},
	{call: "collect resend", success: "yes", code: "10003", event: PasswordRejected},
	{call: "collect resend", success: "yes", code: "10004", event: CaptchaRejected},
	{call: "collect resend", success: "yes", code: "10006", event: CaptchaReissued},
	{call: "collect resend", success: "yes", code: "10007", reset: "yes", event: ResetRequired},
	{call: "collect resend", success: "yes", code: "10007", reset: "no", event: ResetUnsupported},
	{call: "collect resend", success: "yes", code: "10008", finish: "yes", event: CollectionStarted},
	{call: "collect resend", success: "yes", code: "10008", finish: "no", next: "no", event: CollectionStarted},
	{call: "collect resend", success: "yes", code: "10008", finish: "no", next: "yes", event: SourceCollected},
	{call: "collect resend", success: "yes", code: "10009", event: VerificationRejected},
	{call: "collect resend", success: "yes", code: "10017 10018", event: OwnSMSRequested},
	{call: "collect resend", success: "yes", code: "10022", event: QueryPasswordRequested},
	{call: "collect resend", success: "yes", code: "10023", event: QueryPasswordRejected},
	{call: "collect resend", success: "yes", already: "no", code: "30000", event: VerificationRejected},
	{call: "collect resend", success: "yes", code: "31000", event: VerificationRejected},
	// The codes of the reset flow have no meaning here.
	{call: "collect resend", success: "yes", code: "10010 11000 11001", event: ReplyUnrecognized},

	// No code, or one that nobody knows: tpl.type decides, then data.type.
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "SUBMIT_CAPTCHA", event: CaptchaRequested, ask: PromptCaptcha},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "RESEND_CAPTCHA", event: CaptchaRequested, ask: PromptCaptcha, soon: true},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "SUBMIT_QUERY_PWD", event: QueryPasswordRequested},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "SUBMIT_RESET_PWD none other", kind: "RUNNING TIP", event: OutcomeUnknown},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "SUBMIT_RESET_PWD other", kind: "!RUNNING TIP", event: ReplyUnrecognized},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "none", kind: "ERROR", event: VerificationRejected},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "none", kind: "!ERROR RUNNING TIP", event: ReplyUnrecognized},

	// The reset: section 5. Only 11000 is success, and what ends it is reset_failed.
	{call: "reset", success: "no", event: ResetFailed},
	{call: "reset", success: "yes", code: "0", event: OutcomeUnknown},
	{call: "reset", success: "yes", code: "10001 10002", event: ResetCaptchaRequested},
	{call: "reset", success: "yes", code: "10004", event: CaptchaRejected, ask: PromptResetCaptcha},
	{call: "reset", success: "yes", code: "10006", event: CaptchaReissued, ask: PromptResetCaptcha},
	{call: "reset", success: "yes", code: "10010 11001", event: NewPasswordRejected},
	{call: "reset", success: "yes", code: "11000", event: PasswordReset},
	{call: "reset", success: "yes", code: "30000 31000", event: ResetFailed},
	{call: "reset", success: "yes", code: "10009", event: VerificationRejected},
	{call: "reset", success: "yes", code: "10003 10007 10008 10017 10018 10022 10023", event: ReplyUnrecognized},
	{call: "reset", success: "yes", code: noCode, kind: "RUNNING TIP", tpl: "!SUBMIT_RESET_PWD", event: OutcomeUnknown},
	{call: "reset", success: "yes", code: noCode, tpl: "SUBMIT_RESET_PWD", event: ResetCaptchaRequested},
	{call: "reset", success: "yes", code: noCode, kind: "!RUNNING TIP", tpl: "SUBMIT_CAPTCHA RESEND_CAPTCHA SUBMIT_QUERY_PWD other", event: ReplyUnrecognized},
	{call: "reset", success: "yes", code: noCode, kind: "ERROR", tpl: "none", event: ResetFailed},
	{call: "reset", success: "yes", code: noCode, kind: "!ERROR RUNNING TIP", tpl: "none", event: ReplyUnrecognized},

	// Skipping a source: section 2. Success is 10008; a refusal leaves the
	// person where they are.
	{call: "skip", success: "yes", already: "no", code: "0", event: OutcomeUnknown},
	{call: "skip", success: "yes", code: "10008", finish: "yes", event: CollectionStarted},
	{call: "skip", success: "yes", code: "10008", finish: "no", next: "no", event: CollectionStarted},
	{call: "skip", success: "yes", code: "10008", finish: "no", next: "yes", event: SourceCollected},
	{call: "skip", success: "yes", already: "no", code: noCode, kind: "RUNNING TIP", event: OutcomeUnknown},
	{call: "skip", success: "yes", already: "no", code: noCode, kind: "!RUNNING TIP", event: ReplyUnrecognized},
	{call: "skip", success: "yes", already: "no", code: "30000", event: VerificationRejected},
	{call: "skip", success: "yes", code: "10009 31000", event: VerificationRejected},
	{call: "skip", success: "yes", code: "!" + noCode + " 0 10008 10009 30000 31000", event: ReplyUnrecognized},
	{call: "skip", success: "no", already: "no", event: ReplyUnrecognized},
}

// noCode is the words of the codes that say nothing.
const noCode = "none other"
