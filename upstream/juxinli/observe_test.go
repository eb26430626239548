package juxinli_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// observation is what an observer received for one request.
type observation struct {
	carrierfsm.ExchangeStart
	carrierfsm.ExchangeDone
}

// newObserved returns an observed client of a simulator.
func newObserved(t *testing.T, set ...func(*juxinli.Config)) (*juxinli.Client, *simulator.Server, *[]observation, int) {
	t.Helper()
	sim := simulator.New(simulator.Config{})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	list := new([]observation)
	c := newClient(t, server.URL, append(set, func(cfg *juxinli.Config) {
		cfg.Observer = &carrierfsm.Observer{Exchange: func(_ context.Context, e carrierfsm.ExchangeStart) func(carrierfsm.ExchangeDone) {
			return func(ended carrierfsm.ExchangeDone) { *list = append(*list, observation{e, ended}) }
		}}
	})...)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(address.Port())
	require.NoError(t, err)
	return c, sim, list, port
}

// The org, tokens and queries must not reach the observer.
func TestEachRequestIsObservedWithoutItsValues(t *testing.T) {
	t.Parallel()
	c, _, list, port := newObserved(t)
	ctx := t.Context()
	receipt, err := c.Apply(ctx, carrierfsm.Application{Form: form(simulator.People()[0])})
	require.NoError(t, err)
	r := request("246810")
	r.Token, r.Website, r.Account = receipt.Token, receipt.Source.Website, carrierfsm.NewSecret(simulator.People()[0].Phone)
	_, err = c.Collect(ctx, r)
	require.NoError(t, err)
	_, err = c.Datasources(ctx)
	require.NoError(t, err)
	data, err := c.Data(juxinli.DataConfig{ClientSecret: carrierfsm.NewSecret("wrong"), Tries: 1})
	require.NoError(t, err)
	_, err = data.Job(ctx, receipt.Token)
	require.Error(t, err)
	did := func(method, template string) observation {
		return observation{
			carrierfsm.ExchangeStart{Method: method, Host: "127.0.0.1", Port: port, Template: template},
			carrierfsm.ExchangeDone{Status: 200, Version: "1.1"},
		}
	}
	require.Empty(t, cmp.Diff([]observation{
		did(http.MethodPost, "/orgApi/rest/v2/applications/{org}"),
		did(http.MethodPost, "/orgApi/rest/v2/messages/collect/req"),
		did(http.MethodGet, "/orgApi/rest/v2/orgs/{org}/datasources"),
		did(http.MethodGet, "/api/v2/access_report_token"),
	}, *list))
}

func TestTheFailureIsObserved(t *testing.T) {
	t.Parallel()
	const answered = "1.1"
	for name, c := range map[string]struct {
		fault simulator.Fault
		want  carrierfsm.ExchangeDone
	}{
		"lost":      {simulator.DropAfterReading(), carrierfsm.ExchangeDone{Failure: "broken"}},
		"garbage":   {simulator.Garbage(), carrierfsm.ExchangeDone{Status: 200, Version: answered}}, // the decoder fails, after the exchange
		"html":      {simulator.HTML(), carrierfsm.ExchangeDone{Status: 200, Version: answered, Failure: "not_json"}},
		"failed":    {simulator.ServerError(true), carrierfsm.ExchangeDone{Status: 503, Version: answered, Failure: "status"}},
		"elsewhere": {simulator.Redirect("http://127.0.0.1:1/"), carrierfsm.ExchangeDone{Status: 307, Version: answered, Failure: "status"}},
		"endless":   {simulator.Oversized(), carrierfsm.ExchangeDone{Status: 200, Version: answered, Failure: "too_large"}},
		"slow":      {simulator.SlowHeader(time.Hour), carrierfsm.ExchangeDone{Failure: "timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, sim, list, _ := newObserved(t, func(cfg *juxinli.Config) {
				if name == "slow" {
					cfg.Timeout = 300 * time.Millisecond
				}
			})
			sim.FaultNext(c.fault)
			_, err := client.Collect(t.Context(), request("246810"))
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
		client, sim, list, _ := newObserved(t, func(cfg *juxinli.Config) {
			if call.base != "" {
				cfg.BaseURL = call.base
			}
		})
		_, err := client.Collect(call.ctx, request("246810"))
		require.ErrorIs(t, err, carrierfsm.ErrNotSent)
		require.Empty(t, sim.Requests())
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
		c := newClient(t, base, func(cfg *juxinli.Config) {
			cfg.Observer = &carrierfsm.Observer{Exchange: func(_ context.Context, e carrierfsm.ExchangeStart) func(carrierfsm.ExchangeDone) {
				got = e
				return func(carrierfsm.ExchangeDone) {}
			}}
		})
		_, err := c.Datasources(ended)
		require.ErrorIs(t, err, carrierfsm.ErrNotSent)
		require.Equal(t, want, got.Port, base)
	}
}

// A function of the host's configuration that panics ends the request; the
// observer is called.
func TestAPanicIsObserved(t *testing.T) {
	t.Parallel()
	client, _, list, _ := newObserved(t, func(cfg *juxinli.Config) {
		cfg.BaseURL = "https://127.0.0.1:1"
		cfg.Proxy = func(*http.Request) (*url.URL, error) { panic("no proxy today") }
	})
	require.Panics(t, func() { _, _ = client.Collect(t.Context(), request("246810")) })
	require.Len(t, *list, 1)
	require.Equal(t, "panic", (*list)[0].Failure)
}
