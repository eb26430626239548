package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/browsertest"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// The service restarts on the same file between the password and the code. The
// browser sends the sealed password with the code.
func TestTheServiceMayRestartBetweenPasswordAndCode(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	o := testOptions(w).onSQLite(t)
	r := start(t, o)
	p := visit(t, r, w, "plain", browsertest.Narrow.In("en"))
	p.apply()
	p.waitForTitle("Enter your service password")
	p.enter("password", p.person.Password)
	p.waitForTitle("Enter the code")

	p.IgnoreConsole("ERR_CONNECTION_REFUSED")
	p.Type("input[name=code]", w.code(t, p.person)[:3])
	r.stop()
	p.WaitForText("The connection is lost")
	p.Screenshot(t.Name() + "-offline")
	o.addr = r.url[len("http://"):]
	start(t, o)
	p.WaitFor("document.getElementById('connection').hidden")
	p.enter("code", w.code(t, p.person)[3:]) // the first digits are still in the field
	p.waitForTitle("Verified")
	require.Equal(t, 1, w.LoginAttempts(p.person.Phone))
	require.Equal(t, 2, w.Arrivals(p.person.Password), "upstream requires it with the code, too")
}

// If neither the machine nor the browser has the password, the page asks for it
// with the code.
func TestALostPasswordIsRequestedWithTheCode(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	o := testOptions(w).onSQLite(t)
	r := start(t, o)
	p := visit(t, r, w, "plain", browsertest.Phone.In("zh-CN"))
	p.apply()
	p.waitForTitle("输入服务密码")
	p.enter("password", p.person.Password)
	p.waitForTitle("输入短信验证码")
	for _, status := range []string{"ERR_CONNECTION_REFUSED", "status of 422"} {
		p.IgnoreConsole(status)
	}
	r.stop()
	o.addr = r.url[len("http://"):]
	start(t, o)
	p.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: "carrierfsm_carry", URL: r.url})
		return err
	}))
	p.WaitFor("document.getElementById('connection').hidden")
	p.enter("code", w.code(t, p.person))
	p.WaitForText("请再输入一次服务密码，与验证码一起提交")
	p.WaitFor("document.querySelectorAll('#screen form input[required]').length === 2")
	p.inspect("password with code")
	require.Equal(t, w.code(t, p.person), browsertest.Eval[string](p.Tab, "document.querySelector('input[name=code]').value"), "the code is kept")
	p.enter("password", p.person.Password)
	p.waitForTitle("验证成功")
}

func TestMistakesAreShownAtTheirField(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "reissue", browsertest.Phone.In("zh-CN").InDarkMode())
	p.apply()
	p.waitForTitle("输入服务密码")
	p.enter("password", "000000")
	p.WaitForText("服务密码不正确")
	p.WaitForText("还可以尝试 1 次")
	p.inspect("wrong password")
	p.checkDescribed("password", "why")
	p.enter("password", p.person.Password)
	p.waitForTitle("输入短信验证码")
	first := w.code(t, p.person)
	p.enter("code", "000000")
	p.WaitForText("运营商已重新发送")
	p.inspect("reissued")
	require.NotEqual(t, first, w.code(t, p.person))
	w.FaultNext(simulator.DropAfterReading())
	p.enter("code", "000000")
	p.WaitForText("没有收到运营商的答复")
	p.inspect("unknown outcome")
	p.enter("code", "000000")
	p.waitForTitle("验证码尝试次数已用完")
}

// checkDescribed checks that a field is marked as invalid and described by the
// reason.
func (p *visitor) checkDescribed(field, by string) {
	p.t.Helper()
	at := fmt.Sprintf("document.querySelector('input[name=%s]')", field)
	require.Equal(p.t, "true", browsertest.Eval[string](p.Tab, at+".getAttribute('aria-invalid')"))
	require.Contains(p.t, browsertest.Eval[string](p.Tab, at+".getAttribute('aria-describedby')"), by)
	require.Equal(p.t, field, p.focused())
	require.Contains(p.t, browsertest.Eval[string](p.Tab, "document.getElementById('news').textContent"), p.why())
}

func TestAWeakPasswordIsResetOnThePage(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "weak-resettable", browsertest.Phone.In("zh-CN"))
	p.apply()
	p.waitForTitle("输入服务密码")
	p.enter("password", p.person.Password)
	p.waitForTitle("请先重置服务密码")
	require.Contains(t, p.Text("#text"), "您的服务密码过于简单")
	require.Empty(t, p.field(), "there is one button, and no field")
	p.press("request_reset")
	p.waitForTitle("设置新的服务密码")
	p.Type("input[name=code]", w.code(t, p.person))
	p.enter("new_password", "12")
	p.WaitForText("新密码不符合要求")
	p.inspect("new password")
	p.checkDescribed("new_password", "why")
	require.False(t, browsertest.Eval[bool](p.Tab, "document.querySelector('input[name=code]').hasAttribute('aria-invalid')"), "the code was right")
	p.Type("input[name=code]", w.code(t, p.person))
	p.enter("new_password", "135799")
	p.WaitForText("密码已重置，请输入新的服务密码")
	p.inspect("password reset")
	p.enter("password", "135799")
	p.waitForTitle("验证成功")
}

func TestACodeCanBeResentAfterResendAfter(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	o := testOptions(w)
	o.machine.ResendAfter = 3 * time.Second
	p := visit(t, start(t, o), w, "plain", browsertest.Narrow.In("en"))
	p.apply()
	p.waitForTitle("Enter your service password")
	p.enter("password", p.person.Password)
	p.waitForTitle("Enter the code")
	require.Contains(t, p.Text("button[data-input=resend_captcha]"), "Another code can be sent in 0:0")
	require.Contains(t, p.Text(".deadline"), "Time left: ")
	p.WaitFor("document.querySelector('button[data-input=resend_captcha]')?.disabled === false")
	require.Equal(t, "Send another code", p.Text("button[data-input=resend_captcha]"))
	before := w.code(t, p.person)
	p.press("resend_captcha")
	p.WaitFor("document.querySelector('button[data-input=resend_captcha]')?.disabled")
	require.NotEqual(t, before, w.code(t, p.person))
	require.Equal(t, "Another code was sent. Enter the new one.", p.why())
	p.Click(".help summary")
	require.Contains(t, p.Text(".help"), "It may take a minute or two.")
	p.inspect("help")
	p.CheckAccessibility()
	p.enter("code", w.code(t, p.person))
	p.waitForTitle("Verified")
}

// The operator takes longer than a request waits: the page says so, also after a
// reload, and shows the outcome later.
func TestASlowOperatorIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	o := testOptions(w)
	o.waitLimit = 500 * time.Millisecond
	p := visit(t, start(t, o), w, "plain", browsertest.Narrow.In("en"))
	p.apply()
	p.waitForTitle("Enter your service password")
	release := w.block(t)
	p.enter("password", p.person.Password)
	p.WaitFor("document.getElementById('screen').className === 'wait'")
	p.WaitForText("Waiting for your carrier")
	p.CheckAccessibility()
	p.Screenshot(t.Name() + "-wait")
	p.Reload()
	p.WaitForText("Waiting for your carrier")
	release()
	p.waitForTitle("Enter the code")
	require.Eventually(t, func() bool { return p.cookie("carrierfsm_carry") != "" }, time.Minute, 50*time.Millisecond, "a later response sets the cookie")
	p.enter("code", w.code(t, p.person))
	p.waitForTitle("Verified")
}

// cookie returns the value of a cookie, and checks that scripts can't read it.
func (p *visitor) cookie(name string) string {
	var value string
	p.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		all, err := chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{})
		for _, c := range all.Cookies {
			if c.Name == name {
				value = c.Value
			}
		}
		return err
	}))
	require.NotContains(p.t, browsertest.Eval[string](p.Tab, "document.cookie"), name)
	return value
}

// What is wrong with an answer is shown until the next one, at its field if it is about
// one: no poll removes it.
func TestAnErrorOutlivesThePolls(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	service := start(t, testOptions(w))
	p := visit(t, service, w, "plain", browsertest.Phone.In("zh-CN"))
	p.IgnoreConsole("status of 422")
	p.IgnoreConsole("status of 429")
	polls := func() {
		for n := range 3 {
			browsertest.Eval[bool](p.Tab, fmt.Sprintf("(window.polled = performance.getEntriesByType('resource').length, dispatchEvent(new Event('online')), %d >= 0)", n))
			p.WaitFor("performance.getEntriesByType('resource').length > window.polled")
		}
	}
	right := p.person.Phone
	p.person.Phone = "138 0013 80001"
	p.apply()
	p.WaitForText("手机号不正确，应为 11 位数字")
	polls()
	require.Equal(t, "手机号不正确，应为 11 位数字。", p.Text("#field-phone-wrong"))
	require.Equal(t, "true", browsertest.Eval[string](p.Tab, "document.querySelector('input[name=phone]').getAttribute('aria-invalid')"))
	require.Equal(t, "phone", p.focused())
	p.inspect("wrong number")
	require.Empty(t, w.Requests(), "nothing was created or sent")

	limits, err := budget.Limits{}.WithDefaults()
	require.NoError(t, err)
	for range limits.Applications {
		newAPIClient(t, service, "plain").apply()
	}
	browsertest.Eval[string](p.Tab, "document.querySelector('input[name=phone]').value = ''")
	p.Type("input[name=phone]", right[:3]+" "+right[3:7]+" "+right[7:])
	p.Click("#screen form button.main")
	p.WaitForText("该手机号今天的尝试次数已达上限")
	polls()
	require.Contains(t, p.Text("#problem"), "该手机号今天的尝试次数已达上限")
	require.Equal(t, p.person.Name, browsertest.Eval[string](p.Tab, "document.querySelector('input[name=name]').value"), "what was typed is kept")
}
