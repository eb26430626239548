package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/httpapi"
)

// shown is what a person sees of a screen: its title, the names of the fields, the main
// button, the other buttons, and the tone, with "wrong" for a mistake of the person.
type shown struct{ title, fields, main, beside, tone string }

func shownOf(s httpapi.Screen) shown {
	v := shown{title: s.Title, tone: s.Tone}
	if s.Wrong {
		v.tone += " wrong"
	}
	var fields, beside []string
	if s.Form != nil {
		v.main = s.Form.Submit
		for _, f := range s.Form.Fields {
			name := f.Name
			if f.Wrong {
				name += "!"
			}
			fields = append(fields, name)
		}
	}
	for _, a := range s.Actions {
		if a.Main {
			v.main = a.Label
		} else {
			beside = append(beside, string(a.Input))
		}
	}
	v.fields, v.beside = strings.Join(fields, " "), strings.Join(beside, " ")
	return v
}

// The kinds of prompt.
const (
	form     = carrierfsm.PromptApplication
	password = carrierfsm.PromptPassword
	query    = carrierfsm.PromptQueryPassword
	code     = carrierfsm.PromptCaptcha
	second   = carrierfsm.PromptSecondCaptcha
	own      = carrierfsm.PromptOwnSMS
	reset    = carrierfsm.PromptResetCaptcha
)

// inEnglish is the same screen in English.
func (v shown) inEnglish() shown {
	v.title, v.main = englishTitles[v.title], englishButtons[v.main]
	return v
}

// The titles and the main buttons of the prompts in English.
var (
	englishTitles = map[string]string{
		"验证您的手机号": "Verify your phone number", "输入服务密码": "Enter your service password", "输入查询密码": "Enter your query password",
		"请先重置服务密码": "Reset your service password first", "输入短信验证码": "Enter the code", "再输入一个验证码": "Enter one more code",
		"用您的手机发送短信": "Text your carrier", "重置服务密码": "Reset your service password", "设置新的服务密码": "Choose a new service password",
	}
	englishButtons = map[string]string{
		"同意并继续": "Agree and continue", "继续": "Continue", "确认": "Confirm", "重置密码": "Reset the password", "重置服务密码": "Reset the service password",
	}
)

// Every prompt with every reason that can lead to it, or the group of reasons that look
// the same.
func TestEachSituationHasAScreen(t *testing.T) {
	t.Parallel()
	const (
		terms     = "name id_card phone consent sensitive_consent"
		twoFields = "code new_password"
	)
	faults := []carrierfsm.Event{carrierfsm.UpstreamUnavailable, carrierfsm.OutcomeUnknown, carrierfsm.ReplyUnrecognized}
	plus := func(e carrierfsm.Event, more ...carrierfsm.Event) []carrierfsm.Event { return append(more, e) }
	again := &carrierfsm.Resend{Left: 1}
	chosen := carrierfsm.Prompt{NeedsNewPassword: true, Resend: again}
	resettable := carrierfsm.Prompt{Reset: true, AttemptsLeft: 1}
	for _, c := range []struct {
		kind    carrierfsm.PromptKind
		reasons []carrierfsm.Event
		prompt  carrierfsm.Prompt
		want    shown
	}{
		{form, plus("", faults...), carrierfsm.Prompt{}, shown{"验证您的手机号", terms, "同意并继续", "cancel", "ask"}},
		{form, plus(carrierfsm.ApplicationRejected), carrierfsm.Prompt{}, shown{"验证您的手机号", "name! id_card phone consent sensitive_consent", "同意并继续", "cancel", "ask wrong"}},

		{password, plus(carrierfsm.PasswordRequested, faults...), carrierfsm.Prompt{AttemptsLeft: 2}, shown{"输入服务密码", "password", "继续", "correct cancel", "ask"}},
		{password, plus(carrierfsm.PasswordReset), carrierfsm.Prompt{AttemptsLeft: 2}, shown{"输入服务密码", "password", "继续", "correct cancel", "ask"}},
		{password, plus(carrierfsm.PasswordRejected), carrierfsm.Prompt{AttemptsLeft: 1}, shown{"输入服务密码", "password!", "继续", "correct cancel", "ask wrong"}},
		{password, plus(carrierfsm.PasswordRejected), resettable, shown{"输入服务密码", "password!", "继续", "request_reset correct cancel", "ask wrong"}},
		{password, plus(carrierfsm.ResetRequired), resettable, shown{"请先重置服务密码", "", "重置服务密码", "correct cancel", "ask"}},
		{password, plus(carrierfsm.OutcomeUnknown), carrierfsm.Prompt{Reset: true}, shown{"请先重置服务密码", "", "重置服务密码", "correct cancel", "ask"}},

		{query, plus(carrierfsm.QueryPasswordRequested, faults...), carrierfsm.Prompt{}, shown{"输入查询密码", "password", "继续", "correct cancel", "ask"}},
		{query, plus(carrierfsm.QueryPasswordRejected), carrierfsm.Prompt{}, shown{"输入查询密码", "password!", "继续", "correct cancel", "ask wrong"}},

		{code, plus(carrierfsm.CaptchaRequested, faults...), carrierfsm.Prompt{Resend: again}, shown{"输入短信验证码", "code", "确认", "resend_captcha correct cancel", "ask"}},
		{code, plus(carrierfsm.CaptchaReissued, carrierfsm.CaptchaExpired), carrierfsm.Prompt{Resend: again}, shown{"输入短信验证码", "code", "确认", "resend_captcha correct cancel", "ask"}},
		{code, plus(carrierfsm.CaptchaRejected), carrierfsm.Prompt{Resend: again}, shown{"输入短信验证码", "code!", "确认", "resend_captcha correct cancel", "ask wrong"}},
		{code, plus(carrierfsm.CaptchaExpired), carrierfsm.Prompt{}, shown{"输入短信验证码", "code", "确认", "correct cancel", "ask"}},

		{second, plus(carrierfsm.CaptchaRequested, faults...), carrierfsm.Prompt{Resend: again}, shown{"再输入一个验证码", "code", "确认", "resend_captcha correct cancel", "ask"}},
		{second, plus(carrierfsm.CaptchaReissued, carrierfsm.CaptchaExpired), carrierfsm.Prompt{Resend: again}, shown{"再输入一个验证码", "code", "确认", "resend_captcha correct cancel", "ask"}},
		{second, plus(carrierfsm.CaptchaRejected), carrierfsm.Prompt{}, shown{"再输入一个验证码", "code!", "确认", "correct cancel", "ask wrong"}},

		{own, plus(carrierfsm.OwnSMSRequested, append(faults, carrierfsm.CaptchaExpired)...), carrierfsm.Prompt{}, shown{"用您的手机发送短信", "code", "确认", "correct cancel", "ask"}},
		{own, plus(carrierfsm.CaptchaRejected), carrierfsm.Prompt{}, shown{"用您的手机发送短信", "code!", "确认", "correct cancel", "ask wrong"}},

		{reset, plus(carrierfsm.ResetCaptchaRequested, append(faults, carrierfsm.CaptchaReissued, carrierfsm.CaptchaExpired)...), carrierfsm.Prompt{Resend: again}, shown{"重置服务密码", "code", "重置密码", "resend_captcha correct cancel", "ask"}},
		{reset, plus(carrierfsm.ResetCaptchaRequested, append(faults, carrierfsm.CaptchaReissued, carrierfsm.CaptchaExpired)...), chosen, shown{"设置新的服务密码", twoFields, "重置密码", "resend_captcha correct cancel", "ask"}},
		{reset, plus(carrierfsm.CaptchaRejected), chosen, shown{"设置新的服务密码", "code! new_password", "重置密码", "resend_captcha correct cancel", "ask wrong"}},
		{reset, plus(carrierfsm.NewPasswordRejected), chosen, shown{"设置新的服务密码", "code new_password!", "重置密码", "resend_captcha correct cancel", "ask wrong"}},
	} {
		for _, reason := range c.reasons {
			p := c.prompt
			p.Kind, p.Reason = c.kind, reason
			s := httpapi.Chinese().Screen(asked(p), time.Now(), agreement)
			require.Empty(t, cmp.Diff(c.want, shownOf(s), cmp.AllowUnexported(shown{})), "%s %s", c.kind, reason)
			in := shownOf(httpapi.English().Screen(asked(p), time.Now(), agreement))
			require.Empty(t, cmp.Diff(c.want.inEnglish(), in, cmp.AllowUnexported(shown{})), "%s %s", c.kind, reason)
			require.Equal(t, strings.HasSuffix(c.want.tone, "wrong"), s.Said != nil || s.Wrong, "what is nobody's fault is not shown as an error")
		}
	}
}

// While a budget of the number is used up nothing can be entered, and the screen says
// until when.
func TestAPromptThatIsLimitedSaysUntilWhen(t *testing.T) {
	t.Parallel()
	until := time.Date(2030, 6, 1, 22, 30, 0, 0, time.UTC)
	for _, kind := range append(budget.Kinds(), "newer") {
		p := carrierfsm.Prompt{Kind: password, Reason: carrierfsm.PasswordRejected, Reset: true, Limited: &budget.ExceededError{Kind: kind, Until: until}}
		zh := httpapi.Chinese().Screen(asked(p), until.Add(-time.Hour), agreement)
		require.Equal(t, shown{"今天的次数已用完", "", "", "correct cancel", "ask wrong"}, shownOf(zh))
		require.True(t, strings.HasSuffix(zh.Text, "请在6月2日 06:30（北京时间）之后再试。"), zh.Text)
		en := httpapi.English().Screen(asked(p), until.Add(-time.Hour), agreement)
		require.True(t, strings.HasSuffix(en.Text, " Try again after 06:30 on 2 June (Beijing time)."), en.Text)
		p.Limited = &budget.ExceededError{Kind: kind}
		require.NotContains(t, httpapi.Chinese().Screen(asked(p), until, agreement).Text, "之后")
	}
}

// The source before this one, and how many there are.
func TestTheNextSourceIsAnnounced(t *testing.T) {
	t.Parallel()
	v := asked(carrierfsm.Prompt{Kind: password, Reason: carrierfsm.PasswordRequested})
	v.Collected, v.Sources, v.Source.Name = []string{"安徽移动"}, 2, "安徽电信"
	s := httpapi.Chinese().Screen(v, time.Now(), agreement)
	require.Equal(t, "安徽移动已完成（1/2），接下来验证安徽电信。", s.Why)
	require.False(t, s.Wrong)
	require.Equal(t, "第 2 步，共 3 步（运营商 2/2）", s.Progress.Text)
	require.Equal(t, shown{"输入服务密码", "password", "继续", "cancel", "ask"}, shownOf(s), "the number can't be corrected any more")
	require.Equal(t, "安徽移动 is done (1 of 2). Next is 安徽电信.", httpapi.English().Screen(v, time.Now(), agreement).Why)
	v.Prompt.Reason = carrierfsm.PasswordRejected
	require.Contains(t, httpapi.Chinese().Screen(v, time.Now(), agreement).Why, "服务密码不正确")
}

// A person can't go on before the time that the number's budget sets.
func TestAnEndSaysItsCauseAndWhenToGoOn(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 6, 1, 10, 0, 0, 0, time.UTC)
	over := &budget.ExceededError{Kind: budget.Passwords, Until: now.Add(3 * time.Hour)}
	exhausted := func(kind carrierfsm.PromptKind, after carrierfsm.Event) carrierfsm.Verification {
		return carrierfsm.Verification{Reason: carrierfsm.AttemptsExhausted, End: carrierfsm.End{Prompt: kind, After: after}}
	}
	reason := func(e carrierfsm.Event, end carrierfsm.End) carrierfsm.Verification {
		return carrierfsm.Verification{Reason: e, End: end}
	}
	for _, c := range []struct {
		v           carrierfsm.Verification
		title, tone string
		text        string
	}{
		{exhausted(password, carrierfsm.PasswordRejected), "服务密码尝试次数已用完", "failed", "为避免运营商锁定您的号码，本次验证已结束。您可以重新开始。"},
		{exhausted(query, carrierfsm.QueryPasswordRejected), "查询密码尝试次数已用完", "failed", "为避免运营商锁定您的号码，本次验证已结束。您可以重新开始。"},
		{exhausted(code, carrierfsm.CaptchaRejected), "验证码尝试次数已用完", "failed", "验证码多次不正确，本次验证已结束。您可以重新开始。"},
		{exhausted(form, carrierfsm.ApplicationRejected), "提交次数已用完", "failed", "您的信息多次未通过，本次验证已结束。请核对后再试。您可以重新开始。"},
		{exhausted(password, carrierfsm.OutcomeUnknown), "运营商没有答复", "ended", "多次没有收到运营商的答复，本次验证已结束。这不是您的问题。您可以重新开始。"},
		{exhausted("", carrierfsm.CaptchaRequested), "尝试次数已用完", "failed", "本次验证已结束。您可以重新开始。"},
		{reason(carrierfsm.Expired, carrierfsm.End{Prompt: code}), "验证已超时", "ended", "没有在规定的时间内完成验证。您可以重新开始。"},
		{reason(carrierfsm.Expired, carrierfsm.End{After: carrierfsm.UpstreamUnavailable}), "系统繁忙，验证未完成", "ended", "暂时无法连接运营商系统，本次验证已超时。这不是您的问题。您可以重新开始。"},
		{reason(carrierfsm.Expired, carrierfsm.End{By: "anna"}), "验证已被终止", "ended", "工作人员终止了本次验证。如有疑问，请联系客服。"},
		{reason(carrierfsm.Canceled, carrierfsm.End{By: "anna"}), "验证已被终止", "ended", "工作人员终止了本次验证。如有疑问，请联系客服。"},
		{reason(carrierfsm.Canceled, carrierfsm.End{Replaced: true}), "本次验证已失效", "ended", "这个号码已在别处重新开始验证。请到新的页面继续；如果不是您本人操作，请联系客服。"},
		{reason(carrierfsm.Canceled, carrierfsm.End{}), "验证已取消", "ended", "您可以重新开始。"},
		{reason(carrierfsm.VerificationRejected, carrierfsm.End{}), "未通过验证", "failed", "您填写的信息与运营商登记的不一致，或运营商拒绝了本次验证。"},
		{reason(carrierfsm.SourceUnsupported, carrierfsm.End{}), "暂不支持您的运营商", "ended", "该运营商目前无法验证，请过一段时间再试，或换一个号码。"},
	} {
		c.v.ID, c.v.State = "12345678", carrierfsm.Failed
		s := httpapi.Chinese().Screen(&c.v, now, agreement)
		require.Equal(t, []string{c.title, c.tone, c.text}, []string{s.Title, s.Tone, s.Text}, c.v.Reason)
		require.Len(t, s.Actions, 1)
		require.Nil(t, s.Actions[0].After)

		c.v.End.Limited = over
		s = httpapi.Chinese().Screen(&c.v, now, agreement)
		require.Contains(t, s.Text, "这个号码今天的次数已用完，6月1日 21:00（北京时间）之后可以重新验证。")
		require.Equal(t, &httpapi.Clock{Seconds: 3 * 3600, Text: "6月1日 21:00（北京时间）之后可重新开始"}, s.Actions[0].After)
		require.Nil(t, httpapi.Chinese().Screen(&c.v, over.Until, agreement).Actions[0].After, "the time has come")
		c.v.End.Limited = &budget.ExceededError{Kind: budget.Passwords}
		s = httpapi.Chinese().Screen(&c.v, now, agreement)
		require.Equal(t, "验证其他号码", s.Actions[0].Label, "there is no time")
	}
	done := httpapi.Chinese().Screen(&carrierfsm.Verification{ID: "12345678", State: carrierfsm.Done, Reason: carrierfsm.CollectionStarted}, now, agreement)
	require.Contains(t, done.Text, "接下来将按授权说明收集信息")
	require.Empty(t, done.Actions, "what is done is not begun again")
}

// A button that ends something asks first.
func TestWhatEndsAVerificationAsksFirst(t *testing.T) {
	t.Parallel()
	forEachPrompt(func(_ *httpapi.Words, p carrierfsm.Prompt, s httpapi.Screen) {
		for _, a := range s.Actions {
			ends := a.Input == carrierfsm.InputCancel || a.Input == httpapi.InputCorrect
			require.Equal(t, ends, a.Confirm != nil, "%s %s", p.Kind, a.Input)
		}
	})
}
