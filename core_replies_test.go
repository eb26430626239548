package carrierfsm_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

// promptLetters name the kinds of prompt in the table below.
var promptLetters = map[string]PromptKind{
	"P": PromptPassword, "Q": PromptQueryPassword, "C": PromptCaptcha, "S": PromptSecondCaptcha, "O": PromptOwnSMS,
}

// settledPrompts are the columns of settledAnswers.
var settledPrompts = []PromptKind{PromptPassword, PromptQueryPassword, PromptCaptcha, PromptSecondCaptcha, PromptOwnSMS}

// settledAnswers tell what is asked after a reply to the answer of a prompt,
// one column for each of settledPrompts. D is done, F is failed.
var settledAnswers = []struct {
	reply  string // the code, then other words
	events []Event
	next   string
}{
	//                                                       from P Q C S O
	{"10001", []Event{CaptchaRequested}, "S S S S S"},
	{"10002", []Event{CaptchaRequested}, "C C C C C"},
	{"10003", []Event{PasswordRejected}, "P P P P P"},
	{"10004", []Event{CaptchaRejected}, "C C C S O"},
	{"10006", []Event{CaptchaReissued}, "C C C S C"},
	{"10007", []Event{ResetUnsupported}, "F F F F F"},
	{"10007 resettable", []Event{ResetRequired}, "P P P P P"},
	{"10008", []Event{CollectionStarted}, "D D D D D"},
	{"10008 finish next", []Event{CollectionStarted}, "D D D D D"},
	{"10008 next", []Event{SourceCollected, PasswordRequested}, "P P P P P"},
	{"already", []Event{CollectionStarted}, "D D D D D"},
	{"refused already", []Event{CollectionStarted}, "D D D D D"},
	{"10009", []Event{VerificationRejected}, "F F F F F"},
	{"10010", []Event{ReplyUnrecognized}, "P Q C S O"},
	{"10017", []Event{OwnSMSRequested}, "O O O O O"},
	{"10018", []Event{OwnSMSRequested}, "O O O O O"},
	{"10022", []Event{QueryPasswordRequested}, "Q Q Q Q Q"},
	{"10023", []Event{QueryPasswordRejected}, "Q Q Q Q Q"},
	{"11000", []Event{ReplyUnrecognized}, "P Q C S O"},
	{"11001", []Event{ReplyUnrecognized}, "P Q C S O"},
	{"30000", []Event{VerificationRejected}, "F F F F F"},
	{"31000", []Event{VerificationRejected}, "F F F F F"},
	{"refused", []Event{VerificationRejected}, "F F F F F"},
	{"0", []Event{OutcomeUnknown}, "P Q C S O"},
	{"", []Event{ReplyUnrecognized}, "P Q C S O"},
	{"RUNNING", []Event{OutcomeUnknown}, "P Q C S O"},
	{"TIP", []Event{OutcomeUnknown}, "P Q C S O"},
	{"ERROR", []Event{VerificationRejected}, "F F F F F"},
	{"10005", []Event{ReplyUnrecognized}, "P Q C S O"},
	{"10005 SUBMIT_CAPTCHA", []Event{CaptchaRequested}, "C C C C C"},
	{"SUBMIT_QUERY_PWD", []Event{QueryPasswordRequested}, "Q Q Q Q Q"},
	{"RESEND_CAPTCHA", []Event{CaptchaRequested}, "C C C C C"},
}

// replyInWords reads the first column of settledAnswers.
func replyInWords(text string) (r Reply, resettable bool) {
	words := strings.Fields(text)
	has := func(w string) bool { return slices.Contains(words, w) }
	r = Reply{Success: !has("refused"), Finish: has("finish"), AlreadyCollected: has("already"), Content: "上游说"}
	for _, w := range words {
		switch {
		case strings.Trim(w, "0123456789") == "":
			r.Code = ProcessCode(w)
		case strings.Contains(w, "_"):
			r.Template = w
		case w == strings.ToUpper(w):
			r.Type = w
		}
	}
	if has("next") {
		r.Next = &Source{Website: "chinatelecomjl", Name: "吉林电信", Online: true}
	}
	return r, has("resettable")
}

func TestWhatIsAskedAfterEachReplyToEachPrompt(t *testing.T) {
	t.Parallel()
	now := after(3 * time.Minute)
	for _, row := range settledAnswers {
		for i, letter := range strings.Fields(row.next) {
			from := settledPrompts[i]
			r, resettable := replyInWords(row.reply)
			o := answering(from, func(o *Opened) {
				if resettable {
					o.At.ResetMethod = ResetBySMS
				}
			})
			d := o.Settle(Replied(r), now, DefaultLimits())
			why := row.reply + " at " + string(from)
			require.NoError(t, d.Err(), why)
			require.Equal(t, row.events, happened(d), why)
			require.Equal(t, now, d.Updated)
			require.Equal(t, "上游说", d.Message, why)
			judgeSteps(t, o, d)
			switch letter {
			case "D", "F":
				require.Equal(t, map[string]State{"D": Done, "F": Failed}[letter], d.State, why)
				judgeEnd(t, d.After())
			default:
				require.Equal(t, promptLetters[letter], d.Ask, why)
				require.Equal(t, stateOf[d.Ask], d.State, why)
				judgePrompt(t, why, from, d, now)
			}
		}
	}
}

// judgeSteps sees that a decision is one commit of gap-free steps.
func judgeSteps(t *testing.T, before Opened, d Decision) {
	t.Helper()
	require.Equal(t, before.Version+1, d.Version)
	require.Equal(t, before.Step+len(d.Transitions()), d.Step)
	state := before.State
	for i, tr := range d.Transitions() {
		require.Equal(t, before.Step+i+1, tr.Step)
		require.Equal(t, state, tr.From)
		state = tr.To
	}
	require.Equal(t, state, d.State)
	require.Nil(t, d.Intent)
}

// judgeEnd sees that nothing is left of a verification that ended but what
// the host may still want to know.
func judgeEnd(t *testing.T, o Opened) {
	t.Helper()
	require.Empty(t, o.Key, "the key is free for another run")
	require.Empty(t, o.Ask)
	require.Nil(t, o.Intent)
	require.Nil(t, o.Lost)
	require.Empty(t, o.Attempts)
	for _, at := range []time.Time{o.Due, o.Code, o.ResendAt, o.Idle, o.Life} {
		require.True(t, at.IsZero(), "nothing is due any more")
	}
	require.Nil(t, o.View(DefaultLimits()).Prompt)
}

// judgePrompt sees to attempts and times after a reply to the first answer.
func judgePrompt(t *testing.T, why string, from PromptKind, d Decision, now time.Time) {
	t.Helper()
	spent := Tallied(map[PromptKind]int{from: 1})
	if slices.Contains(happened(d), SourceCollected) {
		spent = nil
		require.Equal(t, "chinatelecomjl", d.At.Website, why)
	}
	require.Empty(t, cmp.Diff(spent, d.Attempts), "%s: a new source gives all attempts anew, nothing else any", why)
	require.Equal(t, after(30*time.Minute), d.Life, why)
	require.Equal(t, now.Add(10*time.Minute), d.Idle, "%s: a reply means that the token is in use", why)
	due := d.Idle
	if d.State == AwaitingCaptcha {
		sent := slices.Contains([]Event{CaptchaRequested, OwnSMSRequested, CaptchaReissued}, d.Reason)
		if stateOf[from] == AwaitingCaptcha && !sent {
			require.Equal(t, after(5*time.Minute), d.Code, "%s: the code in hand grows no younger", why)
		} else {
			require.Equal(t, now.Add(5*time.Minute), d.Code, why)
		}
		due = d.Code
		soon := strings.Contains(why, "RESEND_CAPTCHA")
		switch at := d.Prompt(DefaultLimits()).Resend; {
		case d.Ask == PromptOwnSMS:
			require.Nil(t, at, "%s: another code needs another message of the person's own", why)
		case sent && !soon:
			require.Equal(t, now.Add(time.Minute), at.At, why)
		case soon || d.Reason == OutcomeUnknown || stateOf[from] != AwaitingCaptcha:
			require.Equal(t, now, at.At, "%s: at once", why)
		default:
			require.Equal(t, after(time.Minute), at.At, "%s: no code was sent since", why)
		}
	} else {
		require.True(t, d.Code.IsZero() && d.ResendAt.IsZero(), why)
		require.Nil(t, d.Prompt(DefaultLimits()).Resend, why)
	}
	require.Equal(t, due, d.Due, why)
	require.Equal(t, due, d.Prompt(DefaultLimits()).Deadline, why)
	require.Equal(t, d.Step, d.Prompt(DefaultLimits()).Step)
	require.Equal(t, d.Reason, d.Prompt(DefaultLimits()).Reason)
}
