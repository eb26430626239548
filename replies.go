package carrierfsm

// Call names what was asked of upstream; the reply table reads the same words
// differently after different calls.
type Call string

// The calls.
const (
	CallApply   Call = "apply"   // the form
	CallCollect Call = "collect" // a password, a query password or a code
	CallResend  Call = "resend"  // another code, please
	CallReset   Call = "reset"   // a step of the password reset
	CallSkip    Call = "skip"    // leave this source out
)

// rule is one row of the reply table. Each field is the set of values that the
// row accepts; the zero set accepts all. Exactly one rule accepts any reply.
type rule struct {
	call     set // after which call
	success  set // upstream's "success"
	code     set // process_code
	template set // req_msg_tpl.type
	kind     set // data.type
	finish   set // data.finish
	next     set // is there a next_datasource?
	already  set // did upstream say that this was collected before?
	online   set // is the receipt's source served?
	reset    set // can the source's password be reset?

	then Event      // what it means
	ask  PromptKind // which kind of code is asked for, where the event leaves that open
	soon bool       // the next code may be requested at once
}

// The values that the columns can have. A code or word that is not listed is
// the unknown one.
var (
	callWords  = words{"apply", "collect", "resend", "reset", "skip"}
	boolWords  = words{"no", "yes"}
	codeWords  = words{absent, unknown, "0", "10001", "10002", "10003", "10004", "10006", "10007", "10008", "10009", "10010", "10017", "10018", "10022", "10023", "11000", "11001", "30000", "31000"}
	tplWords   = words{absent, unknown, "SUBMIT_CAPTCHA", "RESEND_CAPTCHA", "SUBMIT_QUERY_PWD", "SUBMIT_RESET_PWD"}
	kindWords  = words{absent, unknown, "CONTROL", "ERROR", "RUNNING", "TIP"}
	no, yes    = boolWords.are("no"), boolWords.are("yes")
	apply      = callWords.are("apply")
	reset      = callWords.are("reset")
	skip       = callWords.are("skip")
	codes      = callWords.are("collect", "resend")
	collecting = callWords.are("collect", "resend", "skip")

	// vague: no code that we know. open: nor one that rules out what the text says.
	vague = codeWords.are(absent, unknown)
	open  = codeWords.are(absent, unknown, "0", "30000")

	inProgress = kindWords.are("RUNNING", "TIP")
	isError    = kindWords.are("ERROR")
	plain      = kindWords.are(absent, unknown, "CONTROL")
	noTemplate = tplWords.are(absent)
)

func code(c ...string) set { return codeWords.are(c...) }
func tpl(t ...string) set  { return tplWords.are(t...) }

// rules is THE reply table. A known code wins; where there is none,
// req_msg_tpl.type decides; where that says nothing, data.type does; what is
// left is reply_unrecognized, which asks the person again.
var rules = join(
	[]rule{
		// The form.
		{call: apply, success: no, then: ApplicationRejected},
		{call: apply, success: yes, online: yes, then: ApplicationAccepted},
		{call: apply, success: yes, online: no, then: SourceUnsupported},
	},

	// This source is through: told by code, or in words because it was before.
	collected(rule{call: collecting, success: yes, code: code("10008")}),
	collected(rule{call: collecting, success: yes, code: open, already: yes}),
	collected(rule{call: collecting, success: no, already: yes}),

	[]rule{
		// A password or a code was sent, or another code was asked for.
		{call: codes, success: no, already: no, then: VerificationRejected},
		{call: codes, success: yes, code: code("10001"), then: CaptchaRequested, ask: PromptSecondCaptcha},
		{call: codes, success: yes, code: code("10002"), then: CaptchaRequested, ask: PromptCaptcha},
		{call: codes, success: yes, code: code("10003"), then: PasswordRejected},
		{call: codes, success: yes, code: code("10004"), then: CaptchaRejected},
		{call: codes, success: yes, code: code("10006"), then: CaptchaReissued},
		{call: codes, success: yes, code: code("10007"), reset: yes, then: ResetRequired},
		{call: codes, success: yes, code: code("10007"), reset: no, then: ResetUnsupported},
		{call: codes, success: yes, code: code("10009", "31000"), then: VerificationRejected},
		{call: codes, success: yes, code: code("10010", "11000", "11001"), then: ReplyUnrecognized},
		{call: codes, success: yes, code: code("10017", "10018"), then: OwnSMSRequested},
		{call: codes, success: yes, code: code("10022"), then: QueryPasswordRequested},
		{call: codes, success: yes, code: code("10023"), then: QueryPasswordRejected},
		{call: codes, success: yes, code: code("30000"), already: no, then: VerificationRejected},
		{call: codes, success: yes, code: code("0"), already: no, then: OutcomeUnknown},
		{call: codes, success: yes, code: vague, already: no, template: tpl("SUBMIT_CAPTCHA"), then: CaptchaRequested, ask: PromptCaptcha},
		{call: codes, success: yes, code: vague, already: no, template: tpl("RESEND_CAPTCHA"), then: CaptchaRequested, ask: PromptCaptcha, soon: true},
		{call: codes, success: yes, code: vague, already: no, template: tpl("SUBMIT_QUERY_PWD"), then: QueryPasswordRequested},
		{call: codes, success: yes, code: vague, already: no, template: tpl(absent, unknown, "SUBMIT_RESET_PWD"), kind: inProgress, then: OutcomeUnknown},
		{call: codes, success: yes, code: vague, already: no, template: noTemplate, kind: isError, then: VerificationRejected},
		{call: codes, success: yes, code: vague, already: no, template: tpl(unknown, "SUBMIT_RESET_PWD"), kind: isError, then: ReplyUnrecognized},
		{call: codes, success: yes, code: vague, already: no, template: tpl(absent, unknown, "SUBMIT_RESET_PWD"), kind: plain, then: ReplyUnrecognized},

		// A step of the password reset. Only 11000 is success.
		{call: reset, success: no, then: ResetFailed},
		{call: reset, success: yes, code: code("10001", "10002"), then: ResetCaptchaRequested},
		{call: reset, success: yes, code: code("10004"), then: CaptchaRejected, ask: PromptResetCaptcha},
		{call: reset, success: yes, code: code("10006"), then: CaptchaReissued, ask: PromptResetCaptcha},
		{call: reset, success: yes, code: code("10010", "11001"), then: NewPasswordRejected},
		{call: reset, success: yes, code: code("11000"), then: PasswordReset},
		{call: reset, success: yes, code: code("30000", "31000"), then: ResetFailed},
		{call: reset, success: yes, code: code("10009"), then: VerificationRejected},
		{call: reset, success: yes, code: code("0"), then: OutcomeUnknown},
		{call: reset, success: yes, code: code("10003", "10007", "10008", "10017", "10018", "10022", "10023"), then: ReplyUnrecognized},
		{call: reset, success: yes, code: vague, template: tpl("SUBMIT_RESET_PWD"), then: ResetCaptchaRequested},
		{call: reset, success: yes, code: vague, template: tpl("SUBMIT_RESET_PWD").not(tplWords), kind: inProgress, then: OutcomeUnknown},
		{call: reset, success: yes, code: vague, template: noTemplate, kind: isError, then: ResetFailed},
		{call: reset, success: yes, code: vague, template: tpl(absent, "SUBMIT_RESET_PWD").not(tplWords), kind: isError, then: ReplyUnrecognized},
		{call: reset, success: yes, code: vague, template: tpl("SUBMIT_RESET_PWD").not(tplWords), kind: plain, then: ReplyUnrecognized},

		// A source is to be left out. A refusal leaves the person where they are.
		{call: skip, success: no, already: no, then: ReplyUnrecognized},
		{call: skip, success: yes, code: code("10009", "31000"), then: VerificationRejected},
		{call: skip, success: yes, code: code("30000"), already: no, then: VerificationRejected},
		{call: skip, success: yes, code: code("0"), already: no, then: OutcomeUnknown},
		{call: skip, success: yes, code: code(absent, unknown, "0", "10008", "10009", "30000", "31000").not(codeWords), then: ReplyUnrecognized},
		{call: skip, success: yes, code: vague, already: no, kind: inProgress, then: OutcomeUnknown},
		{call: skip, success: yes, code: vague, already: no, kind: isError | plain, then: ReplyUnrecognized},
	},
)

// collected completes a rule for a source that is through: with "finish" it
// is the end, and without a next source too.
func collected(r rule) []rule {
	end, last, more := r, r, r
	end.finish, end.then = yes, CollectionStarted
	last.finish, last.next, last.then = no, no, CollectionStarted
	more.finish, more.next, more.then = no, yes, SourceCollected
	return []rule{end, last, more}
}

// expectedTemplate is what upstream sends beside a known code. Another one
// contradicts the code: it is recorded and ignored.
var expectedTemplate = map[ProcessCode]string{
	"10001": "SUBMIT_CAPTCHA", "10002": "SUBMIT_CAPTCHA", "10004": "SUBMIT_CAPTCHA", "10006": "SUBMIT_CAPTCHA",
	"10017": "SUBMIT_CAPTCHA", "10018": "SUBMIT_CAPTCHA",
	"10022": "SUBMIT_QUERY_PWD", "10023": "SUBMIT_QUERY_PWD",
	"10010": "SUBMIT_RESET_PWD", "11001": "SUBMIT_RESET_PWD",
}

// contradicts tells whether the template disagrees with a known code.
func contradicts(call Call, r Reply) bool {
	if r.Template == "" || codeWords.of(string(r.Code))&vague != 0 {
		return false
	}
	want := expectedTemplate[r.Code]
	if call == CallReset && want == "SUBMIT_CAPTCHA" {
		want = "SUBMIT_RESET_PWD"
	}
	return r.Template != want
}

// judge finds the one rule that accepts a reply.
func judge(call Call, r Reply, s Source) rule {
	cell := cellOf(call, r, s)
	for i := range rules {
		if rules[i].accepts(&cell) {
			return rules[i]
		}
	}
	return rule{then: ReplyUnrecognized} // can't be: checkRules saw that the rules cover every cell
}

// cellOf is a reply as a rule that accepts it alone.
func cellOf(call Call, r Reply, s Source) rule {
	return rule{
		call:     callWords.of(string(call)),
		success:  truth(r.Success),
		code:     codeWords.of(string(r.Code)),
		template: tplWords.of(r.Template),
		kind:     kindWords.of(r.Type),
		finish:   truth(r.Finish),
		next:     truth(r.Next != nil),
		already:  truth(r.AlreadyCollected),
		online:   truth(s.Online),
		reset:    truth(s.ResetMethod.possible()),
	}
}

func (r *rule) accepts(cell *rule) bool {
	return r.call.has(cell.call) && r.success.has(cell.success) && r.code.has(cell.code) &&
		r.template.has(cell.template) && r.kind.has(cell.kind) && r.finish.has(cell.finish) &&
		r.next.has(cell.next) && r.already.has(cell.already) &&
		r.online.has(cell.online) && r.reset.has(cell.reset)
}

// Fault is how a call failed to bring a reply.
type Fault string

// The faults: what is certain about a call without a reply.
const (
	// FaultNotSent: upstream received no byte. The attempt is given back.
	FaultNotSent Fault = "not_sent"
	// FaultUnknown: upstream may have received it. The attempt is spent, and
	// the same answer is never sent again.
	FaultUnknown Fault = "unknown"
)

// faultEvents is the fault table.
var faultEvents = map[Fault]Event{
	FaultNotSent: UpstreamUnavailable,
	FaultUnknown: OutcomeUnknown,
}
