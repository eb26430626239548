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
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

const sourcesPath = "/orgApi/rest/v2/orgs/DEMO/datasources"

// catalogued is a catalogue in front of a server, and its clock.
type catalogued struct {
	*juxinli.Catalogue
	*counted
	clock *clock
}

// catalogue is one whose server answers its nth request thus.
func catalogue(t *testing.T, answer func(n int) string) *catalogued {
	t.Helper()
	s, now := counting(t, func(_ string, n int) string { return answer(n) }), newClock()
	c, err := client(t, s.URL).Catalogue(juxinli.CatalogueConfig{
		TTL: time.Minute, StaleFor: time.Hour, RetryAfter: 10 * time.Second, Now: now.Now,
	})
	require.NoError(t, err)
	return &catalogued{c, s, now}
}

// listing is a list of sources: websites that are online, and "-" before those that are not.
func listing(websites ...string) string {
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

func (c *catalogued) requests() int { return c.asked(sourcesPath) }

func TestTheCatalogueIsFetchedOnceInItsTime(t *testing.T) {
	t.Parallel()
	c := catalogue(t, func(n int) string {
		if n == 1 {
			return listing("chinamobilejs")
		}
		return listing("-chinamobilejs")
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
	c.clock.advance(time.Minute - 1)
	require.NoError(t, c.Check(t.Context(), "chinamobilejs"))
	require.Equal(t, 1, c.requests())
	c.clock.advance(1)
	err := c.Check(t.Context(), "chinamobilejs")
	require.ErrorIs(t, err, juxinli.ErrOffline)
	var offline *juxinli.OfflineError
	require.ErrorAs(t, err, &offline)
	require.Equal(t, juxinli.OfflineError{Website: "chinamobilejs", Name: "名"}, *offline)
	require.Equal(t, 2, c.requests())
}

func TestAnOlderCatalogueIsGoodWhileUpstreamFails(t *testing.T) {
	t.Parallel()
	c := catalogue(t, func(n int) string {
		if n == 1 || n > 4 {
			return listing("chinamobilejs")
		}
		return `}{`
	})
	ask := func(requests int) error {
		_, err := c.Source(t.Context(), "chinamobilejs")
		require.Equal(t, requests, c.requests())
		return err
	}
	require.NoError(t, ask(1))
	c.clock.advance(time.Minute)
	require.NoError(t, ask(2), "stale while it fails")
	c.clock.advance(10*time.Second - 1)
	require.NoError(t, ask(2), "and not asked again at once")
	c.clock.advance(1)
	require.NoError(t, ask(3))
	c.clock.advance(time.Hour - 10*time.Second)
	require.ErrorIs(t, ask(4), juxinli.ErrMalformed, "too old")
	require.ErrorIs(t, ask(4), juxinli.ErrMalformed, "the failure is remembered")
	c.clock.advance(10 * time.Second)
	require.NoError(t, ask(5))
	require.NoError(t, ask(5), "and it is forgotten")
}

func TestTheCatalogueIsTheCallers(t *testing.T) {
	t.Parallel()
	c := catalogue(t, func(int) string { return listing("a", "-b") })
	list, err := c.Sources(t.Context())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]carrierfsm.Source{{Website: "a", Name: "名", Online: true}, {Website: "b", Name: "名"}}, list))
	list[0].Website = "x"
	_, err = c.Source(t.Context(), "a")
	require.NoError(t, err)
	_, err = c.Source(t.Context(), "x")
	require.ErrorIs(t, err, juxinli.ErrUnknownSource)
	require.ErrorIs(t, c.Check(t.Context(), ""), juxinli.ErrUnknownSource)
	require.Equal(t, 1, c.requests())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, c.Check(ctx, "a"), "what is kept needs no time")
}

func TestAPhoneIsServedWhileOneSourceOfItsOperatorIs(t *testing.T) {
	t.Parallel()
	const mobile, telecom, unicom, reseller = "13800138000", "18900138000", "13000138000", "17000138000"
	for _, c := range []struct {
		list    string
		offline []string
	}{
		{listing("chinamobilejs", "-chinamobilebj", "chinaunicom", "chinatelecomjl"), nil},
		{listing("-chinamobilejs", "-chinamobilebj", "chinaunicom", "chinatelecomjl"), []string{mobile}},
		{listing("chinamobilejs", "-chinaunicom", "-chinatelecomjl"), []string{telecom, unicom}},
		{listing("jd"), nil},
		{listing(), nil},
	} {
		var got []string
		cat := catalogue(t, func(int) string { return c.list })
		for _, phone := range []string{mobile, telecom, unicom, reseller, "", "138"} {
			if err := cat.CheckPhone(t.Context(), phone); err != nil {
				require.ErrorIs(t, err, juxinli.ErrOffline)
				require.NotContains(t, err.Error(), phone)
				got = append(got, phone)
			}
		}
		require.Equal(t, c.offline, got, c.list)
	}
	failing := catalogue(t, func(int) string { return `{"success":false}` })
	require.ErrorIs(t, failing.CheckPhone(t.Context(), mobile), juxinli.ErrMalformed)
	require.NoError(t, failing.CheckPhone(t.Context(), reseller))
}

func TestAnOperatorIsFoundByItsNumbers(t *testing.T) {
	t.Parallel()
	for phone, want := range map[string]juxinli.Operator{
		"13800138000": juxinli.ChinaMobile, "19800138000": juxinli.ChinaMobile, "13400138000": juxinli.ChinaMobile,
		"13000138000": juxinli.ChinaUnicom, "19600138000": juxinli.ChinaUnicom,
		"13300138000": juxinli.ChinaTelecom, "19900138000": juxinli.ChinaTelecom,
		"13490138000": "", "17000138000": "", "19200138000": "", "1380013800": "", "138001380000": "", "": "", "abcdefghijk": "",
	} {
		got, ok := juxinli.OperatorOf(phone)
		require.Equal(t, want, got, phone)
		require.Equal(t, want != "", ok, phone)
	}
	require.Equal(t, "chinamobilejs", juxinli.ChinaMobile.Website("JS"))
	require.Equal(t, "chinatelecomjl", juxinli.ChinaTelecom.Website("jl"))
	require.Equal(t, "chinaunicom", juxinli.ChinaUnicom.Website("js"))
}

func TestACatalogueRefusesNegativeBounds(t *testing.T) {
	t.Parallel()
	for _, cfg := range []juxinli.CatalogueConfig{{TTL: -1}, {StaleFor: -1}, {RetryAfter: -1}, {Timeout: -1}} {
		_, err := client(t, "https://example.com").Catalogue(cfg)
		require.Error(t, err)
	}
}
