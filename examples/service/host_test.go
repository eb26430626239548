package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

// A host's file, changed by replacing a text.
func hostFile(t *testing.T, old, with string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/host.json")
	require.NoError(t, err)
	require.Contains(t, string(text), old)
	path := filepath.Join(t.TempDir(), "host.json")
	logo, err := os.ReadFile("testdata/logo.svg")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "logo.svg"), logo, 0o600))
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), old, with, 1)), 0o600))
	return path
}

// Real persons never agree to the text of the demonstration.
func TestTheServiceRefusesToStartWithoutAConsentOfItsHost(t *testing.T) {
	t.Parallel()
	demo := filepath.Join(t.TempDir(), "demo.json")
	require.NoError(t, os.WriteFile(demo, demoHost(), 0o600))
	owner, err := parseHost(demoHost())
	require.NoError(t, err)
	for rule, c := range map[string]struct{ path, want string }{
		"no file":                            {"", "-host is the file with yours"},
		"a file that is not there":           {filepath.Join(t.TempDir(), "host.json"), "no such file"},
		"the demonstration's file":           {demo, "its consent is that of the demonstration"},
		"the demonstration's version":        {hostFile(t, "test-2026-11", owner.ConsentVersion), "is that of the demonstration"},
		"no version":                         {hostFile(t, `"test-2026-11"`, `""`), "Policy is empty"},
		"a part that is missing":             {hostFile(t, `"privacy@shop.example"`, `""`), `Documents["zh"].Contact is empty`},
		"no name":                            {hostFile(t, `"测试商城"`, `""`), "zh.name is empty"},
		"an unknown member":                  {hostFile(t, `"logo"`, `"picture"`), "unknown field"},
		"a link that runs a script":          {hostFile(t, "tel:4000000000", "javascript:alert(1)"), "zh.help is no label"},
		"a return by HTTP":                   {hostFile(t, "https://shop", "http://shop"), "zh.return is no label"},
		"a return without a host":            {hostFile(t, "https://shop.example", "//shop.example"), "zh.return is no label"},
		"a logo that is not there":           {hostFile(t, "logo.svg", "another.svg"), "no such file"},
		"a logo that is no picture":          {hostFile(t, "logo.svg", "host.json"), "no .svg or .png file"},
		"a folder in place of the host file": {t.TempDir(), "-host"},
	} {
		args := []string{"-addr", "127.0.0.1:0", "-upstream", "https://aggregator.example"}
		if c.path != "" {
			args = append(args, "-host", c.path)
		}
		var errs bytes.Buffer
		require.Equal(t, 2, run(context.Background(), args, io.Discard, &errs), "%s: %s", rule, errs.String())
		require.Contains(t, errs.String(), c.want, rule)
		require.Equal(t, 1, strings.Count(errs.String(), "\n"), rule)
	}
	o := defaultOptions()
	_, err = openHost(o)
	require.NoError(t, err, "the demonstration has its own")
	o.host = demo
	_, err = openHost(o)
	require.NoError(t, err)
}

// The page has the host's name, its logo, its help and the document of its consent.
func TestThePageIsTheHosts(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	r := start(t, testOptions(w))
	p := visit(t, r, w, "plain", browsertest.Phone.In("zh-CN"))
	require.Contains(t, p.Text("header"), "测试商城")
	require.Positive(t, browsertest.Eval[int](p.Tab, "document.querySelector('header img').naturalWidth"))
	require.Equal(t, "tel:4000000000", browsertest.Eval[string](p.Tab, "document.querySelector('footer a').href"))
	terms := p.Text(".terms")
	for _, part := range []string{"版本 test-2026-11", "测试商城有限公司", "近六个月的账单", "分期付款", "数据服务商", "三十天", "撤回同意", "privacy@shop.example"} {
		require.Contains(t, terms, part)
	}
	p.Type("input[name=name]", p.person.Name)
	p.Type("input[name=id_card]", p.person.IDCard)
	p.Type("input[name=phone]", p.person.Phone)
	p.Click("input[name=consent]")
	p.Click("#screen form button.main")
	p.WaitForText("请先勾选此项")
	require.Equal(t, "sensitive_consent", p.focused())
	require.Empty(t, w.Requests(), "one tick is not enough")
	logo := newAPIClient(t, r, "plain").send("GET", "/logo", "")
	require.Equal(t, "image/svg+xml", logo.header.Get("Content-Type"))
	require.Contains(t, logo.body, "#8a3ffc")
}

// The server sends the first screen itself, as the script would show it.
func TestTheFirstScreenIsRenderedByTheServer(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	r := start(t, testOptions(w))
	p := visit(t, r, w, "beijing", browsertest.Narrow.In("en"))
	const same = `fetch(location.href).then(r => r.text()).then(text => {
		const of = e => e.textContent.replace(/\d+:\d\d/g, '').replace(/\s+/g, ' ').trim()
		const rendered = new DOMParser().parseFromString(text, 'text/html').getElementById('screen')
		return of(rendered) === of(document.getElementById('screen')) ? '' : of(rendered) + ' / ' + of(document.getElementById('screen'))
	})`
	for _, title := range []string{"Verify your phone number", "Enter your service password", "Enter the code", "Enter your query password", "Verified"} {
		p.waitForTitle(title)
		require.Empty(t, browsertest.Eval[string](p.Tab, same), title)
		switch title {
		case "Verify your phone number":
			p.apply()
		case "Enter your query password":
			p.enter("password", p.person.QueryPassword)
		case "Verified":
		default:
			p.answer()
		}
	}
	c := newAPIClient(t, r, "plain")
	page := c.send("GET", "/?lang=en", "")
	require.Contains(t, page.body, `<h1 id="title" tabindex="-1">Verify your phone number</h1>`)
	require.Contains(t, page.body, "<fieldset disabled>", "no form is sent without the script")
	require.Empty(t, c.ticket(), "a link from another site must not replace the ticket")
	require.Contains(t, c.send("GET", "/?lang=en", "", "Sec-Fetch-Site", "cross-site").body, "Loading")
}

// A browser that opens an address gets a page in its language; a script gets a problem.
func TestAnErrorIsAPage(t *testing.T) {
	t.Parallel()
	o := testOptions(newAggregator(t))
	o.allowance = rateLimit{burst: 3, perSecond: 0.001}
	r := start(t, o)
	c := newAPIClient(t, r, "plain")
	const html = "text/html,application/xhtml+xml"
	missing := c.send("GET", "/no/such/page?lang=en", "", "Accept", html)
	require.Equal(t, 404, missing.status)
	require.Equal(t, "text/html; charset=utf-8", missing.header.Get("Content-Type"))
	require.Contains(t, missing.body, `<h1 id="title">There is no such page.</h1>`)
	require.Contains(t, missing.body, "Test Shop")
	require.Equal(t, "no_endpoint", c.send("GET", "/no/such/page", "").code())
	require.Equal(t, "no_endpoint", c.send("POST", "/no/such/page", "{}", "Accept", html).code())

	p := &visitor{Tab: browser.Tab(t, browsertest.Narrow.In("zh-CN")), t: t}
	p.IgnoreConsole("status of 404")
	p.Open(r.url + "/no/such/page")
	require.Equal(t, "没有这个页面。", p.title())
	p.inspect("no such page")
	for range 3 {
		require.Equal(t, 200, c.send("GET", "/", "", "Accept", html).status)
	}
	limited := c.send("GET", "/?lang=zh", "", "Accept", html)
	require.Equal(t, 429, limited.status)
	require.NotEmpty(t, limited.header.Get("Retry-After"))
	require.Contains(t, limited.body, "操作过于频繁，请稍候。")
	require.Equal(t, 200, c.send("GET", "/page.css", "").status, "its files are not limited")
}

// A family behind one address, each of whom verifies a number at the same time.
func TestAFamilyDoesNotMeetTheRateLimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := newLimiter(defaultOptions().allowance, func() time.Time { return now }, nil)
	home := clientAddress(requestFrom("192.0.2.1:1000"))
	for range 12 { // persons: two loads, six answers, forty polls, all in one second
		require.Zero(t, l.takeTokens(home, 2*costRead+6*costAnswer))
	}
	for range 120 { // and the polls of two minutes
		now = now.Add(time.Second)
		require.Zero(t, l.takeTokens(home, 12*costRead))
	}
}

// After two wrong passwords the page says until when, and there is no way on before.
func TestAfterTwoWrongPasswordsThereIsNoWayOn(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	p := visit(t, start(t, testOptions(w)), w, "plain", browsertest.Phone.In("zh-CN"))
	p.apply()
	p.waitForTitle("输入服务密码")
	p.enter("password", "000000")
	p.WaitForText("服务密码不正确")
	p.enter("password", "000001")
	p.waitForTitle("服务密码尝试次数已用完")
	require.Regexp(t, `为避免运营商锁定您的号码，本次验证已结束。这个号码今天的次数已用完，\d+月\d+日 \d\d:\d\d（北京时间）之后可以重新验证。`, p.Text("#text"))
	require.True(t, browsertest.Eval[bool](p.Tab, "document.querySelector('button.main[data-input=anew]').disabled"))
	p.press("anew") // for another number
	p.waitForTitle("验证您的手机号")
	p.agree() // the number is still there
	p.Click("#screen form button.main")
	p.waitForTitle("今天的次数已用完")
	require.Empty(t, p.field())
	p.confirm("correct", "yes")
	p.waitForTitle("验证您的手机号")
	require.Equal(t, 2, w.LoginAttempts(p.person.Phone))
}
