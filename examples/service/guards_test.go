package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// Every sentinel of errors.go has its row, and its words in both languages.
func TestEveryErrorHasItsStatusAndWords(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../errors.go")
	require.NoError(t, err)
	declared := regexp.MustCompile(`(?m)^\t(Err\w+) += errors\.New\("(.+)"\)$`).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(declared), 15)
	rows := make(map[string]problem)
	for _, row := range statuses {
		rows[row.err.Error()] = problem{status: row.status, word: row.word}
	}
	for _, d := range declared {
		want, found := rows[d[2]]
		require.True(t, found, "%s has no row", d[1])
		require.GreaterOrEqual(t, want.status, 200, d[1])
		for _, w := range languages {
			require.Contains(t, w.problems, want.word, d[1])
		}
	}
	require.Len(t, statuses, len(declared))
	for _, row := range statuses {
		wrapped := &carrierfsm.Error{ID: "x", Err: fmt.Errorf("%w: more", row.err)}
		require.Equal(t, row.status, problemOf(wrapped).status, row.err)
	}
	require.Equal(t, http.StatusInternalServerError, problemOf(errors.New("another")).status)
	require.Equal(t, http.StatusAccepted, problemOf(fmt.Errorf("%w: %w", carrierfsm.ErrPending, carrierfsm.ErrStore)).status)
}

// Whatever is answered, good or bad, carries the same headers.
func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	c := newCaller(t, start(t, quick(nil)), "plain")
	for _, g := range []got{
		c.send("GET", "/", ""), c.send("GET", "/page.js", ""), c.send("GET", "/screen.js", ""), c.send("GET", "/page.css", ""),
		c.send("GET", "/icon.svg", ""), c.send("GET", "/simulated/phone.js", ""), c.send("GET", "/simulated/people", ""),
		c.send("GET", "/simulated/texts?person=0", ""), c.send("GET", "/simulated/texts?person=99", ""),
		c.send("POST", "/simulated/cxxd?person=4", "{}"), c.send("POST", "/simulated/cxxd?person=x", "{}"),
		c.look(), c.apply(), c.send("GET", "/no/such/page", ""), c.send("POST", "/api/verification/x", "{}"),
		c.send("POST", "/api/verification/apply", "{}", "Content-Type", "text/plain"),
		c.send("POST", "/api/anew", "{}", "Sec-Fetch-Site", "cross-site"), c.send("DELETE", "/", ""),
	} {
		h := g.header
		require.Equal(t, policy, h.Get("Content-Security-Policy"), g.body)
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
	w := newWorld(t)
	c := newCaller(t, start(t, quick(w)), "plain")
	step := c.apply().Screen.Step
	sent := len(w.Requests())
	body := fmt.Sprintf(`{"step":%d,"password":%q}`, step, c.self.Password)
	for rule, headers := range map[string][]string{
		"another site":              {"Sec-Fetch-Site", "cross-site"},
		"a neighbour of the domain": {"Sec-Fetch-Site", "same-site"},
		"an old browser":            {"Origin", "https://elsewhere.example"},
		"a page in a sandbox":       {"Origin", "null"},
	} {
		g := c.send("POST", "/api/verification/password", body, headers...)
		require.Equal(t, http.StatusForbidden, g.status, rule)
		require.Equal(t, "cross_origin", g.word(), rule)
	}
	g := c.send("POST", "/api/verification/password", body, "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusUnsupportedMediaType, g.status, "a form of another page can't send JSON")
	for _, from := range []string{"none", "cross-site"} { // a link, which would come without the cookie
		g = c.send("GET", "/api/verification", "", "Sec-Fetch-Site", from)
		require.Equal(t, http.StatusForbidden, g.status)
		require.Empty(t, g.header.Values("Set-Cookie"))
	}
	require.Len(t, w.Requests(), sent)
	require.Equal(t, http.StatusOK, c.send("POST", "/api/verification/password", body, "Sec-Fetch-Site", "same-origin").status)
}

// By HTTPS the cookies are for HTTPS alone, under names that no neighbour can set.
func TestByHTTPSTheCookiesAreForHTTPS(t *testing.T) {
	t.Parallel()
	o := quick(newWorld(t))
	o.https = true
	g := newCaller(t, start(t, o), "plain").look()
	require.Regexp(t, `^__Host-ticket=[\w-]{43}; Path=/; Max-Age=7200; HttpOnly; Secure; SameSite=Strict$`, g.header.Get("Set-Cookie"))
	require.NotEmpty(t, g.header.Get("Strict-Transport-Security"))
}

// The phone of the simulator is there with the simulator only.
func TestARealUpstreamHasNoSimulatedPhone(t *testing.T) {
	t.Parallel()
	c := newCaller(t, start(t, quick(newWorld(t))), "plain")
	require.NotContains(t, c.send("GET", "/", "").body, "simulated")
	for _, path := range []string{"/simulated/phone.js", "/simulated/people", "/simulated/texts?person=0"} {
		require.Equal(t, http.StatusNotFound, c.send("GET", path, "").status)
	}
}

func TestAClientThatAsksTooOftenWaits(t *testing.T) {
	t.Parallel()
	o := quick(newWorld(t))
	o.allowance = allowance{burst: 6, perSecond: 0.01}
	c := newCaller(t, start(t, o), "plain")
	require.Equal(t, http.StatusOK, c.look().status)
	require.Equal(t, http.StatusForbidden, c.post("cancel", fields{}).status, "five tokens were left, this took four")
	require.Equal(t, http.StatusOK, c.look().status)
	g := c.look()
	require.Equal(t, http.StatusTooManyRequests, g.status)
	require.Equal(t, "too_many_requests", g.word())
	require.Equal(t, "100", g.header.Get("Retry-After"))
}

func TestABucketFillsUpAgainAndIsForgotten(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := newLimiter(allowance{burst: 10, perSecond: 2}, func() time.Time { return now })
	from := func(address string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = address
		return r
	}
	one := client(from("192.0.2.1:1000"))
	require.Equal(t, one, client(from("192.0.2.1:2000")))
	require.Equal(t, one, client(from("[::ffff:192.0.2.1]:2000")))
	require.NotEqual(t, one, client(from("192.0.2.2:1000")))
	require.Equal(t, client(from("[2001:db8::1]:1")), client(from("[2001:db8::2]:1")), "one person's network")
	require.NotEqual(t, client(from("[2001:db8::1]:1")), client(from("[2001:db8:0:1::1]:1")))

	require.Zero(t, l.take(one, 10))
	require.Equal(t, 2*time.Second, l.take(one, 4))
	now = now.Add(2 * time.Second)
	require.Zero(t, l.take(one, 4))
	require.NotZero(t, l.take(one, 1))
	now = now.Add(time.Hour)
	require.NotZero(t, l.take(one, 11), "never more than the burst")
	for i := range maxClients + 10 {
		l.take(client(from(fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>16, i&0xffff))), 1)
	}
	require.LessOrEqual(t, len(l.buckets), maxClients)
}

func TestTheKeyIsMadeOnceAndForThisUserAlone(t *testing.T) {
	t.Setenv(keyVariable, "")
	folder := t.TempDir()
	o := options{store: "sqlite:" + filepath.Join(folder, "x.db")}
	k, err := openKeys(o)
	require.NoError(t, err)
	file, err := os.Stat(filepath.Join(folder, "x.db.key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), file.Mode().Perm())
	again, err := openKeys(o)
	require.NoError(t, err)
	require.Equal(t, k.hash("13800138000"), again.hash("13800138000"))
	sealed, err := k.sealer.Encrypt([]byte("text"), nil)
	require.NoError(t, err)
	opened, err := again.sealer.Decrypt(sealed, nil)
	require.NoError(t, err)
	require.Equal(t, "text", string(opened))

	_, err = openKeys(options{store: "postgres://127.0.0.1/x"})
	require.ErrorIs(t, err, errUsage, "replicas need one key, which nobody can make up")
	require.ErrorContains(t, err, keyVariable)
	t.Setenv(keyVariable, "short")
	_, err = openKeys(o)
	require.ErrorIs(t, err, errUsage)
	t.Setenv(keyVariable, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	other, err := openKeys(o)
	require.NoError(t, err)
	require.NotEqual(t, k.hash("13800138000"), other.hash("13800138000"))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "y.db.key"), []byte("garbage"), 0o600))
	t.Setenv(keyVariable, "")
	_, err = openKeys(options{store: "sqlite:" + filepath.Join(folder, "y.db")})
	require.ErrorIs(t, err, errUsage)
}

func TestWhatIsWrongWithTheArgumentsIsOneLine(t *testing.T) {
	t.Parallel()
	for rule, args := range map[string][]string{
		"an unknown flag":        {"-colour"},
		"an argument too many":   {"serve"},
		"an unknown store":       {"-store", "paper"},
		"a store without a path": {"-store", "sqlite:"},
		"a folder that is not":   {"-store", "sqlite:" + filepath.Join(t.TempDir(), "no", "such.db")},
		"an upstream by HTTP":    {"-upstream", "http://aggregator.example"},
		"an address of nobody":   {"-addr", "127.0.0.1:99999"},
		"an unknown level":       {"-log", "whisper"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 2, run(context.Background(), args, &out, &errs), "%s: %s", rule, errs.String())
		require.Empty(t, out.String(), rule)
		require.Equal(t, 1, strings.Count(errs.String(), "\n"), "%s: %q", rule, errs.String())
	}
	var out bytes.Buffer
	require.Zero(t, run(context.Background(), []string{"-h"}, &out, io.Discard))
	require.Contains(t, out.String(), "-upstream")
}

// The one line on standard output is the address to open.
func TestItPrintsTheAddressAndEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out, in := io.Pipe()
	var errs locked
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"-addr", "127.0.0.1:0"}, in, &errs) }()
	line := make([]byte, 64)
	n, err := out.Read(line)
	require.NoError(t, err)
	require.Regexp(t, `^Open http://127\.0\.0\.1:\d+/\n$`, string(line[:n]))
	cancel()
	require.Zero(t, <-ended)
	require.Empty(t, errs.String())
}

// A panic is logged by its route and without what the request held.
func TestAPanicTellsNothingOfThePerson(t *testing.T) {
	t.Parallel()
	var log locked
	h := guarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("13800138000")
	}), slog.New(slog.NewTextHandler(&log, nil)), false)
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}, "net/http cuts the connection")
	require.Contains(t, log.String(), "panic")
	require.NotContains(t, log.String(), "13800138000")
}
