package simulator_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// breakage is a fault, what a client sees of it, and what the server did.
type breakage struct {
	name  string
	fault simulator.Fault
	acted bool
	read  bool
	sees  func(*testing.T, seen, error)
}

// answers is what a client sees that gets an answer.
func answers(status int, contentType, text string) func(*testing.T, seen, error) {
	return func(t *testing.T, got seen, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, status, got.status)
		require.Equal(t, contentType, got.contentType)
		require.Contains(t, got.body, text)
	}
}

func getsNothing(t *testing.T, got seen, err error) {
	t.Helper()
	require.Error(t, err)
	require.Zero(t, got)
}

func getsHalfAndAReset(t *testing.T, got seen, err error) {
	t.Helper()
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Equal(t, http.StatusOK, got.status, "the header came")
}

func getsHalf(t *testing.T, got seen, err error) {
	t.Helper()
	answers(200, jsonType, `{`)(t, got, err)
	require.NotContains(t, got.body, "}}")
}

func getsMegabytes(t *testing.T, got seen, err error) {
	t.Helper()
	answers(200, jsonType, `{"`)(t, got, err)
	require.Greater(t, len(got.body), 4<<20)
	require.Equal(t, "CONTROL", decoded(t, strings.Replace(got.body, `"data":{`, `"data":{"type":"CONTROL",`, 1))["data"].(fields)["type"], "it is JSON")
}

func getsElsewhere(t *testing.T, got seen, err error) {
	t.Helper()
	answers(307, "", "")(t, got, err)
	require.Equal(t, "http://127.0.0.1:1/elsewhere", got.location)
}

func getsAnUnseenCode(t *testing.T, got seen, err error) {
	t.Helper()
	answers(200, jsonType, "")(t, got, err)
	require.Equal(t, "19999", short(decoded(t, got.body)))
}

var breakages = []breakage{
	{"none", simulator.Fault{}, true, true, answers(200, jsonType, "10002")},
	{"drop before reading", simulator.DropBeforeReading(), false, false, getsNothing},
	{"drop after reading", simulator.DropAfterReading(), true, true, getsNothing},
	{"reset", simulator.Reset(), true, true, getsHalfAndAReset},
	{"slow header", simulator.SlowHeader(time.Millisecond), true, true, answers(200, jsonType, "10002")},
	{"slow body", simulator.SlowBody(time.Millisecond), true, true, answers(200, jsonType, "10002")},
	{"truncated", simulator.Truncated(), true, true, getsHalf},
	{"garbage", simulator.Garbage(), true, true, answers(200, jsonType, "}{")},
	{"server error, acted", simulator.ServerError(true), true, true, answers(503, jsonType, "")},
	{"server error, not acted", simulator.ServerError(false), false, true, answers(503, jsonType, "")},
	{"redirect", simulator.Redirect("http://127.0.0.1:1/elsewhere"), true, true, getsElsewhere},
	{"oversized", simulator.Oversized(), true, true, getsMegabytes},
	{"html", simulator.HTML(), true, true, answers(200, "text/html;charset=utf-8", "<!doctype html>")},
	{"unseen code", simulator.UnseenCode(), true, true, getsAnUnseenCode},
}

func TestEachFaultBreaksAsItSays(t *testing.T) {
	t.Parallel()
	for _, c := range breakages {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newBench(t).apply("plain")
			k.FaultAt(2, c.fault)
			got, err := k.send(t.Context(), http.MethodPost, collectReq, "application/json", encoded(t, k.request("", "password", "246810")))
			c.sees(t, got, err)
			require.Equal(t, c.acted, k.texts() == 1, "acted")
			require.Equal(t, c.acted, k.LoginAttempts(k.person.Phone) == 1, "acted")
			require.Equal(t, c.read, k.Arrivals("246810") == 1, "counted")
			require.Equal(t, c.read, k.Requests()[1].Read)
			require.Equal(t, "10002 SUBMIT_CAPTCHA", password(k), "only one request was broken")
		})
	}
}

func TestAReplyThatIsLostHasHappened(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	password(k)
	k.FaultNext(simulator.DropAfterReading())
	_, err := k.send(t.Context(), http.MethodPost, collectReq, "application/json", encoded(t, k.request("SUBMIT_CAPTCHA", "captcha", k.code())))
	require.Error(t, err)
	require.Equal(t, "ERROR", code(k), "collection has started")
	require.Equal(t, 2, k.Arrivals(k.code()))
}

// broken is the list of the requests, of n passwords, that were answered 503.
func (k *talk) broken(n int) (numbers []int) {
	k.t.Helper()
	for range n {
		got, err := k.send(k.t.Context(), http.MethodPost, collectReq, "application/json", encoded(k.t, k.request("", "password", "wrong")))
		require.NoError(k.t, err)
		if got.status == http.StatusServiceUnavailable {
			numbers = append(numbers, len(k.Requests()))
		}
	}
	return numbers
}

func TestFaultsAreTiedToNumbersToWhatIsNextAndToConditions(t *testing.T) {
	t.Parallel()
	spare, captcha := simulator.ServerError(false), func(a simulator.Arrival) bool { return a.Type == "SUBMIT_CAPTCHA" }
	third := func(a simulator.Arrival) bool { return a.Number >= 3 && a.Password }
	for what, c := range map[string]struct {
		plan func(*simulator.Server)
		want []int
	}{
		"numbers, in any order":        {func(s *simulator.Server) { s.FaultAt(5, spare); s.FaultAt(3, spare) }, []int{3, 5}},
		"a number that is past":        {func(s *simulator.Server) { s.FaultAt(1, spare) }, nil},
		"a number twice":               {func(s *simulator.Server) { s.FaultAt(3, spare); s.FaultAt(3, simulator.Fault{}) }, nil},
		"next":                         {func(s *simulator.Server) { s.FaultNext(spare) }, []int{2}},
		"next and the one after":       {func(s *simulator.Server) { s.FaultNext(spare); s.FaultNext(spare) }, []int{2, 3}},
		"next beside a number":         {func(s *simulator.Server) { s.FaultNext(spare); s.FaultAt(2, spare) }, []int{2, 3}},
		"a condition, once":            {func(s *simulator.Server) { s.FaultWhen(third, spare) }, []int{3}},
		"two conditions":               {func(s *simulator.Server) { s.FaultWhen(third, spare); s.FaultWhen(third, spare) }, []int{3, 4}},
		"a condition that never holds": {func(s *simulator.Server) { s.FaultWhen(captcha, spare) }, nil},
		"a condition after a number":   {func(s *simulator.Server) { s.FaultAt(3, spare); s.FaultWhen(third, spare) }, []int{3, 4}},
	} {
		k := newBench(t).apply("plain")
		c.plan(k.Server)
		require.Equal(t, c.want, k.broken(5), what)
	}
}

func TestAConditionMaySeeTheSecretsAndDropWithoutActing(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	k.FaultWhen(func(a simulator.Arrival) bool { return k.Secrets(a.Number).Password == "246810" }, simulator.DropBeforeReading())
	require.Equal(t, "10003", k.login("wrong"))
	_, err := k.send(t.Context(), http.MethodPost, collectReq, "application/json", encoded(t, k.request("", "password", "246810")))
	require.Error(t, err)
	require.Equal(t, 1, k.LoginAttempts(k.person.Phone))
	require.Equal(t, 1, k.Arrivals("246810"))
}

// A wait of an hour would outlast the test binary.
func TestAWaitEndsWhenTheClientLeaves(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{"header": simulator.SlowHeader(time.Hour), "body": simulator.SlowBody(time.Hour)} {
		k := newBench(t).apply("plain")
		ctx, leave := context.WithCancel(t.Context())
		k.FaultWhen(func(simulator.Arrival) bool { leave(); return true }, fault)
		_, err := k.send(ctx, http.MethodPost, collectReq, "application/json", encoded(t, k.request("", "password", "246810")))
		require.ErrorIs(t, err, context.Canceled, name)
		k.http.Close()
		require.Equal(t, 1, k.texts(), name)
	}
}

func TestAWaitEndsWhenTheServerIsClosed(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{"header": simulator.SlowHeader(time.Hour), "body": simulator.SlowBody(time.Hour)} {
		k := newBench(t).apply("plain")
		request := encoded(t, k.request("", "password", "246810"))
		for _, when := range []func(){func() { go k.Close() }, k.Close} {
			k.FaultWhen(func(simulator.Arrival) bool { when(); return true }, fault)
			_, err := k.send(t.Context(), http.MethodPost, collectReq, "application/json", request)
			require.Error(t, err, name)
		}
		require.Equal(t, "10002 SUBMIT_CAPTCHA", password(k), "all else goes on")
	}
}

func TestWhereAConnectionCanNotBeCutTheHandlerAborts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.FaultNext(simulator.DropBeforeReading())
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		b.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, collectReq, strings.NewReader("{}")))
	})
}
