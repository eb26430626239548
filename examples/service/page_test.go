package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// Each carrier's flow, as the page's Chinese titles, of which the last is the end, on
// the narrowest screen.
func TestThePageCompletesEachCarrier(t *testing.T) {
	t.Parallel()
	const (
		password, query    = "输入服务密码", "输入查询密码"
		code, second, cxxd = "输入短信验证码", "再输入一个验证码", "用您的手机发送短信"
		must, reset        = "请先重置服务密码", "重置服务密码"
		choose             = "设置新的服务密码"
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
		"weak-resettable": {password, must, choose, password, done},
		"reset-by-sms":    {password, must, reset, password, code, done},
		"unreal":          {password, code, failed},
		"offline":         {"暂不支持您的运营商"},
		"two-sources":     {password, code, password, code, done},
		"second-source":   {password, code, done},
		"no-report":       {password, code, done},
	}
	require.Len(t, walks, len(simulator.Carriers()), "every carrier is in the table above")
	w := newAggregator(t)
	r := start(t, testOptions(w))
	for carrier, titles := range walks {
		t.Run(carrier, func(t *testing.T) {
			t.Parallel()
			p := visit(t, r, w, carrier, browsertest.Narrow.In("zh-CN"))
			p.waitForTitle("验证您的手机号")
			p.apply()
			for i, title := range titles {
				p.waitForTitle(title)
				if carrier == "two-sources" && i == 2 {
					require.Equal(t, "安徽移动已完成（1/2），接下来验证安徽电信。", p.why())
					require.Contains(t, p.Text(".progress"), "运营商 2/2")
				}
				if i < len(titles)-1 {
					p.answer()
				}
			}
		})
	}
}

// answer gives the right answer to the page's question.
func (p *visitor) answer() {
	p.t.Helper()
	switch {
	case browsertest.Eval[bool](p.Tab, "!!document.querySelector('button.main[data-input=request_reset]')"):
		p.press("request_reset")
	case p.title() == "输入查询密码":
		p.enter("password", p.person.QueryPassword)
	case p.field() == "password":
		p.enter("password", p.password())
	case browsertest.Eval[bool](p.Tab, "!!document.querySelector('input[name=new_password]')"):
		p.Type("input[name=new_password]", p.person.NewPassword)
		p.enter("code", p.w.code(p.t, p.person))
	default:
		p.w.TextCXXD(p.person.Phone) // has no effect unless the carrier waits for it
		p.enter("code", p.w.code(p.t, p.person))
	}
}

// password returns the present password for the operator that the page shows.
func (p *visitor) password() string {
	p.t.Helper()
	website, about := "", p.Text("#screen .about")
	for _, c := range simulator.Carriers() {
		if strings.HasPrefix(about, c.Name) {
			website = c.Website
		}
	}
	known := []string{p.person.Password, p.person.NextPassword, p.person.NewPassword}
	for _, message := range p.w.Inbox(p.person.Phone) {
		known = append(known, message.Code)
	}
	i := slices.IndexFunc(known, func(password string) bool { return p.w.HasPassword(p.person.Phone, website, password) })
	require.GreaterOrEqual(p.t, i, 0, "no password fits")
	return known[i]
}

func TestAReloadLosesNothing(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Narrow.In("en"))
	p.Reload()
	p.waitForTitle("Verify your phone number")
	p.apply()
	p.waitForTitle("Enter your service password")
	p.Reload()
	p.waitForTitle("Enter your service password")
	p.enter("password", p.person.Password)
	p.waitForTitle("Enter the code")
	p.Reload()
	p.waitForTitle("Enter the code")
	require.Contains(t, p.Text("#screen .about"), "138****8000")
	p.enter("code", w.code(t, p.person))
	p.waitForTitle("Verified")
	p.Reload()
	p.waitForTitle("Verified")
	require.Contains(t, p.Text("#text"), "is now being collected")
	require.Zero(t, browsertest.Eval[int](p.Tab, "document.querySelectorAll('#screen button').length"), "what is done is not begun again")
	require.Equal(t, "https://shop.example/orders", browsertest.Eval[string](p.Tab, "document.querySelector('#return:not([hidden]) a').href"))
}

func TestADoubleClickSendsOnce(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Wide.In("en"))
	p.fillApplication()
	p.DoubleClick("#screen form button.main")
	p.waitForTitle("Enter your service password")
	require.Len(t, w.Requests(), 1)
	p.Type("input[name=password]", p.person.Password)
	p.DoubleClick("#screen form button.main")
	p.waitForTitle("Enter the code")
	require.Equal(t, 1, w.Arrivals(p.person.Password))
	code := w.code(t, p.person)
	p.Type("input[name=code]", code)
	p.DoubleClick("#screen form button.main")
	p.waitForTitle("Verified")
	require.Equal(t, 1, w.Arrivals(code))
	require.Len(t, w.Requests(), 3)
}

// The screen may have changed between the clicks: the second one may meet another
// button in the place of the first.
func TestTheSecondClickOfADoubleClickPressesNoOtherButton(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Wide.In("en"))
	p.apply()
	p.waitForTitle("Enter your service password")
	browsertest.Eval[bool](p.Tab, "document.querySelector('[data-input=cancel]').dispatchEvent(new MouseEvent('click', { detail: 2, bubbles: true }))")
	p.enter("password", p.person.Password)
	p.waitForTitle("Enter the code")
}

// Each tab shows the result of an answer in the other, without a reload.
func TestTwoTabsShowTheSame(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	r := start(t, testOptions(w))
	one := visit(t, r, w, "plain", browsertest.Wide.In("en"))
	two := *one
	two.Tab = one.Sibling(browsertest.Wide.In("en"))
	two.Open(r.url)
	two.waitForTitle("Verify your phone number")
	two.Type("input[name=name]", "half a name")
	one.BringToFront()
	one.apply()
	one.waitForTitle("Enter your service password")
	two.waitForTitle("Enter your service password")
	two.BringToFront()
	two.enter("password", two.person.Password)
	two.waitForTitle("Enter the code")
	one.waitForTitle("Enter the code")
	one.BringToFront()
	one.enter("code", w.code(t, one.person))
	one.waitForTitle("Verified")
	two.waitForTitle("Verified")
}

func TestTheOtherLanguageIsOneClickAway(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "jilin", browsertest.Phone.In("zh-CN"))
	p.waitForTitle("验证您的手机号")
	p.Click("header a")
	p.waitForTitle("Verify your phone number")
	p.apply()
	p.waitForTitle("Enter your service password")
	p.Click("header a")
	p.waitForTitle("输入服务密码")
	p.enter("password", p.person.Password)
	p.waitForTitle("用您的手机发送短信")
	require.Equal(t, "sms:10001?body=CXXD", browsertest.Eval[string](p.Tab, "document.querySelector('#screen a').getAttribute('href')"))
	p.Click("header a")
	p.waitForTitle("Text your carrier")
}

// Tab, Space and Enter are enough, and each new question gets the focus.
func TestTheKeyboardIsEnough(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Wide.In("en"))
	tab := browsertest.TabKey
	p.Press(tab) // the link to the other language
	for field, value := range []string{p.person.Name, p.person.IDCard, p.person.Phone} {
		p.Press(tab)
		require.Equal(t, []string{"name", "id_card", "phone"}[field], p.focused())
		p.Press(value)
	}
	p.Press(tab) // the terms
	p.Press(tab + browsertest.Space + tab + browsertest.Space + tab + browsertest.Enter)
	p.waitForTitle("Enter your service password")
	require.Equal(t, "password", p.focused())
	p.Press(p.person.Password + tab + browsertest.Space)
	require.Equal(t, p.person.Password, browsertest.Eval[string](p.Tab, "document.querySelector('input[name=password][type=text]').value"), "shown")
	p.PressShift(tab)
	p.Press(browsertest.Enter)
	p.waitForTitle("Enter the code")
	require.Equal(t, "code", p.focused())
	p.Press(browsertest.Enter)
	require.Equal(t, "code", p.focused(), "an empty field keeps the focus")
	p.WaitForText("Fill in this field.")
	require.Contains(t, browsertest.Eval[string](p.Tab, "document.activeElement.getAttribute('aria-describedby')"), "field-code-wrong")
	p.inspect("empty field")
	p.Press(w.code(t, p.person) + browsertest.Enter)
	p.waitForTitle("Verified")
	require.Equal(t, "title", p.focused())
	p.Press(tab)
	require.Equal(t, "Return to Test Shop", browsertest.Eval[string](p.Tab, "document.activeElement.textContent"))
}

func TestAVerificationCanBeCanceled(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Phone.In("zh-CN"))
	p.apply()
	p.waitForTitle("输入服务密码")
	p.press("cancel")
	p.WaitFor("document.getElementById('confirm').open")
	require.Contains(t, p.Text("#confirm"), "确定要取消本次验证吗？")
	p.inspect("cancel")
	p.CheckAccessibility()
	p.Click("#confirm button[value=no]")
	p.Type("input[name=password]", "1")
	require.Equal(t, "输入服务密码", p.title(), "nothing was canceled")
	p.confirm("cancel", "yes")
	p.waitForTitle("验证已取消")
	require.Equal(t, "ended", browsertest.Eval[string](p.Tab, "document.getElementById('screen').className"), "it is nobody's fault")
	p.press("anew")
	p.waitForTitle("验证您的手机号")
}

// A wrong number can be corrected: the form has what was entered.
func TestAWrongNumberCanBeCorrected(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Phone.In("zh-CN"))
	right := p.person
	p.person.Phone = personAt(t, "unicom").Phone
	p.person.IDCard = personAt(t, "unicom").IDCard
	p.apply()
	p.waitForTitle("输入服务密码")
	p.confirm("correct", "no")
	p.confirm("correct", "yes")
	p.waitForTitle("验证您的手机号")
	for field, value := range map[string]string{"name": right.Name, "id_card": p.person.IDCard, "phone": p.person.Phone} {
		require.Equal(t, value, browsertest.Eval[string](p.Tab, "document.querySelector('input[name="+field+"]').value"))
	}
	browsertest.Eval[bool](p.Tab, "document.querySelectorAll('input[name=id_card], input[name=phone]').forEach(i => { i.value = '' }), true")
	p.Type("input[name=id_card]", right.IDCard)
	p.Type("input[name=phone]", right.Phone)
	p.agree()
	p.Click("#screen form button.main")
	p.waitForTitle("输入服务密码")
	require.Contains(t, p.Text("#screen .about"), "江苏移动")
}

// With the built-in simulator, the simulated phone has all values that the page asks
// for.
func TestTheSimulatedPhoneIsEnoughToCompleteARun(t *testing.T) {
	t.Parallel()
	p := visit(t, start(t, testOptions(nil)), nil, "jilin", browsertest.Wide.In("en"))
	p.WaitFor("document.querySelectorAll('#phone option').length > 4")
	browsertest.Eval[string](p.Tab, "(s => { s.value = '4'; s.dispatchEvent(new Event('change')); return s.value })(document.getElementById('person'))")
	p.Click("#phone > button:nth-of-type(1)")
	p.agree()
	p.Click("#screen form button.main")
	p.waitForTitle("Enter your service password")
	p.Click("#phone dd button")
	p.Click("#screen form button.main")
	p.waitForTitle("Text your carrier")
	p.Click("#phone > button:nth-of-type(2)")
	p.Click("#phone li button")
	p.Click("#screen form button.main")
	p.waitForTitle("Verified")
	p.Click("header a")
	p.waitForTitle("验证成功")
	require.Contains(t, p.Text("#phone"), "模拟手机")
	p.CheckAccessibility()
	p.Click("#phone > button:nth-of-type(3)")
	p.waitForTitle("验证您的手机号")
}
