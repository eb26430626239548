package carrierfsm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

// expectedReply is one rule of the description of the API.
type expectedReply struct {
	call, success, code, tpl, kind, finish, next, already, online, reset string

	event Event
	ask   PromptKind
	soon  bool
}

// The words of each column. "none" is an absent value, "other" an unknown one.
var (
	replyBools = []string{"no", "yes"}
	replyCalls = []string{"apply", "collect", "resend", "reset", "skip"}
	replyCodes = []string{
		"0", "10001", "10002", "10003", "10004", "10006", "10007", "10008", "10009", "10010", "10017",
		"10018", "10022", "10023", "11000", "11001", "30000", "31000", "none", "other",
	}
	replyTemplates = []string{"SUBMIT_CAPTCHA", "RESEND_CAPTCHA", "SUBMIT_QUERY_PWD", "SUBMIT_RESET_PWD", "none", "other"}
	replyKinds     = []string{"CONTROL", "ERROR", "RUNNING", "TIP", "none", "other"}

	replyColumns = [][]string{
		replyCalls, replyBools, replyCodes, replyTemplates, replyKinds,
		replyBools, replyBools, replyBools, replyBools, replyBools,
	}
	callNames = map[string]Call{"apply": CallApply, "collect": CallCollect, "resend": CallResend, "reset": CallReset, "skip": CallSkip}
)

// The values of "other" in some columns. They vary from cell to cell.
var (
	unknownCodes     = []string{"10005", "10012", "10016", "10019", "10021", "100017", "100018", "-1", "00", "010002", "1e4", "10008 ", "99999999999999999999", "１０００８"}
	unknownTemplates = []string{"SUBMIT_MOONLIGHT", "submit_captcha", "SUBMIT_CAPTCHA ", "RESEND_RESET_PWD_CAPTCHA", "null"}
	unknownKinds     = []string{"MOONLIGHT", "error", "RUNNING ", "null", "控制"}
)

// replyCell has one word of each column, as an index.
type replyCell [10]int

func (c replyCell) String() string {
	names := []string{"call", "success", "code", "tpl", "type", "finish", "next", "already", "online", "reset"}
	words := make([]string, len(c))
	for i, w := range c {
		words[i] = names[i] + "=" + replyColumns[i][w]
	}
	return strings.Join(words, " ")
}

// masks are the words that a rule accepts, one bit for each word.
func (e expectedReply) masks(t *testing.T) (masks [10]uint32) {
	t.Helper()
	for i, accepted := range []string{e.call, e.success, e.code, e.tpl, e.kind, e.finish, e.next, e.already, e.online, e.reset} {
		all := uint32(1)<<len(replyColumns[i]) - 1
		list, not := strings.CutPrefix(accepted, "!")
		for _, word := range strings.Fields(list) {
			at := slices.Index(replyColumns[i], word)
			require.GreaterOrEqual(t, at, 0, "no word %q in column %d", word, i)
			masks[i] |= 1 << at
		}
		if accepted == "" || not {
			masks[i] = all &^ masks[i]
		}
	}
	return masks
}

// forEachCell calls f with every cell of the table.
func forEachCell(f func(n int, c replyCell)) {
	var c replyCell
	for n := 0; ; n++ {
		f(n, c)
		i := len(c) - 1
		for ; i >= 0; i-- {
			if c[i]++; c[i] < len(replyColumns[i]) {
				break
			}
			c[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

func pick(words []string, i int, others []string, n int) string {
	switch w := words[i]; w {
	case "none":
		return ""
	case "other":
		return others[n%len(others)]
	default:
		return w
	}
}

// replyOf is a reply of the cell.
func replyOf(n int, c replyCell) (Call, Reply, Source) {
	r := Reply{
		Success:  c[1] == 1,
		Code:     ProcessCode(pick(replyCodes, c[2], unknownCodes, n)),
		Template: pick(replyTemplates, c[3], unknownTemplates, n/7),
		Type:     pick(replyKinds, c[4], unknownKinds, n/11),
		Finish:   c[5] == 1, AlreadyCollected: c[7] == 1,
	}
	if c[6] == 1 {
		r.Next = &Source{Website: "chinatelecomjl"}
	}
	s := Source{Website: "chinamobilejs", Online: c[8] == 1}
	if c[9] == 1 {
		s.ResetMethod = ResetMethod(1 + n%2)
	} else {
		s.ResetMethod = ResetMethod([]int{0, 3, -1}[n%3])
	}
	return callNames[replyCalls[c[0]]], r, s
}

func TestEveryReplyHasTheVerdictThatTheDocumentsGiveIt(t *testing.T) {
	t.Parallel()
	masks := make([][10]uint32, len(expectedReplies))
	for i, e := range expectedReplies {
		masks[i] = e.masks(t)
	}
	used := make([]int, len(expectedReplies))
	differences := make(map[string]int)
	examples := make(map[string]replyCell)
	cells := 0
	forEachCell(func(n int, c replyCell) {
		cells++
		found := -1
		for i := range masks {
			if !accepts(&masks[i], &c) {
				continue
			}
			if found >= 0 {
				t.Fatalf("expectations %d and %d both accept %v", found, i, c)
			}
			found = i
		}
		if found < 0 {
			t.Fatalf("no expectation accepts %v", c)
		}
		used[found]++
		e := &expectedReplies[found]
		if got := Match(replyOf(n, c)); got != (Verdict{e.event, e.ask, e.soon}) {
			what := fmt.Sprintf("expectation %d, %s %s %t; the table: %v", found, e.event, e.ask, e.soon, got)
			if differences[what]++; differences[what] == 1 {
				examples[what] = c
			}
		}
	})
	for what, count := range differences {
		t.Errorf("%s, in %d cells, for instance %v", what, count, examples[what])
	}
	require.Equal(t, 5*2*20*6*6*2*2*2*2*2, cells)
	require.NotContains(t, used, 0, "an expectation that matches no cell")
	require.LessOrEqual(t, len(expectedReplies), 100)
}

func accepts(masks *[10]uint32, c *replyCell) bool {
	for i, w := range c {
		if masks[i]&(1<<w) == 0 {
			return false
		}
	}
	return true
}

// expectedReplies is the reply table by the description of the API, written
// independently of replies.go. An empty column accepts any word, a leading "!" any word
// but these.
var expectedReplies = []expectedReply{
	// An application: section 4, and section 6 for the status of the source.
	{call: "apply", success: "yes", online: "yes", event: ApplicationAccepted},
	{call: "apply", success: "yes", online: "no", event: SourceUnsupported},
	{call: "apply", success: "no", event: ApplicationRejected},

	// "Already collected", where no code contradicts it: this website is done, as with
	// 10008. With success:false there is no code.
	{call: "collect resend skip", success: "yes", already: "yes", code: noCode + " 0 30000", finish: "yes", event: CollectionStarted},
	{call: "collect resend skip", success: "yes", already: "yes", code: noCode + " 0 30000", finish: "no", next: "no", event: CollectionStarted},
	{call: "collect resend skip", success: "yes", already: "yes", code: noCode + " 0 30000", finish: "no", next: "yes", event: SourceCollected},
	{call: "collect resend skip", success: "no", already: "yes", finish: "yes", event: CollectionStarted},
	{call: "collect resend skip", success: "no", already: "yes", finish: "no", next: "no", event: CollectionStarted},
	{call: "collect resend skip", success: "no", already: "yes", finish: "no", next: "yes", event: SourceCollected},

	// Collect and resend have the same meaning. success:false always ends it.
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

	// No code, or an unknown one: tpl.type decides, then data.type.
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "SUBMIT_CAPTCHA", event: CaptchaRequested, ask: PromptCaptcha},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "RESEND_CAPTCHA", event: CaptchaRequested, ask: PromptCaptcha, soon: true},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "SUBMIT_QUERY_PWD", event: QueryPasswordRequested},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "SUBMIT_RESET_PWD none other", kind: "RUNNING TIP", event: OutcomeUnknown},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "SUBMIT_RESET_PWD other", kind: "!RUNNING TIP", event: ReplyUnrecognized},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "none", kind: "ERROR", event: VerificationRejected},
	{call: "collect resend", success: "yes", already: "no", code: noCode, tpl: "none", kind: "!ERROR RUNNING TIP", event: ReplyUnrecognized},

	// The reset: section 5. Only 11000 is success. A failure is reset_failed.
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

	// Skipping a source: section 2. Success is 10008; a refusal changes nothing.
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

// noCode are the codes without a meaning.
const noCode = "none other"

// A template that contradicts a known code is recorded and ignored.
func TestATemplateThatContradictsItsCodeIsOnlyRecorded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call           Call
		code, template string
		want           bool
	}{
		{CallCollect, "10002", "SUBMIT_CAPTCHA", false},
		{CallCollect, "10002", "", false},
		{CallCollect, "10002", "SUBMIT_QUERY_PWD", true},
		{CallCollect, "10006", "RESEND_CAPTCHA", true},
		{CallCollect, "10017", "SUBMIT_CAPTCHA", false},
		{CallCollect, "10022", "SUBMIT_QUERY_PWD", false},
		{CallCollect, "10023", "SUBMIT_CAPTCHA", true},
		{CallCollect, "10003", "SUBMIT_CAPTCHA", true},
		{CallCollect, "10008", "SUBMIT_CAPTCHA", true},
		{CallCollect, "10005", "SUBMIT_CAPTCHA", false},
		{CallCollect, "", "SUBMIT_CAPTCHA", false},
		{CallReset, "10002", "SUBMIT_RESET_PWD", false},
		{CallReset, "10010", "SUBMIT_RESET_PWD", false},
		{CallReset, "11000", "SUBMIT_RESET_PWD", true},
	} {
		r := Reply{Success: true, Code: ProcessCode(c.code), Template: c.template}
		require.Equal(t, c.want, Contradicts(c.call, r), "%v", c)
		if c.call != CallCollect {
			continue
		}
		plain := r
		plain.Template = ""
		d := inFlight(PromptCaptcha).Settle(Replied(r), after(3*time.Minute), DefaultLimits())
		require.Equal(t, c.want, d.Transitions()[0].Detail.Contradiction, "%v", c)
		require.Equal(t, c.template, d.Transitions()[0].Detail.Template)
		if c.want {
			require.Equal(t, Match(CallCollect, plain, coreSource).Event, d.Reason, "the code wins: %v", c)
		}
	}
}
