package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

var shared browsertest.Shared

// serve starts a server and returns the console's URL, under a prefix.
func (s *fixture) serve(console http.HandlerFunc) string {
	server := httptest.NewServer(http.StripPrefix("/ops/console", console))
	s.t.Cleanup(func() {
		_ = server.Config.Shutdown(context.Background()) // ends the streams of open pages
		server.Close()
	})
	return server.URL + "/ops/console/"
}

// tab serves the console and opens a tab, which is closed before the server is: a page
// that loses its stream reports it.
func (s *fixture) tab(view browsertest.View, console http.HandlerFunc) (tab *browsertest.Tab, url string) {
	s.t.Helper()
	url = s.serve(console)
	return shared.Tab(s.t, view), url
}

var allPages = map[string]string{
	"overview": "", "list": "list", "attention": "attention", "handlers": "handlers", "handler": "handlers?name=notify", "acts": "acts", "replays": "replay?name=notify", "replay": "confirm?do=replay&id=v1&handler=notify&step=1",
	"long": "verification?id=person-with-a-long-way", "done": "verification?id=person-00", "failed": "verification?id=person-05",
	"sealed": "verification?id=sealed-by-another", "waiting": "verification?id=in-doubt",
	"confirm": "confirm?do=erase&id=in-doubt", "missing": "verification?id=unknown",
}

func TestEveryPageIsAccessibleAndFits(t *testing.T) {
	t.Parallel()
	s := newBusyFixture(t)
	url := s.serve(s.console.ServeHTTP)
	for size, view := range map[string]browsertest.View{"wide": browsertest.Wide, "phone": browsertest.Phone, "night": browsertest.Wide.InDarkMode()} {
		tab := shared.Tab(t, view)
		tab.IgnoreConsole("404")
		for name, path := range allPages {
			if size == "night" && name != "overview" && name != "long" && name != "sealed" && name != "confirm" {
				continue // these four pages show all colours
			}
			tab.Open(url + path)
			tab.Screenshot(size + "-" + name)
			tab.CheckAccessibility()
			if w := browsertest.Eval[int](tab, "document.documentElement.scrollWidth - innerWidth"); w > 0 {
				t.Errorf("%s is %d px too wide on a %s screen", name, w, size)
			}
		}
	}
}

// The overview during an outage, a day after a quieter time.
func TestTheOverviewOfAnOutageIsAccessibleAndFits(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	for _, each := range []int{1, 3, 2} {
		s.traffic(35, each, well)
	}
	s.Clock.Advance(day - 105*time.Minute)
	s.traffic(100, 2, well)
	s.traffic(2, 12, func(carrier string) []fsmtest.Answer {
		if carrier == "chinamobilejs" {
			return []fsmtest.Answer{fsmtest.Accept(carrier), fsmtest.Lost()}
		}
		return well(carrier)
	})
	s.count()
	url := s.serve(s.console.ServeHTTP)
	for size, view := range map[string]browsertest.View{"wide": browsertest.Wide, "phone": browsertest.Phone, "night": browsertest.Wide.InDarkMode()} {
		tab := shared.Tab(t, view)
		for _, window := range []string{"1h", "24h", "7d"} {
			tab.Open(url + "?window=" + window)
			tab.Screenshot(size + "-outage-" + window)
			tab.CheckAccessibility()
			tab.Click("summary")
			tab.WaitFor("document.querySelector('details').open")
			tab.CheckAccessibility()
			w := browsertest.Eval[int](tab, "document.documentElement.scrollWidth - innerWidth")
			require.LessOrEqual(t, w, 0, "%s, %s", size, window)
		}
		require.Positive(t, browsertest.Eval[int](tab, "document.querySelectorAll('.chart rect').length"))
	}
}

// The operator has no mouse, and the console's script does not run.
func TestAnOperatorEndsAVerificationWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.must(s.Apply())
	tab, url := s.tab(browsertest.Wide, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".js") {
			w.Header().Set("Content-Type", "text/javascript")
			return
		}
		s.console.ServeHTTP(w, r)
	})
	tab.Open(url + "list")
	arrived := func(selector string) { tab.WaitFor("document.querySelector('" + selector + "')") }
	tab.Type("#search", " v1 "+browsertest.Enter)
	arrived("#h-diagram")
	focus := func(label string) {
		t.Helper()
		for range 60 {
			tab.Press(browsertest.TabKey)
			if browsertest.Eval[string](tab, "document.activeElement.textContent || document.activeElement.id") == label {
				require.True(t, browsertest.Eval[bool](tab, "document.activeElement.matches(':focus-visible')"))
				return
			}
		}
		t.Fatalf("%s can't be reached by the keyboard", label)
	}
	focus("Erase…")
	tab.Press(browsertest.Enter)
	arrived("#sure")
	focus("reason")
	tab.Type("#reason", "asked for in writing")
	focus("sure")
	tab.Press(browsertest.Space)
	focus("Erase")
	tab.Press(browsertest.Enter)
	arrived("p.notice")
	tab.Screenshot("wide-erased")
	tab.CheckAccessibility()
	require.Equal(t, carrierfsm.Erased, s.lastTransition().Event)
	require.Equal(t, "li.wei", s.lastTransition().Detail.By)
	tab.Reload()
	require.Len(t, s.History(), 3, "a reload does not repeat the action")
}

// The server writes UTC, whatever the browser's place; a button changes to local times.
func TestTimesAreShownInUTCOrLocally(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.must(s.Apply())
	tab, url := s.tab(browsertest.Wide, s.console.ServeHTTP)
	tab.Open(url + "verification?id=v1")
	first := func() string {
		return browsertest.Eval[string](tab, "document.querySelector('.timeline time').textContent")
	}
	zone := func() string { return browsertest.Eval[string](tab, "document.getElementById('zone').textContent") }
	require.Equal(t, "2030-06-01 12:00:00", first())
	require.Equal(t, "All times are UTC.", zone())
	local := browsertest.Eval[string](tab, `(() => { const d = new Date('2030-06-01T12:00:00Z'); return String(d.getDate()).padStart(2, '0') + ' ' + String(d.getHours()).padStart(2, '0') + ':00:00' })()`)
	tab.Click("#zone + button")
	require.Equal(t, "2030-06-"+local, first())
	require.Contains(t, zone(), "All times are local, UTC")
	title := browsertest.Eval[string](tab, "document.querySelector('.timeline time').title")
	require.Contains(t, title, "2030-06-01 12:00:00 UTC, 2030-06-"+local+" UTC")
	tab.Reload()
	require.Equal(t, "2030-06-"+local, first(), "it is kept")
	tab.CheckAccessibility()
	tab.Click("#zone + button")
	require.Equal(t, "2030-06-01 12:00:00", first())
}
