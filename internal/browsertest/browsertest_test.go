package browsertest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

var shared browsertest.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.Around(m)) }

const goodPage = `<!doctype html><html lang="en"><head><title>Good</title><meta name="viewport" content="width=device-width">
<script src="/count.js"></script></head>
<body><main><h1>Good</h1><label for="name">Name</label><input id="name"><button id="count">0</button><p id="who"></p><a href="/other">Other</a></main></body></html>`

const script = `addEventListener('DOMContentLoaded', () => {
	const button = document.getElementById('count')
	button.addEventListener('click', () => button.textContent++)
	document.getElementById('who').textContent = [navigator.language, innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, document.cookie]
})`

// newSite serves a good page at /, and at /bad a page with the given body.
func newSite(t *testing.T, bad string) string {
	mux := http.NewServeMux()
	page := func(path, kind, text string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'")
			_, _ = fmt.Fprint(w, text)
		})
	}
	page("/{$}", "text/html", goodPage)
	waiting := make(chan struct{}) // closed once WaitFor polls on the form
	mux.HandleFunc("/form", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `<!doctype html><title>Form</title><form action="/slow"><input name="word"></form>`)
	})
	arrive := sync.OnceFunc(func() { close(waiting) })
	mux.HandleFunc("/waiting", func(http.ResponseWriter, *http.Request) { arrive() })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-waiting:
		case <-time.After(3 * time.Second): // the poll need not arrive while the page navigates
		}
		http.Redirect(w, r, "/other", http.StatusSeeOther)
	})
	page("/other", "text/html", `<!doctype html><html lang="en"><title>Other</title><h1>Other</h1>`)
	page("/count.js", "text/javascript", script)
	page("/throws.js", "text/javascript", "null.property")
	page("/bad", "text/html", `<!doctype html><title>Bad</title>`+bad)
	mux.HandleFunc("/favicon.ico", func(http.ResponseWriter, *http.Request) {})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func TestTypeClickAndReload(t *testing.T) {
	t.Parallel()
	tab := shared.Tab(t, browsertest.Wide)
	tab.Open(newSite(t, ""))
	tab.Type("#name", "abc")
	require.Equal(t, "abc", browsertest.Eval[string](tab, "document.getElementById('name').value"))
	tab.DoubleClick("#count")
	tab.WaitFor("document.getElementById('count').textContent === '2'")
	tab.Press(browsertest.TabKey)
	tab.Click("#count")
	require.Equal(t, "3", tab.Text("#count"))
	tab.Reload()
	tab.Press(browsertest.TabKey + "x" + browsertest.TabKey + browsertest.Space)
	require.Equal(t, "1", tab.Text("#count"))
	tab.CheckAccessibility()
	tab.Follow("a")
	require.Equal(t, "Other", tab.Text("h1"))
}

// The page navigates while WaitFor evaluates its expression.
func TestWaitForSurvivesANavigation(t *testing.T) {
	t.Parallel()
	tab := shared.Tab(t, browsertest.Wide)
	tab.Open(newSite(t, "") + "/form")
	tab.Type("input", "abc"+browsertest.Enter)
	tab.WaitFor("document.title === 'Other' || (new Image().src = '/waiting', false)")
	require.Equal(t, "Other", tab.Text("h1"))
}

func TestAViewHasASizeALanguageAndColours(t *testing.T) {
	t.Parallel()
	url := newSite(t, "")
	tab := shared.Tab(t, browsertest.Narrow.In("zh-CN").InDarkMode())
	tab.Open(url)
	require.Equal(t, "zh-CN,320,true,", tab.Text("#who"))
	tab = shared.Tab(t, browsertest.View{})
	tab.Open(url)
	require.Equal(t, "en,1280,false,", tab.Text("#who"))
}

func TestSiblingsShareCookiesAndOtherTabsDoNot(t *testing.T) {
	t.Parallel()
	url := newSite(t, "")
	tab := shared.Tab(t, browsertest.Wide)
	tab.Open(url)
	browsertest.Eval[string](tab, "document.cookie = 'mine=1'")
	sibling, other := tab.Sibling(browsertest.Phone), shared.Tab(t, browsertest.Wide)
	sibling.Open(url)
	other.Open(url)
	require.Contains(t, sibling.Text("#who"), "mine=1")
	require.NotContains(t, other.Text("#who"), "mine=1")
}

func TestScreenshotsAreWrittenToTheFolderOfTheEnvironment(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made")
	t.Setenv("CARRIERFSM_SCREENSHOTS", "")
	tab := shared.Tab(t, browsertest.Phone)
	tab.Open(newSite(t, ""))
	tab.Screenshot("nowhere")
	t.Setenv("CARRIERFSM_SCREENSHOTS", folder)
	tab.Screenshot("a page/with: a name")
	picture, err := os.ReadFile(filepath.Join(folder, "a-page-with-a-name.png"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(picture), "\x89PNG"))
}

func TestAPictureForADocumentIsSmall(t *testing.T) {
	t.Parallel()
	tab := shared.Tab(t, browsertest.Wide)
	tab.Open(newSite(t, ""))
	file := filepath.Join(t.TempDir(), "made", "picture.png")
	tab.Picture(file)
	picture, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(picture), "\x89PNG"))
	require.Less(t, len(picture), 100<<10)
}

// Each bad page must cause a failure with this text.
func TestConsoleErrorsFailATest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, body, says string }{
		{"an exception", `<script src="/throws.js"></script>`, "TypeError"},
		{"an inline script against the policy", `<script>1</script>`, "Content Security Policy"},
		{"an inline style against the policy", `<p style="color: red">`, "Content Security Policy"},
		{"a missing file", `<script src="/missing.js"></script>`, "404"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			url := newSite(t, c.body) + "/bad"
			failures := failuresOf(t, func(tb testing.TB) {
				tab := shared.Browser(t).Tab(tb, browsertest.Wide)
				tab.Open(url)
			})
			require.Contains(t, failures, c.says)
			require.Empty(t, failuresOf(t, func(tb testing.TB) {
				tab := shared.Browser(t).Tab(tb, browsertest.Wide)
				tab.IgnoreConsole(c.says)
				tab.IgnoreConsole("MIME type") // of the 404 response
				tab.Open(url)
			}))
		})
	}
}

func TestAnInaccessiblePageFailsATest(t *testing.T) {
	if os.Getenv("CARRIERFSM_AXE") == "" && os.Getenv("CARRIERFSM_BROWSER") != "required" {
		t.Skip("CARRIERFSM_AXE names no axe.min.js")
	}
	t.Parallel()
	url := newSite(t, `<input>`) + "/bad"
	failures := failuresOf(t, func(tb testing.TB) {
		tab := shared.Browser(t).Tab(tb, browsertest.Wide)
		tab.Open(url)
		tab.CheckAccessibility()
	})
	require.Contains(t, failures, "html-has-lang")
	require.Contains(t, failures, "label")
}

func TestAMissingChromiumSkipsATestOrFailsIfRequired(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("CARRIERFSM_BROWSER", "")
	var missing browsertest.Shared
	w := record(t, func(tb testing.TB) { missing.Browser(tb) })
	require.Contains(t, w.skipped, "apt-get install chromium")
	require.Empty(t, w.failed)
	t.Setenv("CARRIERFSM_BROWSER", "required")
	w = record(t, func(tb testing.TB) { missing.Browser(tb) })
	require.Contains(t, w.failed, "apt-get install chromium")
}
