package carrierfsm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

// What the tables alone don't tell: the same word of upstream means something
// else after another call, or must not be kept as it came.

// The answer to a resend is 10002 whatever was asked (section 3). For a second
// code it means: the second code was sent again. Asking for a first code
// instead spends that one's attempts, of which none may be left.
func TestAResendOfASecondCodeAsksForTheSecondCodeAgain(t *testing.T) {
	t.Parallel()
	o := submitted(standing(PromptSecondCaptcha), InputResendCaptcha)
	d := o.Settle(said("10002"), after(3*time.Minute), DefaultLimits())
	require.Equal(t, PromptSecondCaptcha, d.Ask)

	o = standing(PromptSecondCaptcha)
	o.Attempts[PromptCaptcha] = 3 // the third was right
	d = submitted(o, InputResendCaptcha).Settle(said("10002"), after(3*time.Minute), DefaultLimits())
	require.Equal(t, []Event{CaptchaRequested}, happened(d), "a resend must not end it")
}

// 10004 and 10006 in a reset are a wrong and an expired code (section 5). A
// user interface written from prompts alone can't tell the person so, if the
// reason is that a code was requested; and the code in hand grows no younger.
func TestAWrongCodeInAResetIsToldAsWrong(t *testing.T) {
	t.Parallel()
	o := standing(PromptResetCaptcha)
	o.Intent = &Intent{Version: o.Version, Call: CallReset, Input: InputResetCaptcha, At: coreStart, Deadline: after(coreTimeout), Counted: []PromptKind{PromptResetCaptcha}}
	for code, event := range map[string]Event{"10004": CaptchaRejected, "10006": CaptchaReissued} {
		d := o.Settle(said(code), after(time.Minute), DefaultLimits())
		require.Equal(t, event, d.Reason, code)
		require.Equal(t, PromptResetCaptcha, d.Ask, code)
	}
}

// Detail promises that it holds no number. Only Content is cleaned; the other
// words of upstream are stored as they come, at any length.
func TestNoWordOfUpstreamBringsANumberIntoTheHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.at("10002")
	b.up.then(Reply{Success: true, Code: "13800138000", Type: "账号13800138000", Template: "SUBMIT_" + strings.Repeat("X", 1<<16)})
	b.must(b.captcha(v, "500001"))
	history, err := b.History(context.Background(), b.id)
	require.NoError(t, err)
	last := history[len(history)-1].Detail
	require.NotContains(t, string(last.Code), "13800138000")
	require.NotContains(t, last.Type, "13800138000")
	require.Less(t, len(last.Template), 1024)
}
