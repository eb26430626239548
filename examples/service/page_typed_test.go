package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// value returns what is typed in a field.
func (p *visitor) value(field string) string {
	p.t.Helper()
	return browsertest.Eval[string](p.Tab, "document.querySelector('input[name="+field+"]').value")
}

// connect switches the network of the page's script off and on, as the browser would.
func (p *visitor) connect(on bool) {
	p.t.Helper()
	browsertest.Eval[bool](p.Tab, fmt.Sprintf(`(on => {
		window.realFetch ??= window.fetch
		window.fetch = on ? window.realFetch : () => Promise.reject(new TypeError('offline'))
		return dispatchEvent(new Event(on ? 'online' : 'offline'))
	})(%t)`, on))
}

// The question changes while the person types: what is typed stays.
func TestNoPollRemovesWhatIsTyped(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Phone.In("zh-CN"))
	p.apply()
	p.waitForTitle("输入服务密码")
	other := *p
	other.Tab = p.Sibling(browsertest.Phone.In("zh-CN"))
	other.Open(browsertest.Eval[string](p.Tab, "location.href"))
	other.waitForTitle("输入服务密码")
	p.BringToFront()
	p.Type("input[name=password]", p.person.Password[:3])
	other.BringToFront()
	other.enter("password", "000000")
	other.WaitForText("服务密码不正确")
	p.BringToFront()
	p.WaitForText("服务密码不正确")
	require.Equal(t, p.person.Password[:3], p.value("password"))
	require.Equal(t, "password", p.focused())
	p.enter("password", p.person.Password[3:])
	p.waitForTitle("输入短信验证码")
	require.Empty(t, p.value("code"))
}

// The other language shows the same question, with what is typed in it.
func TestTheOtherLanguageKeepsWhatIsTyped(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Phone.In("zh-CN"))
	p.fillApplication()
	p.Click("header a")
	p.waitForTitle("Verify your phone number")
	require.Equal(t, "Verify your phone number · Test Shop", browsertest.Eval[string](p.Tab, "document.title"))
	require.Contains(t, p.Text("#footer"), "Need help? Call 400-000-0000")
	require.Equal(t, p.person.Phone, p.value("phone"))
	require.Equal(t, 2, browsertest.Eval[int](p.Tab, "document.querySelectorAll('#screen input:checked').length"))
	p.Click("#screen form button.main")
	p.waitForTitle("Enter your service password")
	require.Equal(t, "江苏移动", browsertest.Eval[string](p.Tab, "document.querySelector('.about [lang=zh]').textContent"), "a name in another language is marked")
	p.Type("input[name=password]", p.person.Password)
	p.Click("header a")
	p.waitForTitle("输入服务密码")
	require.Equal(t, "zh", p.lang())
	p.Click("#screen form button.main")
	p.waitForTitle("输入短信验证码")
	p.Reload()
	p.waitForTitle("输入短信验证码")
}

// What could not be sent is sent once, when the connection is back, unless the person
// has changed it.
func TestOfflineSaysSoAndSendsLaterOnlyWhatWasAsked(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Phone.In("zh-CN"))
	p.apply()
	p.waitForTitle("输入服务密码")
	sent := len(w.Requests())

	p.connect(false)
	p.WaitForText("网络连接已断开，正在重试")
	p.enter("password", p.person.Password[:4])
	p.WaitForText("连接恢复后会自动提交")
	p.inspect("offline")
	p.CheckAccessibility()
	p.Type("input[name=password]", p.person.Password[4:]) // changed
	p.WaitForText("您填写的内容没有丢失")
	p.connect(true)
	p.WaitFor("document.getElementById('connection').hidden")
	require.Len(t, w.Requests(), sent, "nothing was sent without the person")
	require.Equal(t, p.person.Password, p.value("password"))

	p.connect(false)
	p.Click("#screen form button.main")
	p.WaitForText("连接恢复后会自动提交")
	require.Len(t, w.Requests(), sent)
	p.connect(true)
	p.waitForTitle("输入短信验证码")
	require.Equal(t, 1, w.Arrivals(p.person.Password))
}

// What was certainly not submitted stays in the field.
func TestWhatWasNotSubmittedStays(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Phone.In("zh-CN"))
	p.apply()
	p.waitForTitle("输入服务密码")
	w.FaultNext(simulator.DropAfterReading())
	p.enter("password", p.person.Password)
	p.WaitForText("不确定刚才的密码是否已核对")
	require.Empty(t, p.value("password"), "it may have been submitted")
	require.Empty(t, browsertest.Eval[string](p.Tab, "document.querySelector('.wrong')?.textContent ?? ''"), "it is nobody's fault")
}

// A message is pasted whole: the digits of its code are what is sent.
func TestAPastedMessageIsRead(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Phone.In("zh-CN"))
	p.person.Phone = "+86 " + p.person.Phone[:3] + " " + p.person.Phone[3:7] + "-" + p.person.Phone[7:]
	p.apply()
	p.person = personAt(t, "plain")
	p.waitForTitle("输入服务密码")
	p.enter("password", p.person.Password)
	p.waitForTitle("输入短信验证码")
	code := w.code(t, p.person)
	message := fmt.Sprintf("【江苏移动】您的验证码为%s，5分钟内有效。\n请勿泄露。", code)
	browsertest.Eval[bool](p.Tab, fmt.Sprintf(`(input => {
		const clipboard = new DataTransfer()
		clipboard.setData('text', %q)
		return input.dispatchEvent(new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true, cancelable: true }))
	})(document.querySelector('input[name=code]'))`, message))
	require.Contains(t, p.value("code"), code)
	p.Click("#screen form button.main")
	p.waitForTitle("验证成功")
	require.Equal(t, 1, w.Arrivals(code))
}
