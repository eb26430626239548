package console_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

// inChinese returns the visible text of a page in Chinese.
func (s *fixture) inChinese(path string) string {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/console/"+path, nil)
	r.Header.Set("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8")
	w := s.do(r)
	require.Contains(s.t, w.Body.String(), `<html lang="zh">`, path)
	return visibleText(w.Body.String())
}

// data are the words on the busy fixture's pages that no language has: names of websites,
// handlers, operators, versions and words of upstream.
var data = regexp.MustCompile(`https?://\S+|chinamobile\w+|chinaunicom\w*|chinatelecom\w*|carrierfsm|the mail server is away|notify|ledger|figures|late|li\.wei|[a-z]+-[\w-]+|test-\d|test\b|CONTROL|ERROR|SUBMIT_\w+|RESEND_\w+|UTC|English|Run\b|Reporter|JSON|CSV|panic|<[^>]*>|alert\(.*?\)|onerror=\S+`)

// The words that the code puts together with values are not translated yet.
var left = regexp.MustCompile(`asked for by|Path:.*`)

func TestEveryTextHasAChineseOne(t *testing.T) {
	t.Parallel()
	require.Empty(t, console.Untranslated(), "add lines to web/zh.txt")
	require.Empty(t, console.Unused(), "delete lines from web/zh.txt")
	s := newBusyFixture(t)
	english := regexp.MustCompile(`[A-Za-z]{3,}`)
	for name, path := range allPages {
		text := left.ReplaceAllString(data.ReplaceAllString(s.inChinese(path), ""), "")
		require.Empty(t, english.FindAllString(text, -1), "%s: %s", name, text)
	}
}

// A text that is a class, an address or a value is no text.
func TestOnlyWhatIsReadIsTranslated(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		`<p class="State">State</p>`:                      `<p class="State">状态</p>`,
		`<a aria-label="State" href="State"> State </a>`:  `<a aria-label="状态" href="State"> 状态 </a>`,
		`<input name="State" value="State"><b>Step</b>`:   `<input name="State" value="State"><b>步骤</b>`,
		`no text of ours`:                                 `no text of ours`,
		`<time title="Due">Due</time> <code>State </code`: `<time title="到期时间">到期时间</time> <code>状态 </code`,
	} {
		require.Equal(t, want, console.ToChinese(from))
	}
}

func TestTheLanguageIsTheBrowsersOrTheOneThatWasChosen(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	require.Contains(t, s.inChinese("list"), "任何事件")
	for accepted, want := range map[string]string{"": "en", "en-GB": "en", "fr": "en", "fr,zh": "zh", "zh-TW": "zh"} {
		r := httptest.NewRequest(http.MethodGet, "/console/list", nil)
		r.Header.Set("Accept-Language", accepted)
		require.Contains(t, s.do(r).Body.String(), `<html lang="`+want+`">`, accepted)
	}
	choose := func(to, from string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/console/language", strings.NewReader("to="+to))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Referer", from)
		return s.do(r)
	}
	w := choose("zh", "https://ops.example/console/list?state=done")
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "./list?state=done", w.Header().Get("Location"))
	require.Contains(t, w.Header().Get("Set-Cookie"), "=zh; ")
	require.Contains(t, choose("<b>", "").Header().Get("Set-Cookie"), "=en; ", "another language is none")
	for _, elsewhere := range []string{"", "https://elsewhere.example/other", "/console/act", "/console/language", "%", `\\\\elsewhere`} {
		require.Equal(t, "./", choose("zh", elsewhere).Header().Get("Location"), elsewhere)
	}
	require.Equal(t, http.StatusForbidden, s.do(httptest.NewRequest(http.MethodPost, "/console/language", nil)).Code, "not by the page of another site")
}

// strayBlanks are the spaces of a page between Chinese characters or beside full-width
// marks. Controls stand apart.
const strayBlanks = `(() => {
	document.querySelectorAll('button, .state, #zone, fieldset, .key, .go, .actions, .pages, .tick').forEach((control) => control.remove())
	return document.body.innerText.match(/.{0,6}([\p{sc=Han}，。：；（）] +[\p{sc=Han}，。：；（）]|[，。：；（] +\S|\S +[，。：；）]).{0,6}/gu) || []
})()`

// The pages in Chinese fit, are accessible, and lead back to the same page in English.
func TestTheConsoleInChinese(t *testing.T) {
	t.Parallel()
	s := newBusyFixture(t)
	tab, url := s.tab(browsertest.Wide.In("zh-CN"), s.console.ServeHTTP)
	tab.Open(url + "verification?id=person-with-a-long-way")
	tab.Screenshot("zh-verification")
	tab.CheckAccessibility()
	tab.Follow(".language button")
	require.Equal(t, "en", browsertest.Eval[string](tab, "document.documentElement.lang"))
	require.True(t, strings.HasSuffix(browsertest.Eval[string](tab, "location.href"), "verification?id=person-with-a-long-way"))
	tab.Follow(".language button")
	for _, page := range []string{"", "list", "attention", "handlers", "handlers?name=notify", "acts", "replay?name=notify", "confirm?do=erase&id=in-doubt", "verification?id=person-05"} {
		tab.Open(s.consoleOf(tab) + page)
		tab.Screenshot("zh-" + page)
		tab.CheckAccessibility()
		require.Empty(t, browsertest.Eval[[]string](tab, strayBlanks), page)
	}
}

// consoleOf returns the address of the console in a tab.
func (*fixture) consoleOf(tab *browsertest.Tab) string {
	return browsertest.Eval[string](tab, "new URL('./', location.href).href")
}
