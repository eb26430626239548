package console_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

// newParkedFixture returns a console of a sealed store in which the handler "notify"
// failed for p0 to p6: three times because the mail server is away, else for a list of
// reasons. called counts its calls, while it works.
func newParkedFixture(t *testing.T) (s *fixture, called map[string]int, deliver func()) {
	t.Helper()
	sealer, err := seal.New(seal.Key{ID: "k1", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(t, err)
	s = newFixture(t, carrierfsm.Config{Sealer: sealer})
	var mu sync.Mutex
	works, called := false, make(map[string]int)
	s.setHandlers(map[string]outbox.Handler{"notify": func(_ context.Context, tr carrierfsm.Transition) error {
		switch {
		case works:
			mu.Lock()
			defer mu.Unlock()
			called[tr.ID]++
		case tr.ID == "p0" || tr.ID == "p1" || tr.ID == "p2":
			return errors.New("the <mail> server is away, call 13800138042")
		case tr.ID == "p3":
			panic("boom")
		case tr.ID != "v1":
			return fmt.Errorf("no order of %s", tr.ID)
		}
		return nil
	}})
	for i := range 7 {
		s.addVerification(fmt.Sprintf("p%d", i))
	}
	_, err = s.handlers.Deliver(context.Background())
	require.Error(t, err)
	return s, called, func() {
		works = true
		_, err := s.handlers.Deliver(context.Background())
		require.NoError(t, err)
	}
}

// takeKeys makes the console that of a process without the keys.
func (s *fixture) takeKeys() {
	s.t.Helper()
	blind, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: s.Store, Upstream: fsmtest.NewUpstream(), Now: s.Clock.Now})
	require.NoError(s.t, err)
	d, err := outbox.New(blind, s.Store.(outbox.Store), outbox.Config{})
	require.NoError(s.t, err)
	s.setConsole(blind, func(c *console.Config) { c.Dispatcher = d })
}

// errorKey is the key of the first group of parked rows.
func (s *fixture) errorKey() string {
	s.t.Helper()
	m := regexp.MustCompile(`href="replay\?name=notify&amp;error=([0-9a-f]+)"`).FindStringSubmatch(s.page("handlers?name=notify"))
	require.NotNil(s.t, m)
	return m[1]
}

// replay submits the form of a replay page.
func (s *fixture) replay(form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/console/replay-many", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(r)
}

func TestParkedRowsShowEventAndErrorAndAreGroupedByThem(t *testing.T) {
	t.Parallel()
	s, _, _ := newParkedFixture(t)
	page := s.page("handlers?name=notify")
	text := visibleText(page)
	require.Contains(t, text, "By error Parked Event Reason Error Oldest Action 3 application accepted it returned an error the <mail> server is away, call **** ")
	require.Contains(t, text, "1 application accepted it panicked outbox: the handler panicked with a string at")
	require.Contains(t, text, "1 application accepted it returned an error no order of p4")
	require.Contains(t, s.page("verification?id=p1"), "the &lt;mail&gt; server is away")
	ids, _ := s.listed("handlers?name=notify&error=" + s.errorKey())
	require.ElementsMatch(t, []string{"p0", "p1", "p2"}, ids)
	require.Equal(t, http.StatusBadRequest, s.get("handlers?error=abc").Code)

	s.takeKeys()
	page = s.page("handlers?name=notify")
	require.Contains(t, page, "It is sealed, and this process has no key for it.")
	require.NotContains(t, page, "server is away")
}

func TestParkedVerificationsAreReplayedTogetherAfterACount(t *testing.T) {
	t.Parallel()
	s, called, deliver := newParkedFixture(t)
	key := s.errorKey()
	page := s.page("replay?name=notify&error=" + key)
	require.Contains(t, visibleText(page), "3 parked verifications are delivered again")
	require.Contains(t, page, `<input type="hidden" name="count" value="3">`)
	form := url.Values{"name": {"notify"}, "error": {key}, "count": {"3"}, "reason": {"mail is back"}}
	w := s.replay(form)
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	require.Contains(t, s.page(w.Header().Get("Location")), "Replay requested.")
	deliver()
	require.Equal(t, map[string]int{"p0": 2, "p1": 2, "p2": 2}, called, "each from the step where it failed")
	want := acts.Act{Operator: "li.wei", Kind: acts.Replay, Handler: "notify", Count: 3, Reason: "mail is back", Outcome: acts.Done}
	require.Empty(t, cmp.Diff([]acts.Act{want}, s.logged(acts.Query{Kinds: acts.Changing()})))

	require.Equal(t, http.StatusBadRequest, s.get("replay?name=notify&some=on").Code, "none is selected")
	page = s.page("replay?name=notify&some=on&row=p4&row=p6&row=gone")
	require.Contains(t, visibleText(page), "2 parked verifications are delivered again")
	w = s.replay(url.Values{"name": {"notify"}, "row": {"p4", "p6"}, "count": {"2"}, "reason": {"order is there"}})
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	deliver()
	require.Equal(t, map[string]int{"p0": 2, "p1": 2, "p2": 2, "p4": 2, "p6": 2}, called)
	require.Contains(t, visibleText(s.page("replay?name=notify")), "2 parked verifications are delivered again", "all that are left")
	require.Contains(t, s.page("replay?name=notify&error="+key), "No parked verification matches any more.")
}

func TestAReplayOfManyIsRefusedWithoutAReasonOrIfMoreMatchThanWereCounted(t *testing.T) {
	t.Parallel()
	s, called, deliver := newParkedFixture(t)
	all := url.Values{"name": {"notify"}, "count": {"7"}, "reason": {"mail is back"}}
	change := func(name, value string) url.Values {
		form := url.Values{}
		for k, v := range all {
			form[k] = v
		}
		form.Set(name, value)
		return form
	}
	for what, c := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"no reason":       {change("reason", " "), http.StatusBadRequest, "Say why"},
		"more than shown": {change("count", "6"), http.StatusConflict, "has changed since"},
		"no count":        {change("count", ""), http.StatusBadRequest, "invalid"},
		"no such handler": {change("name", "other"), http.StatusNotFound, "no page"},
		"too many rows":   {url.Values{"name": {"notify"}, "count": {"60"}, "reason": {"x"}, "row": make([]string, 51)}, http.StatusBadRequest, "“row”"},
	} {
		w := s.replay(c.form)
		require.Equal(t, c.status, w.Code, what)
		require.Contains(t, w.Body.String(), c.says, what)
	}
	s.operator.Access = console.Look
	require.Equal(t, http.StatusForbidden, s.replay(all).Code)
	require.Equal(t, http.StatusForbidden, s.get("replay?name=notify").Code)
	require.NotContains(t, s.page("handlers?name=notify"), "replay?")
	require.Empty(t, s.logged(acts.Query{Kinds: acts.Changing()}))
	s.operator.Access = console.Act
	require.Equal(t, http.StatusSeeOther, s.replay(change("count", "100")).Code)
	deliver()
	require.Len(t, called, 7)
	r := httptest.NewRequest(http.MethodPost, "/console/replay-many", strings.NewReader(all.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, s.do(r).Code)
	require.Equal(t, http.StatusNotFound, s.get("replay?name=other").Code)
}
