package fsmtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

var captchaRows = []fsmtest.Row{
	{
		Rule: "a right code ends it", At: carrierfsm.PromptCaptcha, Input: carrierfsm.InputCaptcha, Answer: fsmtest.Code("10008"),
		Events: []carrierfsm.Event{carrierfsm.CollectionStarted}, State: carrierfsm.Done,
	},
	{
		Rule: "a wrong code is asked for again", At: carrierfsm.PromptSecondCaptcha, Input: carrierfsm.InputCaptcha, Answer: fsmtest.Code("10004"),
		Events: []carrierfsm.Event{carrierfsm.CaptchaRejected}, State: carrierfsm.AwaitingCaptcha, Prompt: carrierfsm.PromptSecondCaptcha,
	},
	{
		Rule: "the next source starts in applied", At: carrierfsm.PromptOwnSMS, Input: carrierfsm.InputCaptcha, Answer: fsmtest.Next("chinaunicom"),
		Events: []carrierfsm.Event{carrierfsm.SourceCollected, carrierfsm.PasswordRequested}, State: carrierfsm.AwaitingPassword, Prompt: carrierfsm.PromptPassword,
	},
	{
		Rule: "a resend before its time is refused", At: carrierfsm.PromptCaptcha, Input: carrierfsm.InputResendCaptcha,
		State: carrierfsm.AwaitingCaptcha, Prompt: carrierfsm.PromptCaptcha, Err: carrierfsm.ErrTooSoon,
	},
	{
		Rule: "a resend at its time sends another code", At: carrierfsm.PromptCaptcha, Input: carrierfsm.InputResendCaptcha, Answer: fsmtest.Code("10002"),
		Setup:  func(b *fsmtest.Bench) { b.Clock.Advance(time.Minute) },
		Events: []carrierfsm.Event{carrierfsm.CaptchaRequested}, State: carrierfsm.AwaitingCaptcha, Prompt: carrierfsm.PromptCaptcha,
	},
	{
		Rule: "a query password does not answer a code prompt", At: carrierfsm.PromptCaptcha, Input: carrierfsm.InputQueryPassword,
		State: carrierfsm.AwaitingCaptcha, Prompt: carrierfsm.PromptCaptcha, Err: carrierfsm.ErrNotAwaited,
	},
	{
		Rule: "a form is accepted once", At: carrierfsm.PromptPassword, Input: carrierfsm.InputApply,
		State: carrierfsm.AwaitingPassword, Prompt: carrierfsm.PromptPassword, Err: carrierfsm.ErrNotAwaited,
	},
	{
		Rule: "a refused form may be corrected", At: carrierfsm.PromptApplication, Input: carrierfsm.InputApply, Answer: fsmtest.Refuse("有误"),
		Events: []carrierfsm.Event{carrierfsm.ApplicationRejected}, State: carrierfsm.Created, Prompt: carrierfsm.PromptApplication,
	},
	{
		Rule: "cancelling ends it", At: carrierfsm.PromptQueryPassword, Input: carrierfsm.InputCancel,
		Events: []carrierfsm.Event{carrierfsm.Canceled}, State: carrierfsm.Failed,
	},
}

func TestTables(t *testing.T) {
	t.Parallel()
	fsmtest.RunTable(t, captchaRows)
}

var chosen = carrierfsm.Source{Website: "chinamobilesh", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}

// A row for each of the nine inputs, where it is taken.
var inputRows = map[carrierfsm.InputKind]fsmtest.Row{
	carrierfsm.InputApply: {
		At: carrierfsm.PromptApplication, Answer: fsmtest.Accept("chinaunicom"),
		Events: []carrierfsm.Event{carrierfsm.ApplicationAccepted, carrierfsm.PasswordRequested}, State: carrierfsm.AwaitingPassword, Prompt: carrierfsm.PromptPassword,
	},
	carrierfsm.InputPassword: {
		At: carrierfsm.PromptPassword, Answer: fsmtest.Code("10008"), Events: []carrierfsm.Event{carrierfsm.CollectionStarted}, State: carrierfsm.Done,
	},
	carrierfsm.InputQueryPassword: {
		At: carrierfsm.PromptQueryPassword, Answer: fsmtest.Code("10008"), Events: []carrierfsm.Event{carrierfsm.CollectionStarted}, State: carrierfsm.Done,
	},
	carrierfsm.InputCaptcha: {
		At: carrierfsm.PromptCaptcha, Answer: fsmtest.Code("10008"), Events: []carrierfsm.Event{carrierfsm.CollectionStarted}, State: carrierfsm.Done,
	},
	carrierfsm.InputResendCaptcha: {
		At: carrierfsm.PromptCaptcha, Answer: fsmtest.Code("10002"), Setup: func(b *fsmtest.Bench) { b.Clock.Advance(time.Minute) },
		Events: []carrierfsm.Event{carrierfsm.CaptchaRequested}, State: carrierfsm.AwaitingCaptcha, Prompt: carrierfsm.PromptCaptcha,
	},
	carrierfsm.InputRequestReset: {
		Source: chosen, At: carrierfsm.PromptPassword, Answer: fsmtest.Code("10002"),
		Events: []carrierfsm.Event{carrierfsm.ResetCaptchaRequested}, State: carrierfsm.AwaitingCaptcha, Prompt: carrierfsm.PromptResetCaptcha,
	},
	carrierfsm.InputResetCaptcha: {
		Source: chosen, At: carrierfsm.PromptResetCaptcha, Answer: fsmtest.Code("11000"),
		Events: []carrierfsm.Event{carrierfsm.PasswordReset}, State: carrierfsm.AwaitingPassword, Prompt: carrierfsm.PromptPassword,
	},
	carrierfsm.InputSkipSource: {
		At: carrierfsm.PromptPassword, Answer: fsmtest.Next("chinaunicom"),
		Events: []carrierfsm.Event{carrierfsm.SourceCollected, carrierfsm.PasswordRequested}, State: carrierfsm.AwaitingPassword, Prompt: carrierfsm.PromptPassword,
	},
	carrierfsm.InputCancel: {
		At: carrierfsm.PromptResetCaptcha, Events: []carrierfsm.Event{carrierfsm.Canceled}, State: carrierfsm.Failed,
	},
}

func TestATableKnowsAllNineInputs(t *testing.T) {
	t.Parallel()
	rows := []fsmtest.Row{{
		Rule: "a reset by SMS takes no new password", At: carrierfsm.PromptResetCaptcha, Input: carrierfsm.InputResetCaptcha, Answer: fsmtest.Code("11000"),
		Events: []carrierfsm.Event{carrierfsm.PasswordReset}, State: carrierfsm.AwaitingPassword, Prompt: carrierfsm.PromptPassword,
	}}
	for kind, row := range inputRows {
		row.Rule, row.Input = string(kind), kind
		rows = append(rows, row)
	}
	require.Len(t, rows, 9+1)
	fsmtest.RunTable(t, rows)
}

func TestATableTakesAConfig(t *testing.T) {
	t.Parallel()
	fsmtest.RunTableWith(t, []fsmtest.Row{{
		Rule: "the only attempt", At: carrierfsm.PromptPassword, Input: carrierfsm.InputPassword, Answer: fsmtest.Code("10003"),
		Events: []carrierfsm.Event{carrierfsm.PasswordRejected, carrierfsm.AttemptsExhausted}, State: carrierfsm.Failed,
	}}, func() carrierfsm.Config { return carrierfsm.Config{Limits: carrierfsm.Limits{Passwords: 1}} })
}

// failures is a test that records its failures instead of failing.
type failures struct {
	testing.TB
	messages []string
	cleanups []func()
}

func (f *failures) Helper()          {}
func (f *failures) Cleanup(g func()) { f.cleanups = append(f.cleanups, g) }
func (f *failures) Errorf(text string, args ...any) {
	f.messages = append(f.messages, fmt.Sprintf(text, args...))
}

// end ends the test and returns its failures.
func (f *failures) end() string {
	for _, g := range slices.Backward(f.cleanups) {
		g()
	}
	return strings.Join(f.messages, "\n")
}

func TestAnswersThatAreLeftOverFailTheTest(t *testing.T) {
	t.Parallel()
	tb := &failures{TB: t}
	b := fsmtest.New(tb, fsmtest.Accept("chinaunicom"), fsmtest.Code("10002"), fsmtest.Code("10008"))
	b.Must(b.Apply())
	require.Equal(t, "fsmtest: answers of the upstream's script are left over: 2 after 1 calls", tb.end())
}

func TestACallWithoutAnAnswerFailsTheTestAndIsNamed(t *testing.T) {
	t.Parallel()
	tb := &failures{TB: t}
	b := fsmtest.New(tb, fsmtest.Accept("chinaunicom"), fsmtest.Code("10002"))
	b.Must(b.Apply())
	b.Must(b.Password("246810"))
	require.Equal(t, carrierfsm.UpstreamUnavailable, b.Must(b.Captcha("500001")).Reason)
	require.Equal(t, "fsmtest: the upstream's script is too short: no answer for call 3, captcha at chinaunicom", tb.end())

	tb = &failures{TB: t}
	b = fsmtest.New(tb)
	b.Must(b.Apply())
	b.Upstream.Then(fsmtest.Accept("chinaunicom"))
	b.Must(b.Password("246810"))
	require.Contains(t, tb.end(), "no answer for call 2, password at chinamobilejs: the next answer is one to an application\n")
}

func TestAStoryNamesTheCallWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	err := fsmtest.RunText(t, "> apply\n> password 246810\n")
	require.ErrorContains(t, err, "too short: no answer for call 2, password at chinamobilejs")
}

func TestAScriptThatIsUsedUpIsNoFailure(t *testing.T) {
	t.Parallel()
	tb := &failures{TB: t}
	b := fsmtest.New(tb, fsmtest.Code("10008"))
	b.Upstream.Otherwise(fsmtest.Lost()) // is for any number of calls, or none
	b.Must(b.Apply())
	b.Must(b.Password("246810"))
	require.Empty(t, tb.end())
}

func TestAWrongRowFails(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(*fsmtest.Row){
		"another event":            func(r *fsmtest.Row) { r.Events = []carrierfsm.Event{carrierfsm.CaptchaRejected} },
		"no event":                 func(r *fsmtest.Row) { r.Events = nil },
		"another state":            func(r *fsmtest.Row) { r.State = carrierfsm.Failed },
		"another prompt":           func(r *fsmtest.Row) { r.Prompt = carrierfsm.PromptCaptcha },
		"a refusal":                func(r *fsmtest.Row) { r.Err = carrierfsm.ErrStale },
		"an input of another kind": func(r *fsmtest.Row) { r.Input = carrierfsm.InputPassword },
		"an unknown input":         func(r *fsmtest.Row) { r.Input = "dance" },
		"a prompt out of reach": func(r *fsmtest.Row) {
			r.At, r.Source = carrierfsm.PromptResetCaptcha, carrierfsm.Source{Website: "w", Online: true}
		},
		"an unknown prompt":   func(r *fsmtest.Row) { r.At = "riddle" },
		"an answer left over": func(r *fsmtest.Row) { r.Setup = func(b *fsmtest.Bench) { b.Upstream.Then(fsmtest.Code("10008")) } },
		"a call without an answer": func(r *fsmtest.Row) {
			r.Setup = func(b *fsmtest.Bench) { b.Must(b.Captcha("500001")) }
		},
	} {
		row := captchaRows[0]
		spoil(&row)
		require.Error(t, fsmtest.RunRow(t, row), what)
	}
	require.NoError(t, fsmtest.RunRow(t, captchaRows[0]))
}

func TestAnEdgeThatWasNotTakenIsMissing(t *testing.T) {
	t.Parallel()
	c := fsmtest.NewCoverage()
	require.Len(t, c.Missing(), len(carrierfsm.Edges()))
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: c.Watch(memory.New())})
	_, err := b.Cancel()
	require.NoError(t, err)
	edge := carrierfsm.Edge{From: carrierfsm.Created, Event: carrierfsm.Canceled, To: carrierfsm.Failed}
	require.Equal(t, 1, c.Taken(edge))
	require.NotContains(t, c.Missing(), edge)
	require.Len(t, c.Missing(), len(carrierfsm.Edges())-1)
}

func TestTheUpstreamRecordsWhatArrived(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t, fsmtest.Accept("chinaunicom"), fsmtest.Lost(), fsmtest.NotSent(), fsmtest.Code("10008"))
	for _, step := range []func() (carrierfsm.Verification, error){
		b.Apply,
		func() (carrierfsm.Verification, error) { return b.Password("246810") },
		func() (carrierfsm.Verification, error) { return b.Password("246811") },
		func() (carrierfsm.Verification, error) { return b.Password("246812") },
	} {
		_, err := step()
		require.NoError(t, err)
	}
	require.Equal(t, carrierfsm.Done, b.Get().State)
	require.Equal(t, []int{1, 0, 1}, []int{b.Upstream.Arrivals("246810"), b.Upstream.Arrivals("246811"), b.Upstream.Arrivals("246812")})
	require.Equal(t, fsmtest.Call{Input: carrierfsm.InputPassword, Website: "chinaunicom", Password: true}, b.Upstream.Calls()[2])
	require.NotContains(t, fmt.Sprintf("%v %#v", b.Upstream, b.Upstream.Calls()), "24681")
}
