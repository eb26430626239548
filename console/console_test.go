package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

var allRoutes = []string{"", "list", "attention", "handlers", "acts", "list.json", "list.csv", "acts.csv", "acts.json", "verification?id=v1", "confirm?do=erase&id=v1", "style.css", "console.js", "icon.svg"}

func TestNewRefusesAConfigWithoutMachineOrAuthorize(t *testing.T) {
	t.Parallel()
	m := fsmtest.New(t).Machine
	authorize := func(*http.Request) (console.Operator, error) { return console.Operator{}, nil }
	for what, c := range map[string]console.Config{
		"nothing": {}, "no machine": {Authorize: authorize}, "no authorization": {Machine: m},
	} {
		built, err := console.New(c)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, what)
		require.Nil(t, built)
	}
}

func TestUnauthorizedRequestsSeeNothingAndReadNothing(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: memory.New()}
	s := newFixture(t, carrierfsm.Config{Store: store})
	form := s.action("cancel")
	for what, authorize := range map[string]func(*http.Request) (console.Operator, error){
		"an error":            func(*http.Request) (console.Operator, error) { return console.Operator{}, errors.New("no session") },
		"an error and access": func(*http.Request) (console.Operator, error) { return s.operator, errors.New("the session is over") },
		"a name and no access": func(*http.Request) (console.Operator, error) {
			return console.Operator{Name: "li.wei"}, nil
		},
	} {
		s.setConsole(s.Machine, func(c *console.Config) { c.Authorize = authorize })
		store.reset()
		for _, path := range append(allRoutes, "nothing") {
			w := s.get(path)
			require.Equal(t, http.StatusForbidden, w.Code, "%s: %s", what, path)
			require.Equal(t, "You are not allowed to see this console.\n", w.Body.String(), path)
		}
		require.Equal(t, http.StatusForbidden, s.post(form).Code)
		require.Zero(t, store.calls(), what)
	}
	require.Equal(t, carrierfsm.Created, s.Get().State)
}

// A browser asks for a name and a password only after a challenge.
func TestAHostWithoutALoginPageChallengesTheBrowser(t *testing.T) {
	t.Parallel()
	const challenge = `Basic realm="operations"`
	store := &countingStore{Store: memory.New()}
	s := newFixture(t, carrierfsm.Config{Store: store})
	unknown := errors.New("no name")
	s.setConsole(s.Machine, func(c *console.Config) {
		c.Challenge = challenge
		c.Authorize = func(*http.Request) (console.Operator, error) { return s.operator, unknown }
	})
	store.reset()
	for _, path := range append(allRoutes, "nothing") {
		w := s.get(path)
		require.Equal(t, http.StatusUnauthorized, w.Code, path)
		require.Equal(t, challenge, w.Header().Get("WWW-Authenticate"), path)
	}
	require.Zero(t, store.calls())
	unknown, s.operator = nil, console.Operator{}
	w := s.get("")
	require.Equal(t, http.StatusForbidden, w.Code, "who is known and may not look is not asked again")
	require.Empty(t, w.Header().Get("WWW-Authenticate"))
}

func TestWithLookAccessActionsAreNeitherOfferedNorDone(t *testing.T) {
	t.Parallel()
	s := newBusyFixture(t)
	s.operator.Access = console.Look
	for _, path := range []string{"verification?id=in-doubt", "verification?id=v1", "handlers", ""} {
		page := s.page(path)
		require.NotContains(t, page, `action="act"`, path)
		require.NotContains(t, page, "confirm?", path)
		require.Contains(t, page, "look, not act")
	}
	require.Equal(t, http.StatusForbidden, s.get("confirm?do=erase&id=in-doubt").Code)
	s.ID = "in-doubt"
	before := s.History()
	for _, do := range []string{"cancel", "expire", "erase", "replay"} {
		w := s.post(s.action(do, "sure", "on", "handler", "notify"))
		require.Equal(t, http.StatusForbidden, w.Code, do)
		require.Contains(t, w.Body.String(), "You are allowed to look, not to act.")
	}
	require.Equal(t, before, s.History())
}

func TestEveryResponseHasSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	check := func(what string, w *httptest.ResponseRecorder) {
		csp := w.Header().Get("Content-Security-Policy")
		for _, rule := range []string{"default-src 'none'", "style-src 'self'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			require.Contains(t, csp, rule, what)
		}
		require.NotContains(t, csp, "unsafe", what)
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), what)
		require.Equal(t, "DENY", w.Header().Get("X-Frame-Options"), what)
		require.Equal(t, "same-origin", w.Header().Get("Referrer-Policy"), what)
		if kind := w.Header().Get("Content-Type"); strings.HasPrefix(kind, "text/html") || kind == "" {
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"), what)
		}
	}
	for _, path := range append(allRoutes, "nothing", "verification?id=unknown") {
		check(path, s.get(path))
	}
	check("a refused form", s.post(url.Values{}))
	check("an action", s.post(s.action("cancel")))
	s.operator.Access = console.None
	check("without access", s.get(""))
}

func TestCrossOriginFormsAreRefused(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	for _, c := range []struct {
		what            string
		site, origin    string
		status, version int
	}{
		{"another site's page", "cross-site", "https://evil.example", http.StatusForbidden, 0},
		{"a page of a sibling domain", "same-site", "https://sibling.example.com", http.StatusForbidden, 0},
		{"an old browser on another site", "", "https://evil.example", http.StatusForbidden, 0},
		{"a page without an origin", "", "null", http.StatusForbidden, 0},
		{"a client that sends neither header", "", "", http.StatusForbidden, 0},
		{"a request by no page", "none", "", http.StatusSeeOther, 1},
	} {
		form := s.action("cancel")
		r := httptest.NewRequest(http.MethodPost, "https://example.com/console/act", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		require.Equal(t, c.status, s.do(r).Code, c.what)
		require.Len(t, s.History(), c.version, c.what)
	}
	other := newFixture(t, carrierfsm.Config{})
	r := httptest.NewRequest(http.MethodPost, "https://example.com/console/act", strings.NewReader(other.action("cancel").Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://example.com")
	require.Equal(t, http.StatusSeeOther, other.do(r).Code, "an old browser on our own page")
}

func TestActionsNeedPOST(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	w := s.get("act?" + s.action("cancel").Encode())
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
	for _, path := range allRoutes {
		r := httptest.NewRequest(http.MethodPost, "/console/"+path, nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		w := s.do(r)
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, path)
		require.Equal(t, http.MethodGet, w.Header().Get("Allow"), path)
		require.Equal(t, http.StatusOK, s.do(httptest.NewRequest(http.MethodHead, "/console/"+path, nil)).Code, path)
	}
	// Parameters in the URL are ignored.
	r := httptest.NewRequest(http.MethodPost, "/console/act?"+s.action("cancel").Encode(), nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	require.Equal(t, http.StatusBadRequest, s.do(r).Code)
	require.Equal(t, carrierfsm.Created, s.Get().State)
}

// A host that refuses POST /ops/act, and a proxy that does, would be passed by at
// /ops/x/act.
func TestOnlyItsOwnPathsAreServed(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	for _, path := range []string{"x/act", "act/", "/act", "x/", "x//act", "act/act", "ACT", "x%2Fact"} {
		r := httptest.NewRequest(http.MethodPost, "/console/"+path, strings.NewReader(s.action("erase").Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		require.Equal(t, http.StatusNotFound, s.do(r).Code, path)
	}
	for _, path := range allRoutes {
		require.Equal(t, http.StatusNotFound, s.get("x/"+path).Code, path)
	}
	require.Equal(t, carrierfsm.Created, s.Get().State)
}

func TestItWorksUnderAnyPrefix(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	mounts := map[string]func(*http.ServeMux){
		"/": func(mux *http.ServeMux) { mux.Handle("/", s.console) },
		"/ops/verification/": func(mux *http.ServeMux) {
			mux.Handle("/ops/verification/", http.StripPrefix("/ops/verification", s.console))
		},
		"/a/b/": func(mux *http.ServeMux) { mux.Handle("/a/b/", http.StripPrefix("/a/b/", s.console)) },
	}
	address := regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	for prefix, mount := range mounts {
		mux := http.NewServeMux()
		mount(mux)
		for _, path := range allRoutes {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, prefix+path, nil))
			require.Equal(t, http.StatusOK, w.Code, prefix+path)
			for _, m := range address.FindAllStringSubmatch(w.Body.String(), -1) {
				require.False(t, strings.HasPrefix(m[1], "/") || strings.Contains(m[1], ":"), "%s on %s is not relative", m[1], path)
			}
		}
		s.ID = "of" + itoa(len(prefix))
		s.must(s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: s.ID}))
		r := httptest.NewRequest(http.MethodPost, prefix+"act", strings.NewReader(s.action("cancel").Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, http.StatusSeeOther, w.Code)
		require.Equal(t, "verification?did=cancel&id="+s.ID, w.Header().Get("Location"), "relative to the page, whatever the prefix")
	}
}
