package sendonce_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

// observation is what an observer received for one request.
type observation struct {
	carrierfsm.ExchangeStart
	carrierfsm.ExchangeDone
}

// newObserved returns an observed client of a fake server.
func newObserved(t *testing.T, set ...func(*sendonce.Config)) (*sendonce.Client, *fsmtest.Server, *[]observation) {
	t.Helper()
	server, list := newFake(t), new([]observation)
	c := newClient(t, server.URL, append(set, func(cfg *sendonce.Config) {
		cfg.Observer = &carrierfsm.Observer{Exchange: func(_ context.Context, e carrierfsm.ExchangeStart) func(carrierfsm.ExchangeDone) {
			return func(ended carrierfsm.ExchangeDone) { *list = append(*list, observation{e, ended}) }
		}}
	})...)
	return c, server, list
}

// The path's values, the query, the header and the body do not reach the observer.
func TestEachRequestIsObservedWithoutItsValues(t *testing.T) {
	t.Parallel()
	c, _, list := newObserved(t)
	_, err := c.Do(t.Context(), post())
	require.NoError(t, err)
	require.Len(t, *list, 1)
	(*list)[0].Port = 0
	require.Empty(t, cmp.Diff(observation{
		carrierfsm.ExchangeStart{Method: http.MethodPost, Host: "127.0.0.1", Template: "/v1/tasks/{id}"},
		carrierfsm.ExchangeDone{Status: 200, Version: "1.1"},
	}, (*list)[0]))
}

func TestTheFailureIsObserved(t *testing.T) {
	t.Parallel()
	const answered = "1.1"
	for name, c := range map[string]struct {
		fault fsmtest.Breakage
		want  carrierfsm.ExchangeDone
	}{
		"lost":      {fsmtest.BreakReply, carrierfsm.ExchangeDone{Failure: "broken"}},
		"html":      {fsmtest.BreakHTML, carrierfsm.ExchangeDone{Status: 200, Version: answered, Failure: "not_json"}},
		"failed":    {fsmtest.BreakStatus, carrierfsm.ExchangeDone{Status: 503, Version: answered, Failure: "status"}},
		"elsewhere": {fsmtest.BreakRedirect, carrierfsm.ExchangeDone{Status: 307, Version: answered, Failure: "status"}},
		"endless":   {fsmtest.BreakSize, carrierfsm.ExchangeDone{Status: 200, Version: answered, Failure: "too_large"}},
		"slow":      {fsmtest.BreakSlow, carrierfsm.ExchangeDone{Failure: "timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server, list := newObserved(t, func(cfg *sendonce.Config) {
				if name == "slow" {
					cfg.Timeout = 300 * time.Millisecond
				}
			})
			server.Break(c.fault)
			_, err := client.Do(t.Context(), post())
			require.Error(t, err)
			require.Len(t, *list, 1)
			require.Empty(t, cmp.Diff(c.want, (*list)[0].ExchangeDone))
		})
	}
}

func TestNotSentIsObserved(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for want, call := range map[carrierfsm.ExchangeDone]struct {
		ctx  context.Context //nolint:containedctx // of one call each
		base string
	}{
		{Failure: "connect", NotSent: true}:  {t.Context(), "http://127.0.0.1:1"},
		{Failure: "canceled", NotSent: true}: {ended, ""},
		{Failure: "timeout", NotSent: true}:  {late, ""},
	} {
		client, server, list := newObserved(t, func(cfg *sendonce.Config) {
			if call.base != "" {
				cfg.BaseURL = call.base
			}
		})
		_, err := client.Do(call.ctx, post())
		require.ErrorIs(t, err, carrierfsm.ErrNotSent)
		require.Zero(t, server.Arrivals("246810"))
		require.Len(t, *list, 1)
		require.Equal(t, want, (*list)[0].ExchangeDone)
	}
}

func TestTheDefaultPortIsObserved(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]int{"https://127.0.0.1": 443, "http://127.0.0.1": 80, "http://127.0.0.1:8080": 8080} {
		var got carrierfsm.ExchangeStart
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		c := newClient(t, base, func(cfg *sendonce.Config) {
			cfg.Observer = &carrierfsm.Observer{Exchange: func(_ context.Context, e carrierfsm.ExchangeStart) func(carrierfsm.ExchangeDone) {
				got = e
				return func(carrierfsm.ExchangeDone) {}
			}}
		})
		_, err := c.Do(ended, get())
		require.ErrorIs(t, err, carrierfsm.ErrNotSent)
		require.Equal(t, want, got.Port, base)
	}
}

// A function of the host's configuration that panics ends the request; the
// observer is called.
func TestAPanicIsObserved(t *testing.T) {
	t.Parallel()
	client, _, list := newObserved(t, func(cfg *sendonce.Config) {
		cfg.BaseURL = "https://127.0.0.1:1"
		cfg.Proxy = func(*http.Request) (*url.URL, error) { panic("no proxy today") }
	})
	require.Panics(t, func() { _, _ = client.Do(t.Context(), post()) })
	require.Len(t, *list, 1)
	require.Equal(t, "panic", (*list)[0].Failure)
}
