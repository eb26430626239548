package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

var shared browsertest.Shared

// serve serves a console under a prefix.
func (s *stand) serve(console http.HandlerFunc) string {
	server := httptest.NewServer(console)
	s.t.Cleanup(server.Close)
	return server.URL + "/ops/console/"
}

var everyPage = map[string]string{
	"overview": "", "list": "list", "attention": "attention", "handlers": "handlers", "handler": "handlers?name=notify",
	"long": "verification?id=person-with-a-long-way", "done": "verification?id=person-00", "failed": "verification?id=person-05",
	"sealed": "verification?id=sealed-by-another", "waiting": "verification?id=in-doubt",
	"confirm": "confirm?do=erase&id=in-doubt", "missing": "verification?id=nobody",
}

func TestEveryPageIsAccessibleAndFits(t *testing.T) {
	t.Parallel()
	s := busy(t)
	url := s.serve(s.console.ServeHTTP)
	for size, view := range map[string]browsertest.View{"wide": browsertest.Wide, "phone": browsertest.Phone, "night": browsertest.Wide.AtNight()} {
		tab := shared.Tab(t, view)
		tab.Tolerate("404")
		for name, path := range everyPage {
			if size == "night" && name != "overview" && name != "long" && name != "sealed" && name != "confirm" {
				continue // these have all colours
			}
			tab.Open(url + path)
			tab.Screenshot(size + "-" + name)
			tab.Accessible()
			if w := browsertest.Eval[int](tab, "document.documentElement.scrollWidth - innerWidth"); w > 0 {
				t.Errorf("%s is %d px too wide on a %s screen", name, w, size)
			}
		}
	}
}

// An operator without a mouse, and without any script of ours.
func TestAnOperatorEndsAVerificationWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	s.must(s.Apply())
	tab := shared.Tab(t, browsertest.Wide)
	tab.Open(s.serve(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".js") {
			w.Header().Set("Content-Type", "text/javascript")
			return
		}
		s.console.ServeHTTP(w, r)
	}) + "list")
	arrived := func(selector string) { tab.WaitFor("document.querySelector('" + selector + "')") }
	tab.Type("#find", "v1"+browsertest.Enter)
	arrived("#h-diagram")
	focus := func(words string) {
		t.Helper()
		for range 60 {
			tab.Press(browsertest.Tabulator)
			if browsertest.Eval[string](tab, "document.activeElement.textContent || document.activeElement.id") == words {
				require.True(t, browsertest.Eval[bool](tab, "document.activeElement.matches(':focus-visible')"))
				return
			}
		}
		t.Fatalf("%s can't be reached by the keyboard", words)
	}
	focus("Erase…")
	tab.Press(browsertest.Enter)
	arrived("#sure")
	focus("sure")
	tab.Press(browsertest.Space)
	focus("Erase")
	tab.Press(browsertest.Enter)
	arrived("p.notice")
	tab.Screenshot("wide-erased")
	tab.Accessible()
	require.Equal(t, carrierfsm.Erased, s.last().Event)
	require.Equal(t, "li.wei", s.last().Detail.By)
	tab.Reload()
	require.Len(t, s.History(), 3, "a reload does nothing again")
}

func TestAPageRefreshesItselfOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	tab := shared.Tab(t, browsertest.Wide)
	url := s.serve(s.console.ServeHTTP)
	tab.Open(url)
	pressed := func() string {
		return browsertest.Eval[string](tab, "document.querySelector('#refresh button').getAttribute('aria-pressed')")
	}
	require.Equal(t, "false", pressed())
	tab.Click("#refresh button")
	require.Equal(t, "true", pressed())
	tab.Reload()
	require.Equal(t, "true", pressed(), "it is remembered")
	tab.Click("#refresh button")
	tab.Reload()
	require.Equal(t, "false", pressed())
	tab.Tolerate("404")
	tab.Open(url + "verification?id=nobody")
	require.True(t, browsertest.Eval[bool](tab, "document.querySelector('#refresh button') === null"), "nor what may be the answer to a form")
	tab.Open(url + "list")
	require.True(t, browsertest.Eval[bool](tab, "document.querySelector('#refresh button') === null"), "where something is typed it would be lost")
}
