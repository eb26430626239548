package fsmtest_test

import (
	"fmt"
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
		"a prompt out of reach":    func(r *fsmtest.Row) { r.At = carrierfsm.PromptResetCaptcha },
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
