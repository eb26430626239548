package juxinli_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

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
func newObserved(t *testing.T) (*juxinli.Client, *[]observation, int) {
	t.Helper()
	sim := simulator.New(simulator.Config{})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	list := new([]observation)
	c := newClient(t, server.URL, func(cfg *juxinli.Config) {
		cfg.Observer = &carrierfsm.Observer{Exchange: func(_ context.Context, e carrierfsm.ExchangeStart) func(carrierfsm.ExchangeDone) {
			return func(ended carrierfsm.ExchangeDone) { *list = append(*list, observation{e, ended}) }
		}}
	})
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(address.Port())
	require.NoError(t, err)
	return c, list, port
}

// The org, tokens and queries must not reach the observer.
func TestEachRequestIsObservedWithoutItsValues(t *testing.T) {
	t.Parallel()
	c, list, port := newObserved(t)
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
