package juxinli_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// newGuarded returns a guard of a simulator; websites are what the host knows of
// phone numbers.
func newGuarded(tb testing.TB, websites map[string]string) (*juxinli.Guard, *simulator.Server, *httptest.Server) {
	tb.Helper()
	c, sim, server := newSimulated(tb)
	return newGuard(tb, c, websites), sim, server
}

func newGuard(tb testing.TB, c *juxinli.Client, websites map[string]string) *juxinli.Guard {
	tb.Helper()
	catalogue, err := c.Catalogue(juxinli.CatalogueConfig{})
	require.NoError(tb, err)
	_, err = catalogue.Sources(tb.Context())
	require.NoError(tb, err)
	g, err := juxinli.NewGuard(juxinli.GuardConfig{
		Client: c, Catalogue: catalogue,
		Website: func(_ context.Context, f carrierfsm.Form) string { return websites[fsmtest.Reveal(f.Phone)] },
	})
	require.NoError(tb, err)
	return g
}

func applications(sim *simulator.Server) (n int) {
	for _, r := range sim.Requests() {
		if r.Path == "/orgApi/rest/v2/applications/DEMO" {
			n++
		}
	}
	return n
}

func TestAnApplicationToAnOfflineSourceIsNotSent(t *testing.T) {
	t.Parallel()
	offline, online, unlisted := personOf(t, "offline"), personOf(t, "plain"), personOf(t, "unicom")
	g, sim, _ := newGuarded(t, map[string]string{
		offline.Phone: offline.Website, online.Phone: online.Website, unlisted.Phone: "chinamobilenowhere",
	})
	_, err := g.Apply(t.Context(), carrierfsm.Application{Form: form(offline)})
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	require.EqualError(t, err, "juxinli: applications: not sent: the data source is offline: chinamobilexz")
	var offlineErr *juxinli.OfflineError
	require.ErrorAs(t, err, &offlineErr)
	require.Equal(t, juxinli.OfflineError{Website: "chinamobilexz", Name: "西藏移动"}, *offlineErr)
	require.ErrorIs(t, g.Check(t.Context(), form(offline)), juxinli.ErrOffline)
	require.Zero(t, applications(sim))
	for i, p := range []simulator.Person{online, unlisted, personOf(t, "jilin")} {
		receipt, err := g.Apply(t.Context(), carrierfsm.Application{Form: form(p)})
		require.NoError(t, err)
		require.True(t, receipt.Accepted)
		require.Equal(t, i+1, applications(sim))
	}
}

// Nothing is sent, no attempt counts, and Submit returns the OfflineError.
func TestAVerificationStaysCreatedWhileItsSourceIsOffline(t *testing.T) {
	t.Parallel()
	person := personOf(t, "offline")
	g, sim, _ := newGuarded(t, map[string]string{person.Phone: person.Website})
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: g})
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close(context.Background())) }()
	v, err := m.Create(t.Context(), carrierfsm.NewVerification{})
	require.NoError(t, err)
	left := v.Prompt.AttemptsLeft
	for range 5 {
		_, err = m.Submit(t.Context(), v.ID, carrierfsm.Apply{Step: v.Step, Form: form(person), Consent: fsmtest.Consent()})
		_, offline := errors.AsType[*juxinli.OfflineError](err)
		require.True(t, offline, err)
		v, err = m.Get(t.Context(), v.ID)
		require.NoError(t, err)
		require.Equal(t, carrierfsm.Created, v.State)
		require.Zero(t, v.Step)
		require.Equal(t, left, v.Prompt.AttemptsLeft)
	}
	require.Zero(t, applications(sim))
}

func TestApplicationsAreSentWithoutACatalogue(t *testing.T) {
	t.Parallel()
	c, sim, _ := newSimulated(t)
	for _, fault := range []simulator.Fault{simulator.ServerError(false), simulator.Garbage(), simulator.DropAfterReading()} {
		catalogue, err := c.Catalogue(juxinli.CatalogueConfig{})
		require.NoError(t, err)
		g, err := juxinli.NewGuard(juxinli.GuardConfig{Client: c, Catalogue: catalogue})
		require.NoError(t, err)
		sim.FaultNext(fault)
		receipt, err := g.Apply(t.Context(), carrierfsm.Application{Form: form(personOf(t, "offline"))})
		require.NoError(t, err)
		require.True(t, receipt.Accepted)
	}
	require.Equal(t, 3, applications(sim))
}

func TestAGuardWaitsForTheCatalogueNoLongerThanItsTimeout(t *testing.T) {
	t.Parallel()
	person := personOf(t, "plain")
	_, sim, server := newSimulated(t)
	t.Cleanup(sim.Close) // ends the slow response before the server is closed
	c := newClient(t, server.URL, func(cfg *juxinli.Config) { cfg.Timeout = time.Hour })
	catalogue, err := c.Catalogue(juxinli.CatalogueConfig{Timeout: time.Hour})
	require.NoError(t, err)
	g, err := juxinli.NewGuard(juxinli.GuardConfig{Client: c, Catalogue: catalogue, Timeout: 1})
	require.NoError(t, err)
	sim.FaultWhen(func(a simulator.Arrival) bool { return a.Path == sourcesPath }, simulator.SlowHeader(time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // ends only if Apply waits for the catalogue
	defer cancel()
	receipt, err := g.Apply(ctx, carrierfsm.Application{Form: form(person)})
	require.NoError(t, err)
	require.True(t, receipt.Accepted)
}

func TestAGuardKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestUpstream(t, func(tb testing.TB) fsmtest.UpstreamSubject {
		s := contractSubject(tb)
		s.Upstream = newGuard(tb, s.Upstream.(*juxinli.Client), nil)
		return s
	})
}

func TestNewGuardRefusesAnInvalidConfig(t *testing.T) {
	t.Parallel()
	c := newClient(t, "https://example.com")
	catalogue, err := c.Catalogue(juxinli.CatalogueConfig{})
	require.NoError(t, err)
	for rule, cfg := range map[string]juxinli.GuardConfig{
		"no client": {Catalogue: catalogue}, "no catalogue": {Client: c},
		"a negative timeout": {Client: c, Catalogue: catalogue, Timeout: -1},
		"too long a timeout": {Client: c, Catalogue: catalogue, Timeout: 5e9},
	} {
		_, err := juxinli.NewGuard(cfg)
		require.Error(t, err, rule)
	}
}
