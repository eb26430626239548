package juxinli_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

const sourcesPath = "/orgApi/rest/v2/orgs/DEMO/datasources"

// catalogueFixture is a catalogue with its server and clock.
type catalogueFixture struct {
	*juxinli.Catalogue
	*countingServer
	clock *fsmtest.Clock
}

// newCatalogueFixture returns a catalogue whose server answers its nth request
// with answer(n).
func newCatalogueFixture(t *testing.T, answer func(n int) string) *catalogueFixture {
	t.Helper()
	s, now := newCountingServer(t, func(_ string, n int) string { return answer(n) }), fsmtest.NewClock()
	c, err := newClient(t, s.URL).Catalogue(juxinli.CatalogueConfig{
		TTL: time.Minute, StaleFor: time.Hour, RetryAfter: 10 * time.Second, Now: now.Now,
	})
	require.NoError(t, err)
	return &catalogueFixture{c, s, now}
}

// sourceList returns a response with sources; a "-" before a website means offline.
func sourceList(websites ...string) string {
	list := ""
	for i, w := range websites {
		status := 1
		if w[0] == '-' {
			w, status = w[1:], 0
		}
		if i > 0 {
			list += ","
		}
		list += fmt.Sprintf(`{"website":%q,"name":"名","status":%d}`, w, status)
	}
	return `{"success":true,"data":[` + list + `]}`
}

func (c *catalogueFixture) fetches() int { return c.requests(sourcesPath) }

func TestTheCatalogueIsFetchedOncePerTTL(t *testing.T) {
	t.Parallel()
	c := newCatalogueFixture(t, func(n int) string {
		if n == 1 {
			return sourceList("chinamobilejs")
		}
		return sourceList("-chinamobilejs")
	})
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if err := c.Check(t.Context(), "chinamobilejs"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	c.clock.Advance(time.Minute - 1)
	require.NoError(t, c.Check(t.Context(), "chinamobilejs"))
	require.Equal(t, 1, c.fetches())
	c.clock.Advance(1)
	err := c.Check(t.Context(), "chinamobilejs")
	require.ErrorIs(t, err, juxinli.ErrOffline)
	var offline *juxinli.OfflineError
	require.ErrorAs(t, err, &offline)
	require.Equal(t, juxinli.OfflineError{Website: "chinamobilejs", Name: "名"}, *offline)
	require.Equal(t, 2, c.fetches())
}

func TestAStaleCatalogueIsUsedWhileUpstreamFails(t *testing.T) {
	t.Parallel()
	c := newCatalogueFixture(t, func(n int) string {
		if n == 1 || n > 4 {
			return sourceList("chinamobilejs")
		}
		return `}{`
	})
	ask := func(requests int) error {
		_, err := c.Source(t.Context(), "chinamobilejs")
		require.Equal(t, requests, c.fetches())
		return err
	}
	require.NoError(t, ask(1))
	c.clock.Advance(time.Minute)
	require.NoError(t, ask(2), "the stale list, while upstream fails")
	c.clock.Advance(10*time.Second - 1)
	require.NoError(t, ask(2), "no fetch before RetryAfter")
	c.clock.Advance(1)
	require.NoError(t, ask(3))
	c.clock.Advance(time.Hour - 10*time.Second)
	require.ErrorIs(t, ask(4), juxinli.ErrMalformed, "older than StaleFor")
	require.ErrorIs(t, ask(4), juxinli.ErrMalformed, "the failure is cached")
	c.clock.Advance(10 * time.Second)
	require.NoError(t, ask(5))
	require.NoError(t, ask(5), "the failure is dropped after a success")
}

func TestCallersCannotChangeTheCatalogue(t *testing.T) {
	t.Parallel()
	c := newCatalogueFixture(t, func(int) string { return sourceList("a", "-b") })
	list, err := c.Sources(t.Context())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]carrierfsm.Source{{Website: "a", Name: "名", Online: true}, {Website: "b", Name: "名"}}, list))
	list[0].Website = "x"
	_, err = c.Source(t.Context(), "a")
	require.NoError(t, err)
	_, err = c.Source(t.Context(), "x")
	require.ErrorIs(t, err, juxinli.ErrUnknownSource)
	require.ErrorIs(t, c.Check(t.Context(), ""), juxinli.ErrUnknownSource)
	require.Equal(t, 1, c.fetches())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, c.Check(ctx, "a"), "a cached list needs no fetch")
}

func TestAPhoneIsOfflineIfAllSourcesOfItsOperatorAre(t *testing.T) {
	t.Parallel()
	const mobile, telecom, unicom, reseller = "13800138000", "18900138000", "13000138000", "17000138000"
	for _, c := range []struct {
		list    string
		offline []string
	}{
		{sourceList("chinamobilejs", "-chinamobilebj", "chinaunicom", "chinatelecomjl"), nil},
		{sourceList("-chinamobilejs", "-chinamobilebj", "chinaunicom", "chinatelecomjl"), []string{mobile}},
		{sourceList("chinamobilejs", "-chinaunicom", "-chinatelecomjl"), []string{telecom, unicom}},
		{sourceList("jd"), nil},
		{sourceList(), nil},
	} {
		var got []string
		cat := newCatalogueFixture(t, func(int) string { return c.list })
		for _, phone := range []string{mobile, telecom, unicom, reseller, "", "138"} {
			if err := cat.CheckPhone(t.Context(), phone); err != nil {
				require.ErrorIs(t, err, juxinli.ErrOffline)
				require.NotContains(t, err.Error(), phone)
				got = append(got, phone)
			}
		}
		require.Equal(t, c.offline, got, c.list)
	}
	failing := newCatalogueFixture(t, func(int) string { return `{"success":false}` })
	require.ErrorIs(t, failing.CheckPhone(t.Context(), mobile), juxinli.ErrMalformed)
	require.NoError(t, failing.CheckPhone(t.Context(), reseller))
}

func TestACatalogueRefusesNegativeBounds(t *testing.T) {
	t.Parallel()
	for _, cfg := range []juxinli.CatalogueConfig{{TTL: -1}, {StaleFor: -1}, {RetryAfter: -1}, {Timeout: -1}} {
		_, err := newClient(t, "https://example.com").Catalogue(cfg)
		require.Error(t, err)
	}
}

func TestConcurrentCallersFetchTheCatalogueOnce(t *testing.T) {
	t.Parallel()
	c := newCatalogueFixture(t, func(int) string { return sourceList("a") })
	check := func(ctx context.Context) { require.NoError(t, c.Check(ctx, "a")) }
	check(&delayedContext{Context: t.Context(), meanwhile: func() { check(t.Context()) }})
	require.Equal(t, 1, c.fetches())
}
