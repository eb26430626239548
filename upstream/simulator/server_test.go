package simulator_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestAnOversizedRequestIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got, err := f.send(t.Context(), http.MethodPost, collectReq, "application/json", `{"token":"`+strings.Repeat("0", 2<<20)+`"}`)
	if err == nil { // the client may fail to write the rest before it reads the response
		require.Equal(t, http.StatusBadRequest, got.status)
	}
	require.False(t, f.Requests()[0].Read)
}

func TestUnknownEndpointsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for want, requests := range map[int][][2]string{
		http.StatusMethodNotAllowed: {{"GET", collectReq}, {"PUT", applications}, {"POST", datasources}},
		http.StatusNotFound:         {{"POST", "/orgApi/rest/v4/applications/DEMO"}, {"POST", "/orgApi/rest/v3/messages/collect/req"}, {"GET", "/"}},
	} {
		for _, r := range requests {
			got, err := f.send(t.Context(), r[0], r[1], "application/json", "{}")
			require.NoError(t, err)
			require.Equal(t, want, got.status, "%v", r)
		}
	}
}

func TestTheLimitsAreConfigurable(t *testing.T) {
	t.Parallel()
	f := newFixtureWith(t, simulator.Config{
		Org: "OTHER", CodeLife: time.Second, TokenLife: time.Hour, ResendAfter: time.Second, WrongPasswords: 1,
	})
	p := personAt(t, "plain")
	answer := f.post("/orgApi/rest/v2/applications/OTHER", form(p))
	r := &run{f, nil, p, answer["data"].(fields)["token"].(string), p.Website}
	password(r)
	f.advance(time.Second)
	resend(r)
	require.Equal(t, 2, r.texts())
	f.advance(59 * time.Minute)
	require.Equal(t, "10006 SUBMIT_CAPTCHA", code(r))
	require.Equal(t, "10003", r.login("wrong"))
	require.Equal(t, "30000", password(r))
}

func TestConcurrentRunsAreIndependent(t *testing.T) {
	t.Parallel()
	const each = 2 // flows have a wrong password each, and a third one would lock the number
	f := newFixture(t)
	var all sync.WaitGroup
	for key, acts := range flows {
		rounds := each
		if key == "weak-resettable" {
			rounds = 1 // the flow changes the password
		}
		all.Go(func() {
			for range rounds {
				r := f.apply(key)
				for _, a := range acts {
					if got := a.do(r); got != a.want {
						t.Errorf("%s: %s, not %s", key, got, a.want)
					}
				}
				f.Requests()
				f.Inbox(r.person.Phone)
			}
		})
	}
	all.Wait()
	requests := f.Requests()
	for i, a := range requests {
		require.Equal(t, i+1, a.Number)
		require.True(t, a.Read)
	}
	require.Equal(t, each*3, f.Arrivals(personAt(t, "beijing").QueryPassword))
}

func TestReturnedListsAreCopies(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	password(r)
	want := r.code()
	r.Requests()[0] = simulator.Arrival{}
	r.Inbox(r.person.Phone)[0] = simulator.Message{}
	simulator.People()[0], simulator.Carriers()[0] = simulator.Person{}, simulator.Carrier{}
	require.Equal(t, 1, r.Requests()[0].Number)
	require.Equal(t, want, r.code())
	require.Equal(t, "plain", simulator.Carriers()[0].Key)
	require.Equal(t, r.person, simulator.People()[0])
}
