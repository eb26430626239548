package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/httpapi"
)

var languages = []*httpapi.Words{httpapi.Chinese(), httpapi.English()}

var agreement = httpapi.Consent{Policy: "2026-11", Documents: map[string]httpapi.Document{
	"zh": {"测试公司", "姓名", "核实号码", "无", "三十天", "可撤回", "客服", "我单独同意"},
	"en": {"A company", "The name", "To verify the number", "Nobody", "30 days", "You may withdraw", "Our service", "I agree to this too"},
}}

// allReasons returns all events, and the empty reason of the first prompt.
func allReasons() []carrierfsm.Event {
	seen := map[carrierfsm.Event]bool{"": true}
	for _, e := range carrierfsm.Edges() {
		seen[e.Event] = true
	}
	list := make([]carrierfsm.Event, 0, len(seen))
	for e := range seen {
		list = append(list, e)
	}
	return list
}

// asked returns a verification at a prompt.
func asked(p carrierfsm.Prompt) *carrierfsm.Verification {
	p.Step = 3
	return &carrierfsm.Verification{
		ID: "12345678", State: carrierfsm.AwaitingCaptcha, Step: 3, Prompt: &p, Account: "138****8000",
		Source: carrierfsm.Source{Website: "chinamobilebj", Name: "北京移动"},
	}
}

// forEachPrompt calls f for both languages and every kind and reason, with another code
// to ask for where there can be one and without.
func forEachPrompt(f func(w *httpapi.Words, p carrierfsm.Prompt, s httpapi.Screen)) {
	now := time.Now()
	for _, w := range languages {
		for _, kind := range carrierfsm.PromptKinds() {
			for _, reason := range allReasons() {
				for _, resend := range []*carrierfsm.Resend{nil, {Left: 1}} {
					if resend != nil && !strings.Contains(string(kind), "captcha") {
						continue
					}
					p := carrierfsm.Prompt{
						Kind: kind, Reason: reason, AttemptsLeft: 2, Resend: resend,
						Message: "请核对", Deadline: now.Add(time.Minute),
					}
					f(w, p, w.Screen(asked(p), now, agreement))
				}
			}
		}
	}
}

// fallback is the reason of a prompt whose event is unknown.
func fallback(w *httpapi.Words) string {
	return w.Screen(asked(carrierfsm.Prompt{Kind: carrierfsm.PromptCaptcha, Reason: "finger_wet"}), time.Now(), agreement).Why
}

func TestEveryPromptAndReasonHasWords(t *testing.T) {
	t.Parallel()
	forEachPrompt(func(w *httpapi.Words, p carrierfsm.Prompt, s httpapi.Screen) {
		where := []any{"%s %s %s", w.Language(), p.Kind, p.Reason}
		other := w.Screen(asked(carrierfsm.Prompt{Kind: "fingerprint"}), time.Now(), agreement)
		require.NotEqual(t, other.Title, s.Title, where...)
		require.NotEmpty(t, s.Text, where...)
		require.NotNil(t, s.Form, where...)
		require.Contains(t, httpapi.Kinds(), s.Form.Input, where...)
		require.NotEmpty(t, s.Form.Submit, where...)
		require.NotEmpty(t, s.Form.Missing, where...)
		if p.Reason != "" {
			require.NotEqual(t, fallback(w), s.Why, where...)
		}
		for _, f := range s.Form.Fields {
			require.NotEmpty(t, f.Label, where...)
			require.NotEmpty(t, f.Complete, where...)
		}
		for _, a := range s.Actions {
			require.Contains(t, append(httpapi.Kinds(), httpapi.InputCorrect), a.Input, where...)
			require.NotEmpty(t, a.Label, where...)
		}
		require.Equal(t, p.Kind == carrierfsm.PromptApplication, s.Terms != nil, where...)
	})
}

// A prompt says why it is shown, unless its reason is the expected one. Only what the
// operator refused is the person's mistake.
func TestARepeatedPromptSaysWhy(t *testing.T) {
	t.Parallel()
	silent, wrong := make(map[carrierfsm.PromptKind]carrierfsm.Event), make(map[carrierfsm.Event]bool)
	forEachPrompt(func(w *httpapi.Words, p carrierfsm.Prompt, s httpapi.Screen) {
		if s.Why == "" {
			silent[p.Kind] = p.Reason
			require.False(t, s.Wrong, "%s %s", p.Kind, p.Reason)
		}
		if s.Wrong {
			wrong[p.Reason] = true
		}
		require.Equal(t, s.Wrong, s.Said != nil, "the operator's words of another reason are old: %s", p.Reason)
	})
	require.Equal(t, map[carrierfsm.PromptKind]carrierfsm.Event{
		carrierfsm.PromptApplication: "", carrierfsm.PromptPassword: carrierfsm.PasswordRequested,
		carrierfsm.PromptQueryPassword: carrierfsm.QueryPasswordRequested, carrierfsm.PromptCaptcha: carrierfsm.CaptchaRequested,
		carrierfsm.PromptSecondCaptcha: carrierfsm.CaptchaRequested, carrierfsm.PromptOwnSMS: carrierfsm.OwnSMSRequested,
		carrierfsm.PromptResetCaptcha: carrierfsm.ResetCaptchaRequested,
	}, silent)
	require.Equal(t, map[carrierfsm.Event]bool{
		carrierfsm.ApplicationRejected: true, carrierfsm.PasswordRejected: true, carrierfsm.QueryPasswordRejected: true,
		carrierfsm.CaptchaRejected: true, carrierfsm.NewPasswordRejected: true,
	}, wrong)
}

// A text names a button only where there is one.
func TestAReasonNamesNoButtonThatIsNotThere(t *testing.T) {
	t.Parallel()
	forEachPrompt(func(w *httpapi.Words, p carrierfsm.Prompt, s httpapi.Screen) {
		named := strings.Contains(s.Why, "重新发送验证码") || strings.Contains(s.Why, "Send another code") ||
			strings.Contains(s.Why, "重新获取") || strings.Contains(s.Why, "Request a new one")
		asksForCode := s.Form.Fields[0].Name == "code"
		if named && asksForCode {
			require.NotNil(t, p.Resend, "%s %s %s", w.Language(), p.Kind, p.Reason)
		}
	})
}

func TestEveryEndHasWords(t *testing.T) {
	t.Parallel()
	for _, w := range languages {
		unknown := w.Screen(&carrierfsm.Verification{ID: "12345678", State: carrierfsm.Failed, Reason: "finger_lost"}, time.Now(), agreement)
		require.NotEmpty(t, unknown.Title)
		for _, e := range carrierfsm.Edges() {
			if !e.To.Terminal() {
				continue
			}
			s := w.Screen(&carrierfsm.Verification{ID: "12345678", State: e.To, Reason: e.Event}, time.Now(), agreement)
			require.NotEqual(t, unknown.Title, s.Title+s.Text, "%s %s", w.Language(), e.Event)
			require.Equal(t, e.To == carrierfsm.Done, s.Tone == "done")
			require.NotEmpty(t, s.Text)
			if e.To == carrierfsm.Failed {
				require.Equal(t, httpapi.InputAnew, s.Actions[0].Input)
			}
		}
	}
}

// An older build shows the kinds and events of a newer one, which can be canceled.
func TestAKindOfANewerBuildIsShown(t *testing.T) {
	t.Parallel()
	for _, w := range languages {
		s := w.Screen(asked(carrierfsm.Prompt{Kind: "fingerprint", Reason: "finger_wet", Message: "请擦干手指"}), time.Now(), agreement)
		require.NotEmpty(t, s.Title)
		require.NotEmpty(t, s.Text)
		require.Equal(t, fallback(w), s.Why)
		require.Equal(t, "请擦干手指", s.Said.Text)
		require.Nil(t, s.Form)
		require.Equal(t, carrierfsm.InputCancel, s.Actions[len(s.Actions)-1].Input)
		require.Nil(t, s.Progress)
		require.NotEmpty(t, w.Problem("unheard of"))
	}
}

// A person sees no event, no kind of prompt, no process code and no placeholder.
func TestAScreenShowsNoInternalNames(t *testing.T) {
	t.Parallel()
	forEachPrompt(func(_ *httpapi.Words, _ carrierfsm.Prompt, s httpapi.Screen) {
		for _, text := range []string{s.Title, s.Text, s.Why, s.Form.Submit, s.About} {
			require.NotContains(t, text, "_")
			require.NotContains(t, text, "{")
			require.NotRegexp(t, `\b(10\d\d\d|30000|11000)\b`, strings.NewReplacer("10001", "", "10086", "").Replace(text)) // phone numbers
		}
	})
}

// Both languages are complete, each in its own script; names of operators are Chinese.
func TestBothLanguagesAreInTheirOwnScript(t *testing.T) {
	t.Parallel()
	han := func(text string) bool {
		return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	check := func(w *httpapi.Words, text string) {
		if text != "" {
			require.Equal(t, w.Language() == "zh", han(text), text)
			require.False(t, w.Language() == "zh" && strings.ContainsAny(text, ",;?!"), "a mark of the other script: %s", text)
		}
	}
	forEachPrompt(func(w *httpapi.Words, p carrierfsm.Prompt, s httpapi.Screen) {
		texts := []string{s.Title, s.Text, s.Why, s.Form.Submit, s.Form.Missing, s.Deadline.Text, s.Progress.Text}
		if s.Help != nil {
			texts = append(texts, s.Help.Title, s.Help.Text)
		}
		if s.Terms != nil {
			for _, p := range s.Terms.Parts {
				texts = append(texts, p.Heading, p.Text)
			}
		}
		for _, f := range s.Form.Fields {
			texts = append(texts, f.Label, f.Hint, f.Show, f.Missing)
		}
		for _, a := range s.Actions {
			texts = append(texts, a.Label)
			if a.Confirm != nil {
				texts = append(texts, a.Confirm.Text, a.Confirm.Yes, a.Confirm.No)
			}
		}
		for _, text := range texts {
			check(w, text)
		}
	})
	for _, w := range languages {
		for _, code := range httpapi.Codes() {
			check(w, w.Problem(code))
			if code != "broken" && code != "unavailable" {
				require.NotEqual(t, w.Problem("broken"), w.Problem(code), code)
			}
		}
	}
}

// The sentences that were agreed on.
func TestTheWordsSayWhatWasAgreed(t *testing.T) {
	t.Parallel()
	zh, en := httpapi.Chinese(), httpapi.English()
	at := func(w *httpapi.Words, kind carrierfsm.PromptKind, reason carrierfsm.Event, resend *carrierfsm.Resend) httpapi.Screen {
		return w.Screen(asked(carrierfsm.Prompt{Kind: kind, Reason: reason, Resend: resend, Deadline: time.Now().Add(time.Minute)}), time.Now(), agreement)
	}
	again := &carrierfsm.Resend{Left: 1}
	require.Equal(t, "请填写机主本人的信息，需与办理号码时登记的一致。", zh.Screen(nil, time.Now(), agreement).Text)
	require.Equal(t, "信息未通过，请核对后重新提交。", at(zh, carrierfsm.PromptApplication, carrierfsm.ApplicationRejected, nil).Why)
	require.Equal(t, "请输入北京移动的服务密码（查话费、办业务用的密码，通常 6 位数字），不是锁屏密码。", at(zh, carrierfsm.PromptPassword, "", nil).Text)
	require.Equal(t, "还需输入北京移动的查询密码（不是服务密码），可拨 10086 或到营业厅查询。", at(zh, carrierfsm.PromptQueryPassword, "", nil).Text)
	require.Equal(t, "请用 138****8000 编辑短信 CXXD 发送至 10001，再填写回复短信里的验证码。", at(zh, carrierfsm.PromptOwnSMS, "", nil).Text)
	require.Equal(t, "没有收到运营商的答复，不确定刚才的验证码是否已用掉。请再输一次；若提示错误，请点“重新发送验证码”。",
		at(zh, carrierfsm.PromptCaptcha, carrierfsm.OutcomeUnknown, again).Why)
	require.Equal(t, "刚才填写的内容没有提交，不计次数，请稍后重试。", at(zh, carrierfsm.PromptCaptcha, carrierfsm.UpstreamUnavailable, again).Why)
	require.Equal(t, "剩余时间 {t}", at(zh, carrierfsm.PromptCaptcha, "", again).Deadline.Text)
	require.Equal(t, "请先勾选同意授权说明。", zh.Problem("consent_required"))
	require.Equal(t, "系统繁忙，请稍后重试。", zh.Problem("unavailable"))
	require.Equal(t, "The password you use for your carrier account, often 6 digits. Not your phone's PIN.", at(en, carrierfsm.PromptPassword, "", nil).Text)
	require.Equal(t, "This code has expired. Request a new one.", at(en, carrierfsm.PromptCaptcha, carrierfsm.CaptchaExpired, again).Why)
	require.Equal(t, "Too many requests. Wait a moment.", en.Problem("too_many_requests"))
	v := asked(carrierfsm.Prompt{Kind: carrierfsm.PromptQueryPassword})
	v.Source, v.Account = carrierfsm.Source{}, ""
	require.Equal(t, "还需输入运营商的查询密码（不是服务密码），可拨运营商客服电话或到营业厅查询。", zh.Screen(v, time.Now(), agreement).Text)
}

func TestTheLanguageIsThatOfTheRequest(t *testing.T) {
	t.Parallel()
	for query, byHeader := range map[string]map[string]string{
		"":         {"": "zh", "en-GB,en;q=0.9": "en", "fr,en;q=0.5": "en", "zh-TW": "zh", "fr": "zh", "EN": "en"},
		"?lang=en": {"": "en", "zh-CN": "en"},
		"?lang=zh": {"en": "zh"},
		"?lang=xx": {"en": "en", "": "zh"},
	} {
		for header, want := range byHeader {
			r := httptest.NewRequest(http.MethodGet, "/"+query, nil)
			r.Header.Set("Accept-Language", header)
			require.Equal(t, want, httpapi.Language(r).Language(), "%q %q", query, header)
		}
	}
}

// While a call is in flight there is no form, but the verification can be canceled.
func TestAScreenWaitsForACallInFlight(t *testing.T) {
	t.Parallel()
	v := asked(carrierfsm.Prompt{Kind: carrierfsm.PromptPassword, Reason: carrierfsm.PasswordRejected})
	v.InFlight = true
	s := httpapi.English().Screen(v, time.Now(), agreement)
	require.Equal(t, "wait", s.Tone)
	require.Nil(t, s.Form)
	require.Equal(t, carrierfsm.InputCancel, s.Actions[0].Input)
	v.Canceling = true
	require.Empty(t, httpapi.English().Screen(v, time.Now(), agreement).Actions)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	require.NotContains(t, string(text), "password_rejected")
}

// While a reset is required the only form is the reset.
func TestAPasswordThatMustBeResetCannotBeEntered(t *testing.T) {
	t.Parallel()
	s := httpapi.English().Screen(asked(carrierfsm.Prompt{Kind: carrierfsm.PromptPassword, Reason: carrierfsm.ResetRequired, Reset: true, AttemptsLeft: 1}), time.Now(), agreement)
	require.Nil(t, s.Form)
	require.False(t, s.Wrong)
	require.Equal(t, carrierfsm.InputRequestReset, s.Actions[0].Input)
	require.True(t, s.Actions[0].Main)
}

// The field that was refused is marked: of a reset it is the new password.
func TestTheFieldThatWasRefusedIsMarked(t *testing.T) {
	t.Parallel()
	for reason, want := range map[carrierfsm.Event][]bool{
		carrierfsm.NewPasswordRejected: {false, true}, carrierfsm.CaptchaRejected: {true, false}, carrierfsm.OutcomeUnknown: {false, false},
	} {
		s := httpapi.English().Screen(asked(carrierfsm.Prompt{Kind: carrierfsm.PromptResetCaptcha, Reason: reason, NeedsNewPassword: true}), time.Now(), agreement)
		require.Equal(t, want, []bool{s.Form.Fields[0].Wrong, s.Form.Fields[1].Wrong}, reason)
	}
}
