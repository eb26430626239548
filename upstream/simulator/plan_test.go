package simulator_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestFaultsArePlannedByNumberByOrderAndByCondition(t *testing.T) {
	t.Parallel()
	fault, captcha := simulator.ServerError(false), func(a simulator.Arrival) bool { return a.Type == "SUBMIT_CAPTCHA" }
	third := func(a simulator.Arrival) bool { return a.Number >= 3 && a.Password }
	for what, c := range map[string]struct {
		plan func(*simulator.Server)
		want []int
	}{
		"numbers, in any order":        {func(s *simulator.Server) { s.FaultAt(5, fault); s.FaultAt(3, fault) }, []int{3, 5}},
		"a number that is past":        {func(s *simulator.Server) { s.FaultAt(1, fault) }, nil},
		"a number twice":               {func(s *simulator.Server) { s.FaultAt(3, fault); s.FaultAt(3, simulator.Fault{}) }, nil},
		"next":                         {func(s *simulator.Server) { s.FaultNext(fault) }, []int{2}},
		"the next two":                 {func(s *simulator.Server) { s.FaultNext(fault); s.FaultNext(fault) }, []int{2, 3}},
		"next and a number":            {func(s *simulator.Server) { s.FaultNext(fault); s.FaultAt(2, fault) }, []int{2, 3}},
		"a condition, once":            {func(s *simulator.Server) { s.FaultWhen(third, fault) }, []int{3}},
		"two conditions":               {func(s *simulator.Server) { s.FaultWhen(third, fault); s.FaultWhen(third, fault) }, []int{3, 4}},
		"a condition that never holds": {func(s *simulator.Server) { s.FaultWhen(captcha, fault) }, nil},
		"a condition after a number":   {func(s *simulator.Server) { s.FaultAt(3, fault); s.FaultWhen(third, fault) }, []int{3, 4}},
	} {
		r := newFixture(t).apply("plain")
		c.plan(r.Server)
		require.Equal(t, c.want, r.brokenRequests(5), what)
	}
}

func TestAConditionMayReadTheSecretsAndDropTheRequest(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	r.FaultWhen(func(a simulator.Arrival) bool { return r.Secrets(a.Number).Password == "246810" }, simulator.DropBeforeReading())
	require.Equal(t, "10003", r.login("wrong"))
	_, err := r.send(t.Context(), http.MethodPost, collectReq, "application/json", encoded(t, r.request("", "password", "246810")))
	require.Error(t, err)
	require.Equal(t, 1, r.LoginAttempts(r.person.Phone))
	require.Equal(t, 1, r.Arrivals("246810"))
}

// brokenRequests sends n passwords and returns the numbers of the requests that
// were answered with 503.
func (r *run) brokenRequests(n int) (numbers []int) {
	r.t.Helper()
	for range n {
		got, err := r.send(r.t.Context(), http.MethodPost, collectReq, "application/json", encoded(r.t, r.request("", "password", "wrong")))
		require.NoError(r.t, err)
		if got.status == http.StatusServiceUnavailable {
			numbers = append(numbers, len(r.Requests()))
		}
	}
	return numbers
}

func TestAConditionBreaksOneOfManyConcurrentRequests(t *testing.T) {
	t.Parallel()
	const requests = 8
	r := newFixture(t).apply("plain")
	r.FaultWhen(func(a simulator.Arrival) bool { return a.Type == "RESEND_CAPTCHA" }, simulator.UnseenCode())
	answers := make(chan string, requests)
	for range requests {
		go func() { answers <- r.resend() }()
	}
	count := make(map[string]int)
	for range requests {
		count[<-answers]++
	}
	require.Equal(t, map[string]int{"19999": 1, "30000": requests - 1}, count)
}
