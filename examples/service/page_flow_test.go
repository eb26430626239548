package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// What each carrier of the simulator leads a person through, in the page's
// Chinese titles; the last one is the end. On the narrowest screen.
func TestThePageLeadsThroughEachCarrier(t *testing.T) {
	t.Parallel()
	const (
		password, query    = "输入服务密码", "输入查询密码"
		code, second, cxxd = "输入短信验证码", "再输入一个验证码", "用您的手机发送短信"
		reset              = "重置服务密码"
		done, failed       = "验证成功", "未通过验证"
	)
	walks := map[string][]string{
		"plain":           {password, code, done},
		"unicom":          {password, done},
		"beijing":         {password, code, query, done},
		"sichuan":         {password, code, second, done},
		"jilin":           {password, cxxd, done},
		"reissue":         {password, code, done},
		"weak":            {password, "请先修改服务密码"},
		"weak-resettable": {password, password, reset, password, done},
		"reset-by-sms":    {password, password, reset, password, code, done},
		"unreal":          {password, code, failed},
		"offline":         {"暂不支持您的运营商"},
		"two-sources":     {password, code, password, code, done},
		"second-source":   {password, code, done},
		"no-report":       {password, code, done},
	}
	require.Len(t, walks, len(simulator.Carriers()), "every carrier is in the table above")
	w := newWorld(t)
	r := start(t, quick(w))
	for carrier, titles := range walks {
		t.Run(carrier, func(t *testing.T) {
			t.Parallel()
			p := visit(t, r, w, carrier, browsertest.Narrow.In("zh-CN"))
			p.sees("验证您的手机号")
			p.apply()
			for i, title := range titles {
				p.sees(title)
				if i < len(titles)-1 {
					p.answer()
				}
			}
		})
	}
}

// answer answers what the page asks, as somebody would who knows everything.
func (p *visitor) answer() {
	p.t.Helper()
	switch {
	case browsertest.Eval[bool](p.Tab, "!!document.querySelector('button.main[data-input=request_reset]')"):
		p.press("request_reset")
	case p.title() == "输入查询密码":
		p.enter("password", p.self.QueryPassword)
	case p.field() == "password":
		p.enter("password", p.password())
	case browsertest.Eval[bool](p.Tab, "!!document.querySelector('input[name=new_password]')"):
		p.Type("input[name=new_password]", p.self.NewPassword)
		p.enter("code", p.w.code(p.t, p.self))
	default:
		p.w.TextCXXD(p.self.Phone) // where nobody waits for it, nothing happens
		p.enter("code", p.w.code(p.t, p.self))
	}
}

// password is the one that fits where the page says that it is.
func (p *visitor) password() string {
	p.t.Helper()
	website, about := "", p.Text("#screen .about")
	for _, c := range simulator.Carriers() {
		if strings.HasPrefix(about, c.Name) {
			website = c.Website
		}
	}
	known := []string{p.self.Password, p.self.NextPassword, p.self.NewPassword}
	for _, message := range p.w.Inbox(p.self.Phone) {
		known = append(known, message.Code)
	}
	i := slices.IndexFunc(known, func(password string) bool { return p.w.HasPassword(p.self.Phone, website, password) })
	require.GreaterOrEqual(p.t, i, 0, "no password fits")
	return known[i]
}

func TestAReloadLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := visit(t, start(t, quick(w)), w, "plain", browsertest.Phone.In("en"))
	p.Reload()
	p.sees("Verify your phone number")
	p.apply()
	p.sees("Enter your service password")
	p.Reload()
	p.sees("Enter your service password")
	p.enter("password", p.self.Password)
	p.sees("Enter the code")
	p.Reload()
	p.sees("Enter the code")
	require.Contains(t, p.Text("#screen .about"), "138****8000")
	p.enter("code", w.code(t, p.self))
	p.sees("Verified")
	p.Reload()
	p.sees("Verified")
	p.press("anew")
	p.sees("Verify your phone number")
}

func TestADoubleClickSendsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := visit(t, start(t, quick(w)), w, "plain", browsertest.Wide.In("en"))
	p.fillApplication()
	p.DoubleClick("#screen form button.main")
	p.sees("Enter your service password")
	require.Len(t, w.Requests(), 1)
	p.Type("input[name=password]", p.self.Password)
	p.DoubleClick("#screen form button.main")
	p.sees("Enter the code")
	require.Equal(t, 1, w.Arrivals(p.self.Password))
	code := w.code(t, p.self)
	p.Type("input[name=code]", code)
	p.DoubleClick("#screen form button.main")
	p.sees("Verified")
	require.Equal(t, 1, w.Arrivals(code))
	require.Len(t, w.Requests(), 3)
}

// Each tab shows what was answered in the other, without a reload.
func TestTwoTabsShowTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := start(t, quick(w))
	one := visit(t, r, w, "plain", browsertest.Wide.In("en"))
	two := *one
	two.Tab = one.Sibling(browsertest.Wide.In("en"))
	two.Open(r.url)
	two.sees("Verify your phone number")
	two.Type("input[name=name]", "half a name")
	one.BringToFront()
	one.apply()
	one.sees("Enter your service password")
	two.sees("Enter your service password")
	two.BringToFront()
	two.enter("password", two.self.Password)
	two.sees("Enter the code")
	one.sees("Enter the code")
	one.BringToFront()
	one.enter("code", w.code(t, one.self))
	one.sees("Verified")
	two.sees("Verified")
	two.BringToFront()
	two.press("anew")
	two.sees("Verify your phone number")
	one.sees("Verify your phone number")
}

func TestSomebodyElsesLanguageIsOneClickAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := visit(t, start(t, quick(w)), w, "jilin", browsertest.Phone.In("zh-CN"))
	p.sees("验证您的手机号")
	p.Follow("header a")
	p.sees("Verify your phone number")
	p.apply()
	p.sees("Enter your service password")
	p.Follow("header a")
	p.sees("输入服务密码")
	p.enter("password", p.self.Password)
	p.sees("用您的手机发送短信")
	require.Equal(t, "sms:10001?body=CXXD", browsertest.Eval[string](p.Tab, "document.querySelector('#screen a').getAttribute('href')"))
	p.Follow("header a")
	p.sees("Text your operator")
}

// Tab, space and Enter are enough, and each new question has the focus.
func TestTheKeyboardIsEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := visit(t, start(t, quick(w)), w, "plain", browsertest.Wide.In("en"))
	tab := browsertest.Tabulator
	p.Press(tab) // the other language
	for field, value := range []string{p.self.Name, p.self.IDCard, p.self.Phone} {
		p.Press(tab)
		require.Equal(t, []string{"name", "id_card", "phone"}[field], p.focused())
		p.Press(value)
	}
	p.Press(tab + browsertest.Space + tab + browsertest.Enter)
	p.sees("Enter your service password")
	require.Equal(t, "password", p.focused())
	p.Press(p.self.Password + tab + browsertest.Space)
	require.Equal(t, p.self.Password, browsertest.Eval[string](p.Tab, "document.querySelector('input[name=password][type=text]').value"), "shown")
	p.PressShift(tab)
	p.Press(browsertest.Enter)
	p.sees("Enter the code")
	require.Equal(t, "code", p.focused())
	p.Press(browsertest.Enter)
	require.Equal(t, "code", p.focused(), "an empty field keeps the focus")
	p.WaitForText("This is needed.")
	require.Contains(t, browsertest.Eval[string](p.Tab, "document.activeElement.getAttribute('aria-describedby')"), "field-code-wrong")
	p.inspect("empty field")
	p.Press(w.code(t, p.self) + browsertest.Enter)
	p.sees("Verified")
	require.Equal(t, "title", p.focused())
	p.Press(tab + browsertest.Enter)
	p.sees("Verify your phone number")
}

func TestAVerificationCanBeCanceled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := visit(t, start(t, quick(w)), w, "plain", browsertest.Phone.In("zh-CN"))
	p.apply()
	p.sees("输入服务密码")
	p.press("cancel")
	p.sees("验证已取消")
	p.press("anew")
	p.sees("验证您的手机号")
}

// Whoever has the simulator only can play every part with the simulated phone.
func TestTheSimulatedPhoneIsEnoughToPlay(t *testing.T) {
	t.Parallel()
	p := visit(t, start(t, quick(nil)), nil, "jilin", browsertest.Wide.In("en"))
	p.WaitFor("document.querySelectorAll('#phone option').length > 4")
	browsertest.Eval[string](p.Tab, "(s => { s.value = '4'; s.dispatchEvent(new Event('change')); return s.value })(document.getElementById('person'))")
	p.Click("#phone > button:nth-of-type(1)")
	p.Click("input[name=consent]")
	p.Click("#screen form button.main")
	p.sees("Enter your service password")
	p.Click("#phone dd button")
	p.Click("#screen form button.main")
	p.sees("Text your operator")
	p.Click("#phone > button:nth-of-type(2)")
	p.Click("#phone li button")
	p.Click("#screen form button.main")
	p.sees("Verified")
}
