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

// settledAnswers are the prompts after a reply to the answer of a prompt, a column
// for each of settledPrompts. D is done, F is failed.
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

// replyInWords parses the first column of settledAnswers.
func replyInWords(text string) (r Reply, resettable bool) {
	words := strings.Fields(text)
	has := func(w string) bool { return slices.Contains(words, w) }
	r = Reply{Success: !has("refused"), Finish: has("finish"), AlreadyCollected: has("already"), Content: NewSecret("上游说")}
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
			o := inFlight(from, func(o *Snapshot) {
				if resettable {
					o.At.ResetMethod = ResetBySMS
				}
			})
			d := o.Settle(Replied(r), now, DefaultLimits())
			why := row.reply + " at " + string(from)
			require.NoError(t, d.Err(), why)
			require.Equal(t, row.events, eventsOf(d), why)
			require.Equal(t, now, d.Updated)
			require.Equal(t, "上游说", d.Message, why)
			checkSteps(t, o, d)
			switch letter {
			case "D", "F":
				require.Equal(t, map[string]State{"D": Done, "F": Failed}[letter], d.State, why)
				checkEnd(t, d.After())
			default:
				require.Equal(t, promptLetters[letter], d.Ask, why)
				require.Equal(t, stateOf[d.Ask], d.State, why)
				checkPrompt(t, why, from, d, now)
			}
		}
	}
}

// checkPrompt checks attempts and times after a reply to the first answer.
func checkPrompt(t *testing.T, why string, from PromptKind, d Decision, now time.Time) {
	t.Helper()
	attempts := AttemptsOf(map[PromptKind]int{from: 1})
	if slices.Contains(eventsOf(d), SourceCollected) {
		attempts = nil
		require.Equal(t, "chinatelecomjl", d.At.Website, why)
	}
	require.Empty(t, cmp.Diff(attempts, d.Attempts), "%s: only a new source resets the attempts", why)
	require.Equal(t, after(30*time.Minute), d.Life, why)
	require.Equal(t, now.Add(10*time.Minute), d.Idle, "%s: a reply extends the token", why)
	due := d.Idle
	if d.State == AwaitingCaptcha {
		sent := slices.Contains([]Event{CaptchaRequested, OwnSMSRequested, CaptchaReissued}, d.Reason)
		if stateOf[from] == AwaitingCaptcha && !sent {
			require.Equal(t, after(5*time.Minute), d.Code, "%s: the deadline of the present code stays", why)
		} else {
			require.Equal(t, now.Add(5*time.Minute), d.Code, why)
		}
		due = d.Code
		soon := strings.Contains(why, "RESEND_CAPTCHA")
		switch at := d.Prompt(DefaultLimits()).Resend; {
		case d.Ask == PromptOwnSMS:
			require.Nil(t, at, "%s: the person texts for another code", why)
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

func resettable(m ResetMethod) func(*Snapshot) {
	return func(o *Snapshot) { o.At.ResetMethod = m }
}

func TestWhatAResetLeadsTo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule  string
		ask   PromptKind
		input InputKind
		out   Outcome
		want  []Event
		state State
		next  PromptKind
	}{
		{"a code was sent", PromptPassword, InputRequestReset, reply("10002"), []Event{ResetCaptchaRequested}, AwaitingCaptcha, PromptResetCaptcha},
		{"the code was right", PromptResetCaptcha, InputResetCaptcha, reply("11000"), []Event{PasswordReset}, AwaitingPassword, PromptPassword},
		{"another code is wanted", PromptResetCaptcha, InputResetCaptcha, reply("10001"), []Event{ResetCaptchaRequested}, AwaitingCaptcha, PromptResetCaptcha},
		{"a wrong code", PromptResetCaptcha, InputResetCaptcha, reply("10004"), []Event{CaptchaRejected}, AwaitingCaptcha, PromptResetCaptcha},
		{"a code that was too old", PromptResetCaptcha, InputResetCaptcha, reply("10006"), []Event{CaptchaReissued}, AwaitingCaptcha, PromptResetCaptcha},
		{"a bad new password", PromptResetCaptcha, InputResetCaptcha, reply("10010"), []Event{NewPasswordRejected}, AwaitingCaptcha, PromptResetCaptcha},
		{"a bad new password, by another code", PromptResetCaptcha, InputResetCaptcha, reply("11001"), []Event{NewPasswordRejected}, AwaitingCaptcha, PromptResetCaptcha},
		{"it failed", PromptResetCaptcha, InputResetCaptcha, reply("31000"), []Event{ResetFailed}, Failed, ""},
		{"it failed for good", PromptResetCaptcha, InputResetCaptcha, reply("30000"), []Event{ResetFailed}, Failed, ""},
		{"a request refused", PromptPassword, InputRequestReset, reply("31000"), []Event{ResetFailed}, Failed, ""},
		{"the outcome is unknown", PromptResetCaptcha, InputResetCaptcha, Faulted(FaultUnknown), []Event{OutcomeUnknown}, AwaitingCaptcha, PromptResetCaptcha},
		{"the outcome of a request is unknown", PromptPassword, InputRequestReset, reply("0"), []Event{OutcomeUnknown}, AwaitingPassword, PromptPassword},
		{"only 11000 is success", PromptResetCaptcha, InputResetCaptcha, reply("10008"), []Event{ReplyUnrecognized}, AwaitingCaptcha, PromptResetCaptcha},
		{"a password ends the reset", PromptResetCaptcha, InputPassword, reply("10002"), []Event{CaptchaRequested}, AwaitingCaptcha, PromptCaptcha},
		{"a wrong one too", PromptResetCaptcha, InputPassword, reply("10003"), []Event{PasswordRejected}, AwaitingPassword, PromptPassword},
		{"a source skipped", PromptCaptcha, InputSkipSource, reply("10008"), []Event{CollectionStarted}, Done, ""},
		{"a source skipped, another follows", PromptCaptcha, InputSkipSource, nextSource(), []Event{SourceCollected, PasswordRequested}, AwaitingPassword, PromptPassword},
		{"a source that can't be skipped", PromptSecondCaptcha, InputSkipSource, Replied(Reply{}), []Event{ReplyUnrecognized}, AwaitingCaptcha, PromptSecondCaptcha},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			o := prompted(c.ask)
			o.At.ResetMethod = ResetBySMS
			o = submitted(o, c.input)
			d := o.Settle(c.out, after(3*time.Minute), DefaultLimits())
			require.Equal(t, c.want, eventsOf(d))
			require.Equal(t, c.state, d.State)
			require.Equal(t, c.next, d.Ask)
			checkSteps(t, o, d)
			for _, transition := range d.Transitions()[:1] {
				require.Equal(t, coreSource.Website, transition.Detail.Source)
			}
			if d.Ask == PromptResetCaptcha && c.want[0] == ResetCaptchaRequested {
				require.Equal(t, after(8*time.Minute), d.Code)
				require.Equal(t, after(4*time.Minute), d.ResendAt)
			}
		})
	}
}

// Where no reset is left, a weak password ends the verification: the person can't
// change it here.
func TestATooWeakPasswordIsTheEndWhereNoResetIsLeft(t *testing.T) {
	t.Parallel()
	for resets, want := range map[int]Event{0: ResetRequired, 1: ResetRequired, 2: ResetUnsupported} {
		o := prompted(PromptPassword)
		o.At.ResetMethod, o.Resets = ResetBySMS, resets
		d := submitted(o, InputPassword).Settle(reply("10007"), after(3*time.Minute), DefaultLimits())
		require.Equal(t, []Event{want}, eventsOf(d))
		require.Equal(t, want == ResetUnsupported, d.State == Failed)
		require.Equal(t, ResetBySMS, d.At.ResetMethod, "the source is unchanged")
	}
}

func TestAPasswordThatWasResetMayBeTriedAsOftenAsTheFirst(t *testing.T) {
	t.Parallel()
	o := submitted(answeringReset(t), InputResetCaptcha)
	d := o.Settle(reply("11000"), after(3*time.Minute), DefaultLimits())
	require.Empty(t, d.Attempts)
	require.Zero(t, d.Resends)
	require.Equal(t, 1, d.Resets, "resets are not reset: their number is limited")
}

func answeringReset(t *testing.T) Snapshot {
	t.Helper()
	o := prompted(PromptResetCaptcha)
	resettable(ResetBySMS)(&o)
	o.Attempts, o.Resends, o.Resets = o.Attempts.Put(PromptPassword, 2), 2, 1
	return o
}

func TestWithoutPasswordsLeftAResetIsTheOnlyWayOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule   string
		method ResetMethod
		resets int
		out    Outcome
		ends   bool
	}{
		{"too weak, and it can be reset", ResetBySMS, 0, reply("10007"), false},
		{"unknown, and it can be reset", ResetBySMS, 0, Faulted(FaultUnknown), false},
		{"wrong: operators lock numbers", ResetBySMS, 0, reply("10003"), true},
		{"too weak, and no resets are left", ResetBySMS, 2, reply("10007"), true},
		{"unknown, and it can't be reset", ResetNone, 0, Faulted(FaultUnknown), true},
	} {
		o := prompted(PromptPassword)
		o.At.ResetMethod, o.Resets = c.method, c.resets
		o.Attempts = o.Attempts.Put(PromptPassword, 1)
		d := submitted(o, InputPassword).Settle(c.out, after(3*time.Minute), DefaultLimits())
		require.Equal(t, c.ends, d.State.Terminal(), c.rule)
		if !c.ends {
			require.Zero(t, d.After().Prompt(DefaultLimits()).AttemptsLeft, c.rule)
			require.True(t, d.After().Prompt(DefaultLimits()).Reset, c.rule)
		}
	}
}

// The reply to a resend is 10002 for every kind of code (section 3). For a second code
// it means that the second code was sent again. A prompt for a first code would spend
// its attempts, of which none may be left.
func TestAResendOfASecondCodeAsksForTheSecondCodeAgain(t *testing.T) {
	t.Parallel()
	o := submitted(prompted(PromptSecondCaptcha), InputResendCaptcha)
	d := o.Settle(reply("10002"), after(3*time.Minute), DefaultLimits())
	require.Equal(t, PromptSecondCaptcha, d.Ask)

	o = prompted(PromptSecondCaptcha)
	o.Attempts = o.Attempts.Put(PromptCaptcha, 3) // the third was right
	d = submitted(o, InputResendCaptcha).Settle(reply("10002"), after(3*time.Minute), DefaultLimits())
	require.Equal(t, []Event{CaptchaRequested}, eventsOf(d), "a resend must not end the verification")
}

// 10004 and 10006 in a reset are a wrong and an expired code (section 5). The reason of
// the prompt must say so, and the deadline of the present code must stay.
func TestAWrongCodeInAResetIsRejectedAsWrong(t *testing.T) {
	t.Parallel()
	o := prompted(PromptResetCaptcha)
	o.Intent = &Intent{Version: o.Version, Call: CallReset, Input: InputResetCaptcha, At: coreStart, Deadline: after(coreTimeout), Counted: []PromptKind{PromptResetCaptcha}}
	for code, event := range map[string]Event{"10004": CaptchaRejected, "10006": CaptchaReissued} {
		d := o.Settle(reply(code), after(time.Minute), DefaultLimits())
		require.Equal(t, event, d.Reason, code)
		require.Equal(t, PromptResetCaptcha, d.Ask, code)
	}
}
