package simulator_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// faultCase is a fault with its effects on the client and the server.
type faultCase struct {
	name      string
	fault     simulator.Fault
	processed bool
	read      bool
	check     func(*testing.T, response, error)
}

// hasResponse checks a complete response.
func hasResponse(status int, contentType, text string) func(*testing.T, response, error) {
	return func(t *testing.T, got response, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, status, got.status)
		require.Equal(t, contentType, got.contentType)
		require.Contains(t, got.body, text)
	}
}

func hasNoResponse(t *testing.T, got response, err error) {
	t.Helper()
	require.Error(t, err)
	require.Zero(t, got)
}

func isReset(t *testing.T, got response, err error) {
	t.Helper()
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Equal(t, http.StatusOK, got.status, "the header was received")
}

func isTruncated(t *testing.T, got response, err error) {
	t.Helper()
	hasResponse(200, jsonType, `{`)(t, got, err)
	require.NotContains(t, got.body, "}}")
}

func isOversized(t *testing.T, got response, err error) {
	t.Helper()
	hasResponse(200, jsonType, `{"`)(t, got, err)
	require.Greater(t, len(got.body), 4<<20)
	require.Equal(t, "CONTROL", decoded(t, strings.Replace(got.body, `"data":{`, `"data":{"type":"CONTROL",`, 1))["data"].(fields)["type"], "it is valid JSON")
}

func isRedirect(t *testing.T, got response, err error) {
	t.Helper()
	hasResponse(307, "", "")(t, got, err)
	require.Equal(t, "http://127.0.0.1:1/elsewhere", got.location)
}

func isUnseenCode(t *testing.T, got response, err error) {
	t.Helper()
	hasResponse(200, jsonType, "")(t, got, err)
	require.Equal(t, "19999", summarize(decoded(t, got.body)))
}

var faultCases = []faultCase{
	{"none", simulator.Fault{}, true, true, hasResponse(200, jsonType, "10002")},
	{"drop before reading", simulator.DropBeforeReading(), false, false, hasNoResponse},
	{"drop after reading", simulator.DropAfterReading(), true, true, hasNoResponse},
	{"reset", simulator.Reset(), true, true, isReset},
	{"slow header", simulator.SlowHeader(time.Millisecond), true, true, hasResponse(200, jsonType, "10002")},
	{"slow body", simulator.SlowBody(time.Millisecond), true, true, hasResponse(200, jsonType, "10002")},
	{"truncated", simulator.Truncated(), true, true, isTruncated},
	{"garbage", simulator.Garbage(), true, true, hasResponse(200, jsonType, "}{")},
	{"server error, processed", simulator.ServerError(true), true, true, hasResponse(503, jsonType, "")},
	{"server error, not processed", simulator.ServerError(false), false, true, hasResponse(503, jsonType, "")},
	{"redirect", simulator.Redirect("http://127.0.0.1:1/elsewhere"), true, true, isRedirect},
	{"oversized", simulator.Oversized(), true, true, isOversized},
	{"html", simulator.HTML(), true, true, hasResponse(200, "text/html;charset=utf-8", "<!doctype html>")},
	{"unseen code", simulator.UnseenCode(), true, true, isUnseenCode},
}

func TestEachFaultBreaksOneRequest(t *testing.T) {
	t.Parallel()
	for _, c := range faultCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newFixture(t).apply("plain")
			r.FaultAt(2, c.fault)
			got, err := r.send(t.Context(), http.MethodPost, collectReq, "application/json", encoded(t, r.request("", "password", "246810")))
			c.check(t, got, err)
			require.Equal(t, c.processed, r.texts() == 1)
			require.Equal(t, c.processed, r.LoginAttempts(r.person.Phone) == 1)
			require.Equal(t, c.read, r.Arrivals("246810") == 1)
			require.Equal(t, c.read, r.Requests()[1].Read)
			require.Equal(t, "10002 SUBMIT_CAPTCHA", password(r), "only one request was broken")
		})
	}
}

func TestALostReplyTookEffect(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	password(r)
	r.FaultNext(simulator.DropAfterReading())
	_, err := r.send(t.Context(), http.MethodPost, collectReq, "application/json", encoded(t, r.request("SUBMIT_CAPTCHA", "captcha", r.code())))
	require.Error(t, err)
	require.Equal(t, "ERROR", code(r), "collection has started")
	require.Equal(t, 2, r.Arrivals(r.code()))
}
