package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

func withConsole(o options) options {
	o.console = "127.0.0.1:0"
	return o
}

// consoleURL returns the console's URL with the name and password.
func (r *testService) consoleURL() string {
	return strings.Replace(r.console, "http://", "http://"+operatorName+":"+r.password+"@", 1)
}

// getConsole requests a page of the console.
func getConsole(t *testing.T, url, name, password string) (status int, header http.Header, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if name != "" {
		request.SetBasicAuth(name, password)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode, response.Header, string(text)
}

func TestTheConsoleNeedsThePrintedPassword(t *testing.T) {
	t.Parallel()
	r := start(t, withConsole(testOptions(nil)))
	status, _, body := getConsole(t, r.console, operatorName, r.password)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "You are operator, and may act.")
	for _, login := range [][2]string{{"", ""}, {operatorName, ""}, {operatorName, r.password + "x"}, {"root", r.password}} {
		status, header, body := getConsole(t, r.console, login[0], login[1])
		require.Equal(t, http.StatusUnauthorized, status)
		require.Contains(t, header.Get("WWW-Authenticate"), "Basic")
		require.NotContains(t, body, "Overview")
	}
	require.NotEqual(t, r.password, start(t, withConsole(testOptions(nil))).password, "created at each start")
	require.NotContains(t, r.log.String(), r.password)
}

func TestTheConsoleIsNotOnThePersonsAddress(t *testing.T) {
	t.Parallel()
	r := start(t, withConsole(testOptions(nil)))
	for _, path := range []string{"/list", "/attention", "/verification?id=x", "/console/"} {
		status, _, _ := getConsole(t, r.url+path, operatorName, r.password)
		require.Equal(t, http.StatusNotFound, status, path)
	}
	require.Empty(t, start(t, testOptions(nil)).console, "no console without the flag")
}

func TestTheConsoleListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for addr, ok := range map[string]bool{
		"127.0.0.1:8090": true, "localhost:8090": true, "[::1]:8090": true, "": true,
		":8090": false, "0.0.0.0:8090": false, "192.0.2.1:8090": false, "example.org:8090": false, "8090": false,
	} {
		_, err := parse([]string{"-console", addr}, io.Discard)
		if ok {
			require.NoError(t, err, addr)
		} else {
			require.ErrorIs(t, err, errUsage, addr)
		}
	}
}

// The write timeout is longer than a cancellation from the console waits.
func TestTheConsolesWriteTimeoutIsLongerThanACancellation(t *testing.T) {
	t.Parallel()
	o, err := (&site{options: options{}}).openOperators(t.Context())
	require.NoError(t, err)
	require.Nil(t, o, "off by default")
	require.Greater(t, newServer(nil, consoleWriteTimeout).WriteTimeout.Seconds(), 10.0)
}

// A person applies on the page; the operator finds and cancels the verification, and
// the page shows it without a reload.
func TestAnOperatorCancelsAPersonsVerification(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	r := start(t, withConsole(testOptions(w)))
	p := visit(t, r, w, "plain", browsertest.Phone.In("en"))
	p.apply()
	p.waitForTitle("Enter your service password")

	operator := browser.Tab(t, browsertest.Wide)
	operator.Open(r.consoleURL())
	operator.Open(r.console + "list")
	operator.WaitForText("awaiting password")
	operator.Follow("tbody th a")
	operator.WaitForText("138****8000")
	operator.Follow("a[href^='confirm?do=cancel']")
	operator.Type("#reason", "the person asked for it")
	operator.Follow("main form button")
	operator.WaitForText("Canceled. It has ended in failed.")
	p.waitForTitle("Ended by our staff")
}

// Guessing is slow, and seen: each wrong password is logged, and after five even the right
// one is refused for a while.
func TestWrongPasswordsOfOperatorsAreThrottledAndLogged(t *testing.T) {
	t.Parallel()
	r := start(t, withConsole(testOptions(nil)))
	for range 3 { // right ones, and requests without any, cost nothing
		status, _, _ := getConsole(t, r.console, operatorName, r.password)
		require.Equal(t, http.StatusOK, status)
		status, _, _ = getConsole(t, r.console, "", "")
		require.Equal(t, http.StatusUnauthorized, status)
	}
	for range wrongPasswords.burst {
		status, _, _ := getConsole(t, r.console, operatorName, "guess")
		require.Equal(t, http.StatusUnauthorized, status)
	}
	require.Equal(t, wrongPasswords.burst, strings.Count(r.log.String(), errUnauthorized.Error()+", from 127.0.0.1"))
	status, _, _ := getConsole(t, r.console, operatorName, r.password)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, r.log.String(), "too many wrong passwords from 127.0.0.1")
	require.NotContains(t, r.log.String(), "guess")
}
