package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/browsertest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// add creates one more verification, and waits until the page in a tab has it, or for what
// else shows that it was updated.
func (s *fixture) add(tab *browsertest.Tab, id, shows string) {
	s.t.Helper()
	s.Upstream.Then(fsmtest.Accept("chinaunicom"))
	s.Clock.Advance(time.Second)
	s.addVerification(id)
	tab.WaitFor(shows)
}

func has(text string) string {
	return "document.querySelector('main').textContent.includes('" + text + "')"
}

func TestAnUpdateLosesNothingThatIsTyped(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	tab, url := s.tab(browsertest.Wide, s.console.ServeHTTP)
	tab.Open(url + "list")
	s.add(tab, "first", has("first"))
	tab.Type("#find", "half a ref")
	tab.Press(browsertest.ArrowLeft)
	s.add(tab, "second", has("second"))
	require.Equal(t, "half a ref 9 find", browsertest.Eval[string](tab,
		"(() => { const e = document.activeElement; return e.value + ' ' + e.selectionStart + ' ' + e.id })()"))
	tab.Press("e") // goes on where it was
	tab.Click("#state-done")
	s.add(tab, "third", has("third"))
	require.Equal(t, "half a reef", browsertest.Eval[string](tab, "document.getElementById('find').value"))
	require.True(t, browsertest.Eval[bool](tab, "document.getElementById('state-done').checked"))
	tab.CheckAccessibility()
}

// The form for a replay is in a region that changes with the verification.
func TestAnUpdateLeavesAFormAloneWhileItIsFilledIn(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.setHandlers(map[string]outbox.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }})
	s.must(s.Apply())
	tab, url := s.tab(browsertest.Wide, s.console.ServeHTTP)
	tab.Open(url + "verification?id=v1")
	tab.Type("#reason", "asked in wri")
	s.must(s.Cancel())
	tab.WaitFor(has("failed at step 3: canceled"))
	require.Equal(t, "asked in wri reason 1", browsertest.Eval[string](tab,
		"(() => { const e = document.activeElement; return e.value + ' ' + e.id + ' ' + document.querySelectorAll('.filter').length })()"))
	require.Equal(t, "2", browsertest.Eval[string](tab, "document.getElementById('step').max"), "it waits")
	require.Empty(t, browsertest.Eval[string](tab, "document.querySelector('.actions').textContent.includes('Cancel') ? 'Cancel' : ''"), "no longer offered")
	browsertest.Eval[string](tab, "document.getElementById('reason').value = ''")
	tab.Click("h1")
	tab.WaitFor("document.getElementById('step').max === '3'")
	require.Equal(t, "false", browsertest.Eval[string](tab, "String(document.getElementById('refresh').textContent.includes('failed'))"))
}

// What is open stays open, with the focus, and where it is scrolled.
func TestAnUpdateKeepsWhatIsOpenAndWhereItIsScrolled(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.traffic(10, 3, well)
	s.count()
	tab, url := s.tab(browsertest.Wide, s.console.ServeHTTP)
	tab.Open(url)
	tab.Click("summary")
	tab.WaitFor("document.querySelector('details').open")
	browsertest.Eval[int](tab, "(() => { scrollTo(0, 700); document.querySelector('details').marked = true; return scrollY })()")
	at := browsertest.Eval[int](tab, "scrollY")
	require.Positive(t, at)
	s.Clock.Advance(11 * time.Second) // the figures are cached
	s.traffic(3, 3, well)
	s.count()
	s.add(tab, "one-more", "document.querySelector('details').marked !== true")
	require.True(t, browsertest.Eval[bool](tab, "document.querySelector('details').open"))
	require.Equal(t, "SUMMARY", browsertest.Eval[string](tab, "document.activeElement.tagName"))
	require.Equal(t, at, browsertest.Eval[int](tab, "scrollY"))
}

func TestUpdatesCanBePausedAndAreNotOfferedOnTheAnswerToAForm(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	tab, url := s.tab(browsertest.Wide, s.console.ServeHTTP)
	tab.Open(url + "list")
	pressed := func() string {
		return browsertest.Eval[string](tab, "document.querySelector('#refresh button').getAttribute('aria-pressed')")
	}
	require.Equal(t, "true", pressed())
	tab.Click("#refresh button")
	require.Equal(t, "false", pressed())
	tab.Reload()
	require.Equal(t, "false", pressed(), "it is kept for the tab")
	s.Upstream.Then(fsmtest.Accept("chinaunicom"))
	s.addVerification("while-paused")
	tab.Click("#refresh button")
	tab.WaitFor(has("while-paused"))
	tab.IgnoreConsole("404")
	tab.Open(url + "verification?id=unknown")
	require.True(t, browsertest.Eval[bool](tab, "document.querySelector('#refresh button') === null"), "never on a page that may be the answer to a form")
}

// A browser that gets no stream, from a proxy for instance, asks by time.
func TestAPageWithoutAStreamAsksByTime(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	tab, url := s.tab(browsertest.Wide, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "changes"):
			http.Error(w, "no stream", http.StatusServiceUnavailable)
		case strings.HasSuffix(r.URL.Path, ".js"):
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(strings.Replace(s.page("console.js"), "every = 15000", "every = 200", 1)))
		default:
			s.console.ServeHTTP(w, r)
		}
	})
	tab.IgnoreConsole("503")
	tab.Open(url + "list")
	s.add(tab, "first", has("first"))
	s.add(tab, "second", has("second"))
}

// While a session is over the page stays, and says so.
func TestAFailedUpdateIsSaidAndThePageStays(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	tab, url := s.tab(browsertest.Wide, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Carrierfsm-Update") != "" {
			http.Error(w, "signed out", http.StatusForbidden)
			return
		}
		s.console.ServeHTTP(w, r)
	})
	tab.IgnoreConsole("403")
	tab.Open(url + "list")
	s.add(tab, "first", "document.querySelector('#refresh').textContent.includes('The last update failed.')")
	require.Equal(t, "Verifications", browsertest.Eval[string](tab, "document.querySelector('h1').textContent"))
}
