package carrierfsm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
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
	o.Attempts = o.Attempts.Put(PromptCaptcha, 3) // the third was right
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
	b := fsmtest.New(t)
	b.Reach("10002")
	b.Upstream.Then(fsmtest.Reply(Reply{
		Success: true, Code: "13800138000", Type: "账号13800138000", Template: "SUBMIT_" + strings.Repeat("X", 1<<16),
	}))
	b.Must(b.Captcha("500001"))
	last := lastDetail(b)
	require.NotContains(t, string(last.Code), "13800138000")
	require.NotContains(t, last.Type, "13800138000")
	require.Less(t, len(last.Template), 1024)
}

// A code that is one of ours but for a character that cleaning drops is still
// one that nobody knows: it must be judged as it came.
func TestCleaningMakesNoUnknownWordAKnownOne(t *testing.T) {
	t.Parallel()
	for _, r := range []Reply{
		{Success: true, Code: "10008\x00"},
		{Success: true, Code: "10\xff008"},
		{Success: true, Code: "1000\u00858"},
		{Success: true, Code: "10003\n"},
		{Success: true, Code: "", Template: "SUBMIT_QUERY_PWD\n"},
		{Success: true, Code: "10005", Type: "ERROR\t"},
		{Success: true, Type: "RUN\x00NING"},
	} {
		b := fsmtest.New(t)
		b.Reach("10002")
		b.Upstream.Then(fsmtest.Reply(r))
		after := b.Must(b.Captcha("500001"))
		require.Equal(t, ReplyUnrecognized, after.Reason, "%q %q %q", r.Code, r.Template, r.Type)
	}
}

func TestAnUnknownWordIsKeptAndOneOfNothingIsNotTheEmptyOne(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	b.Upstream.Then(fsmtest.Reply(Reply{Success: true, Code: "99999", Type: "MOON", Template: "\x00"}))
	b.Must(b.Captcha("500001"))
	last := lastDetail(b)
	require.Equal(t, []string{"99999", "MOON", "****"}, []string{string(last.Code), last.Type, last.Template})
}

func TestWhatIsHiddenInUpstreamsText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":       "",
		"输入动态密码": "输入动态密码",
		"请用本机发送CXXD至10001获取验证码":             "请用本机发送CXXD至10001获取验证码",
		"密码246810错误":                        "密码****错误",
		"24\x0068\x1b10":                    "****",
		"用户测试用户您好":                          "用户****您好",
		"号码13800138000已停机":                  "号码****已停机",
		"1380013800":                        "1380013800", // ten digits may be an order's number
		"身份证11010119900307867X不符":           "身份证****不符",
		"\xff坏\xfe了":                        "坏了",
		"号码13800138099已停机":                  "号码****已停机",
		"单号1380013809:1":                    "单号1380013809:1",
		strings.Repeat("测", MaxMessage/3+1): strings.Repeat("测", MaxMessage/3),
		strings.Repeat("x", MaxMessage):     strings.Repeat("x", MaxMessage),
	} {
		require.Equal(t, want, Clean(text, []Secret{NewSecret("246810"), {}}, "测试用户", ""), "%q", text)
	}
}

// A value that is part of another one must not leave the rest of it readable.
func TestTheLongerValueIsHiddenFirst(t *testing.T) {
	t.Parallel()
	for _, personal := range [][]string{{"2468", "246810"}, {"246810", "2468"}} {
		require.Equal(t, "密码****", Clean("密码246810", nil, personal...))
		require.Equal(t, "密码****", Clean("密码246810", []Secret{NewSecret(personal[1])}, personal[0]))
	}
}

func TestANumberIsShownByItsEndsOnly(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"": "", "13800138000": "138****8000", "13800138": "138****0138", "1380013": "****", "1380013800x": "****", "1380013800/": "****",
		"1380013800:": "****",
	} {
		o := standing(PromptPassword)
		o.Account = number
		require.Equal(t, want, o.View(DefaultLimits()).Account, "%q", number)
	}
}

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
		d := answering(PromptCaptcha).Settle(Replied(r), after(3*time.Minute), DefaultLimits())
		require.Equal(t, c.want, d.Transitions()[0].Detail.Contradiction, "%v", c)
		require.Equal(t, c.template, d.Transitions()[0].Detail.Template)
		if c.want {
			require.Equal(t, Judge(CallCollect, plain, coreSource).Event, d.Reason, "the code wins: %v", c)
		}
	}
}
