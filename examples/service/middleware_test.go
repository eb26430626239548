package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every response has the same headers, also those with errors.
func TestEveryResponseHasSecurityHeaders(t *testing.T) {
	t.Parallel()
	c := newAPIClient(t, start(t, testOptions(nil)), "plain")
	for _, g := range []apiResponse{
		c.send("GET", "/", ""), c.send("GET", "/page.js", ""), c.send("GET", "/screen.js", ""), c.send("GET", "/page.css", ""),
		c.send("GET", "/icon.svg", ""), c.send("GET", "/simulated/phone.js", ""), c.send("GET", "/simulated/people", ""),
		c.send("GET", "/simulated/texts?person=0", ""), c.send("GET", "/simulated/texts?person=99", ""),
		c.send("POST", "/simulated/cxxd?person=4", "{}"), c.send("POST", "/simulated/cxxd?person=x", "{}"),
		c.get(), c.apply(), c.send("GET", "/no/such/page", ""), c.send("POST", "/api/verifications/mine/x", "{}"),
		c.send("POST", "/api/verifications", "{}", "Content-Type", "text/plain"),
		c.send("POST", "/api/anew", "{}", "Sec-Fetch-Site", "cross-site"), c.send("DELETE", "/", ""),
	} {
		h := g.header
		require.Equal(t, contentSecurityPolicy, h.Get("Content-Security-Policy"), g.body)
		require.Equal(t, "no-store", h.Get("Cache-Control"))
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.NotContains(t, g.body, "<script>")
		require.NotContains(t, g.body, "style=")
		for _, cookie := range h.Values("Set-Cookie") {
			require.Contains(t, cookie, "HttpOnly; SameSite=Strict")
			require.Contains(t, cookie, "Path=/; ")
		}
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	c := newAPIClient(t, start(t, testOptions(w)), "plain")
	step := c.apply().Screen.Step
	sent := len(w.Requests())
	body := fmt.Sprintf(`{"step":%d,"password":%q}`, step, c.person.Password)
	for rule, headers := range map[string][]string{
		"another site":        {"Sec-Fetch-Site", "cross-site"},
		"a sibling domain":    {"Sec-Fetch-Site", "same-site"},
		"an old browser":      {"Origin", "https://elsewhere.example"},
		"a page in a sandbox": {"Origin", "null"},
	} {
		g := c.send("POST", "/api/verifications/mine/password", body, headers...)
		require.Equal(t, http.StatusForbidden, g.status, rule)
		require.Equal(t, "cross_origin", g.code(), rule)
	}
	g := c.send("POST", "/api/verifications/mine/password", body, "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusUnsupportedMediaType, g.status, "a form of another page can't send JSON")
	for _, from := range []string{"none", "cross-site"} { // a link, with which the browser would not send the cookie
		g = c.send("GET", "/api/verifications/mine", "", "Sec-Fetch-Site", from)
		require.Equal(t, http.StatusForbidden, g.status)
		require.Empty(t, g.header.Values("Set-Cookie"))
	}
	require.Len(t, w.Requests(), sent)
	require.Equal(t, http.StatusOK, c.send("POST", "/api/verifications/mine/password", body, "Sec-Fetch-Site", "same-origin").status)
}

// A panic is logged by its route, without the panic's value and the request.
func TestAPanicIsLoggedWithoutPersonalData(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	h := withProtection(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("13800138000")
	}), slog.New(slog.NewTextHandler(&log, nil)), false)
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}, "net/http aborts the connection")
	require.Contains(t, log.String(), "panic")
	require.NotContains(t, log.String(), "13800138000")
}
