package carrierfsm

import (
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm/internal/wordset"
)

// Call names what upstream was asked. The reply table reads the same reply
// differently after different calls.
type Call string

// The calls.
const (
	CallApply   Call = "apply"   // hand in the form
	CallCollect Call = "collect" // send a password, a query password or a code
	CallResend  Call = "resend"  // ask for another code
	CallReset   Call = "reset"   // a step of the password reset
	CallSkip    Call = "skip"    // skip this source
)

// rule is one row of the reply table: the values that it accepts in each
// column, where the zero set accepts all, and what such a reply means. Each
// reply is accepted by exactly one rule.
type rule struct {
	call     wordset.Set // the call that was made
	success  wordset.Set // upstream's "success"
	code     wordset.Set // process_code
	template wordset.Set // req_msg_tpl.type
	kind     wordset.Set // data.type
	finish   wordset.Set // data.finish
	next     wordset.Set // is there a next_datasource?
	already  wordset.Set // does the text say that the source was collected before?
	online   wordset.Set // does upstream serve the receipt's source?
	reset    wordset.Set // can the source's password be reset?

	event Event      // what the reply means
	ask   PromptKind // the kind of code that is asked for, where the event leaves that open
	soon  bool       // another code may be requested at once
}

// The columns with their words. Codes and words that are not listed count as
// wordset.Other.
var (
	callColumn     = wordset.Column{"apply", "collect", "resend", "reset", "skip"}
	boolColumn     = wordset.Column{"no", "yes"}
	codeColumn     = wordset.Column{absent, other, "0", "10001", "10002", "10003", "10004", "10006", "10007", "10008", "10009", "10010", "10017", "10018", "10022", "10023", "11000", "11001", "30000", "31000"}
	templateColumn = wordset.Column{absent, other, "SUBMIT_CAPTCHA", "RESEND_CAPTCHA", "SUBMIT_QUERY_PWD", "SUBMIT_RESET_PWD"}
	kindColumn     = wordset.Column{absent, other, "CONTROL", "ERROR", "RUNNING", "TIP"}
)

const (
	absent = wordset.Absent
	other  = wordset.Other
)

// Sets that several rules use.
var (
	no, yes    = boolColumn.Of("no"), boolColumn.Of("yes")
	apply      = callColumn.Of("apply")
	reset      = callColumn.Of("reset")
	skip       = callColumn.Of("skip")
	codes      = callColumn.Of("collect", "resend")
	collecting = callColumn.Of("collect", "resend", "skip")

	noKnownCode = code(absent, other)
	mayBeDone   = code(absent, other, "0", "30000") // codes beside which the text may still say "collected"

	inProgress = kindColumn.Of("RUNNING", "TIP")
	isError    = kindColumn.Of("ERROR")
	plain      = kindColumn.Of(absent, other, "CONTROL")
	noTemplate = template(absent)
)

func code(words ...string) wordset.Set     { return codeColumn.Of(words...) }
func template(words ...string) wordset.Set { return templateColumn.Of(words...) }

// rules is the reply table. A known code decides; without one req_msg_tpl.type
// decides; where that is unknown too, data.type does; any other reply is
// reply_unrecognized, which asks the person again.
var rules = slices.Concat(
	[]rule{
		// The form.
		{call: apply, success: no, event: ApplicationRejected},
		{call: apply, success: yes, online: yes, event: ApplicationAccepted},
		{call: apply, success: yes, online: no, event: SourceUnsupported},
	},

	// This source is done: the code says so, or the text says "collected before".
	collected(rule{call: collecting, success: yes, code: code("10008")}),
	collected(rule{call: collecting, success: yes, code: mayBeDone, already: yes}),
	collected(rule{call: collecting, success: no, already: yes}),

	[]rule{
		// After a password or a code, or a request for another code.
		{call: codes, success: no, already: no, event: VerificationRejected},
		{call: codes, success: yes, code: code("10001"), event: CaptchaRequested, ask: PromptSecondCaptcha},
		{call: codes, success: yes, code: code("10002"), event: CaptchaRequested, ask: PromptCaptcha},
		{call: codes, success: yes, code: code("10003"), event: PasswordRejected},
		{call: codes, success: yes, code: code("10004"), event: CaptchaRejected},
		{call: codes, success: yes, code: code("10006"), event: CaptchaReissued},
		{call: codes, success: yes, code: code("10007"), reset: yes, event: ResetRequired},
		{call: codes, success: yes, code: code("10007"), reset: no, event: ResetUnsupported},
		{call: codes, success: yes, code: code("10009", "31000"), event: VerificationRejected},
		{call: codes, success: yes, code: code("10010", "11000", "11001"), event: ReplyUnrecognized},
		{call: codes, success: yes, code: code("10017", "10018"), event: OwnSMSRequested},
		{call: codes, success: yes, code: code("10022"), event: QueryPasswordRequested},
		{call: codes, success: yes, code: code("10023"), event: QueryPasswordRejected},
		{call: codes, success: yes, code: code("30000"), already: no, event: VerificationRejected},
		{call: codes, success: yes, code: code("0"), already: no, event: OutcomeUnknown},
		{call: codes, success: yes, code: noKnownCode, already: no, template: template("SUBMIT_CAPTCHA"), event: CaptchaRequested, ask: PromptCaptcha},
		{call: codes, success: yes, code: noKnownCode, already: no, template: template("RESEND_CAPTCHA"), event: CaptchaRequested, ask: PromptCaptcha, soon: true},
		{call: codes, success: yes, code: noKnownCode, already: no, template: template("SUBMIT_QUERY_PWD"), event: QueryPasswordRequested},
		{call: codes, success: yes, code: noKnownCode, already: no, template: template(absent, other, "SUBMIT_RESET_PWD"), kind: inProgress, event: OutcomeUnknown},
		{call: codes, success: yes, code: noKnownCode, already: no, template: noTemplate, kind: isError, event: VerificationRejected},
		{call: codes, success: yes, code: noKnownCode, already: no, template: template(other, "SUBMIT_RESET_PWD"), kind: isError, event: ReplyUnrecognized},
		{call: codes, success: yes, code: noKnownCode, already: no, template: template(absent, other, "SUBMIT_RESET_PWD"), kind: plain, event: ReplyUnrecognized},

		// After a step of the password reset. Only 11000 is success.
		{call: reset, success: no, event: ResetFailed},
		{call: reset, success: yes, code: code("10001", "10002"), event: ResetCaptchaRequested},
		{call: reset, success: yes, code: code("10004"), event: CaptchaRejected, ask: PromptResetCaptcha},
		{call: reset, success: yes, code: code("10006"), event: CaptchaReissued, ask: PromptResetCaptcha},
		{call: reset, success: yes, code: code("10010", "11001"), event: NewPasswordRejected},
		{call: reset, success: yes, code: code("11000"), event: PasswordReset},
		{call: reset, success: yes, code: code("30000", "31000"), event: ResetFailed},
		{call: reset, success: yes, code: code("10009"), event: VerificationRejected},
		{call: reset, success: yes, code: code("0"), event: OutcomeUnknown},
		{call: reset, success: yes, code: code("10003", "10007", "10008", "10017", "10018", "10022", "10023"), event: ReplyUnrecognized},
		{call: reset, success: yes, code: noKnownCode, template: template("SUBMIT_RESET_PWD"), event: ResetCaptchaRequested},
		{call: reset, success: yes, code: noKnownCode, template: templateColumn.Except("SUBMIT_RESET_PWD"), kind: inProgress, event: OutcomeUnknown},
		{call: reset, success: yes, code: noKnownCode, template: noTemplate, kind: isError, event: ResetFailed},
		{call: reset, success: yes, code: noKnownCode, template: templateColumn.Except(absent, "SUBMIT_RESET_PWD"), kind: isError, event: ReplyUnrecognized},
		{call: reset, success: yes, code: noKnownCode, template: templateColumn.Except("SUBMIT_RESET_PWD"), kind: plain, event: ReplyUnrecognized},

		// After a skip. A refusal asks the person the same again.
		{call: skip, success: no, already: no, event: ReplyUnrecognized},
		{call: skip, success: yes, code: code("10009", "31000"), event: VerificationRejected},
		{call: skip, success: yes, code: code("30000"), already: no, event: VerificationRejected},
		{call: skip, success: yes, code: code("0"), already: no, event: OutcomeUnknown},
		{call: skip, success: yes, code: codeColumn.Except(absent, other, "0", "10008", "10009", "30000", "31000"), event: ReplyUnrecognized},
		{call: skip, success: yes, code: noKnownCode, already: no, kind: inProgress, event: OutcomeUnknown},
		{call: skip, success: yes, code: noKnownCode, already: no, kind: isError | plain, event: ReplyUnrecognized},
	},
)

// collected completes a rule for a source that is done: with finish, or without
// a next source, it is the end of the verification.
func collected(r rule) []rule {
	end, last, more := r, r, r
	end.finish, end.event = yes, CollectionStarted
	last.finish, last.next, last.event = no, no, CollectionStarted
	more.finish, more.next, more.event = no, yes, SourceCollected
	return []rule{end, last, more}
}

// expectedTemplate is the template that upstream sends with a known code. Any
// other one contradicts the code: it is recorded and ignored.
var expectedTemplate = map[ProcessCode]string{
	"10001": "SUBMIT_CAPTCHA", "10002": "SUBMIT_CAPTCHA", "10004": "SUBMIT_CAPTCHA", "10006": "SUBMIT_CAPTCHA",
	"10017": "SUBMIT_CAPTCHA", "10018": "SUBMIT_CAPTCHA",
	"10022": "SUBMIT_QUERY_PWD", "10023": "SUBMIT_QUERY_PWD",
	"10010": "SUBMIT_RESET_PWD", "11001": "SUBMIT_RESET_PWD",
}

// contradicts reports whether the template of a reply contradicts its known code.
func contradicts(call Call, r Reply) bool {
	if r.Template == "" || codeColumn.Classify(string(r.Code))&noKnownCode != 0 {
		return false
	}
	want := expectedTemplate[r.Code]
	if call == CallReset && want == "SUBMIT_CAPTCHA" {
		want = "SUBMIT_RESET_PWD"
	}
	return r.Template != want
}

// match returns the one rule that accepts a reply.
func match(call Call, r Reply, s Source) rule {
	c := cell(call, r, s)
	for i := range rules {
		if rules[i].accepts(&c) {
			return rules[i]
		}
	}
	return rule{event: ReplyUnrecognized} // unreachable: checkRules proved that the rules cover every cell
}

// cell is the cell of the reply table that a reply belongs to, as a rule that
// accepts it alone.
func cell(call Call, r Reply, s Source) rule {
	return rule{
		call:     callColumn.Classify(string(call)),
		success:  yesIf(r.Success),
		code:     codeColumn.Classify(string(r.Code)),
		template: templateColumn.Classify(r.Template),
		kind:     kindColumn.Classify(r.Type),
		finish:   yesIf(r.Finish),
		next:     yesIf(r.Next != nil),
		already:  yesIf(r.AlreadyCollected),
		online:   yesIf(s.Online),
		reset:    yesIf(s.ResetMethod.possible()),
	}
}

func yesIf(b bool) wordset.Set {
	if b {
		return yes
	}
	return no
}

func (r *rule) accepts(cell *rule) bool {
	return r.call.Accepts(cell.call) && r.success.Accepts(cell.success) && r.code.Accepts(cell.code) &&
		r.template.Accepts(cell.template) && r.kind.Accepts(cell.kind) && r.finish.Accepts(cell.finish) &&
		r.next.Accepts(cell.next) && r.already.Accepts(cell.already) &&
		r.online.Accepts(cell.online) && r.reset.Accepts(cell.reset)
}

// accepted is what a rule accepts in one column.
type accepted struct {
	name   string
	column wordset.Column
	set    wordset.Set
}

// columns returns what a rule accepts in each column. A zero set is returned
// as the set of all words.
func (r rule) columns() []accepted {
	columns := []accepted{
		{"call", callColumn, r.call},
		{"success", boolColumn, r.success},
		{"process_code", codeColumn, r.code},
		{"tpl.type", templateColumn, r.template},
		{"data.type", kindColumn, r.kind},
		{"finish", boolColumn, r.finish},
		{"next source", boolColumn, r.next},
		{"collected before", boolColumn, r.already},
		{"online", boolColumn, r.online},
		{"can reset", boolColumn, r.reset},
	}
	for i, c := range columns {
		if c.set == 0 {
			columns[i].set = c.column.All()
		}
	}
	return columns
}

// ReplyRule is one row of the reply table in words, for documents and audits.
type ReplyRule struct {
	// When lists what the row requires, "success=yes" for instance. Columns in
	// which it accepts every value are left out.
	When []string
	// Event is what the reply means, and Prompt the kind of code that is asked
	// for where the event leaves that open.
	Event  Event
	Prompt PromptKind
}

// ReplyRules returns the reply table. Each reply is accepted by exactly one rule. The
// list belongs to the caller.
func ReplyRules() []ReplyRule {
	list := make([]ReplyRule, len(rules))
	for i, r := range rules {
		list[i] = ReplyRule{Event: r.event, Prompt: r.ask}
		for _, c := range r.columns() {
			if c.set != c.column.All() {
				list[i].When = append(list[i].When, c.name+"="+strings.Join(c.column.Words(c.set), "|"))
			}
		}
	}
	return list
}

// Fault is how a call failed to return a reply.
type Fault string

// The faults.
const (
	// FaultNotSent: upstream received no byte. The attempt is given back.
	FaultNotSent Fault = "not_sent"
	// FaultUnknown: upstream may have received the request. The attempt is
	// spent, and the same answer is never sent again.
	FaultUnknown Fault = "unknown"
)

// faultEvents is the fault table: what a call without a reply means.
var faultEvents = map[Fault]Event{
	FaultNotSent: UpstreamUnavailable,
	FaultUnknown: OutcomeUnknown,
}
