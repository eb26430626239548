package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAClientAboveItsRateLimitWaits(t *testing.T) {
	t.Parallel()
	o := testOptions(newAggregator(t))
	o.allowance = rateLimit{burst: 6, perSecond: 0.01}
	c := newAPIClient(t, start(t, o), "plain")
	require.Equal(t, http.StatusOK, c.get().status)
	require.Equal(t, http.StatusNotFound, c.post("cancel", fields{}).status, "this takes four of five tokens")
	require.Equal(t, http.StatusOK, c.get().status)
	g := c.get()
	require.Equal(t, http.StatusTooManyRequests, g.status)
	require.Equal(t, "too_many_requests", g.code())
	require.Equal(t, "100", g.header.Get("Retry-After"))
}

func TestABucketRefills(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := newLimiter(rateLimit{burst: 10, perSecond: 2}, func() time.Time { return now }, nil)
	one := netip.MustParseAddr("192.0.2.1")
	require.Zero(t, l.takeTokens(one, 10))
	require.Equal(t, 2*time.Second, l.takeTokens(one, 4))
	now = now.Add(2 * time.Second)
	require.Zero(t, l.takeTokens(one, 4))
	require.NotZero(t, l.takeTokens(one, 1))
	now = now.Add(time.Hour)
	require.NotZero(t, l.takeTokens(one, 11), "never more than the burst")
	require.Zero(t, l.takeTokens(one, 10), "a refused request takes nothing")
}

func requestFrom(address string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = address
	return r
}

func TestAClientIsAnAddressOrANetwork(t *testing.T) {
	t.Parallel()
	client := func(address string) netip.Prefix { return clientPrefix(clientAddress(requestFrom(address))) }
	require.Equal(t, client("192.0.2.1:1000"), client("192.0.2.1:2000"))
	require.Equal(t, client("192.0.2.1:1000"), client("[::ffff:192.0.2.1]:2000"))
	require.NotEqual(t, client("192.0.2.1:1000"), client("192.0.2.2:1000"))
	require.Equal(t, client("[2001:db8::1]:1"), client("[2001:db8::2%eth0]:1"), "one person's network")
	require.NotEqual(t, client("[2001:db8::1]:1"), client("[2001:db8:0:1::1]:1"))
	require.Equal(t, client("@"), client("pipe"), "what is no address")
}

// Who has many /64 networks of one /48 has not as many limits.
func TestASiteHasALimitToo(t *testing.T) {
	t.Parallel()
	l := newLimiter(rateLimit{burst: 10, perSecond: 2}, func() time.Time { return time.Unix(0, 0) }, nil)
	client := func(site, network int) netip.Addr {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::1", site, network))
	}
	for n := range perSite {
		require.Zero(t, l.takeTokens(client(1, n), 10))
	}
	require.NotZero(t, l.takeTokens(client(1, 100), 1), "the site has none left")
	require.Zero(t, l.takeTokens(client(2, 1), 10), "another site has")
	require.NotZero(t, l.takeTokens(client(2, 1), 1))
	require.Zero(t, l.takeTokens(client(2, 2), 10), "what one network was refused costs the other nothing")
}

// A full table forgets the client that was away for the longest time, and no other.
func TestAFullTableForgetsTheOldestOnly(t *testing.T) {
	t.Parallel()
	l := newLimiter(rateLimit{burst: 10, perSecond: 2}, func() time.Time { return time.Unix(0, 0) }, nil)
	l.max = 100
	client := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}) }
	for n := range 100 {
		require.Zero(t, l.takeTokens(client(n), 10))
	}
	require.NotZero(t, l.takeTokens(client(0), 1), "it is the most recent again")
	require.Zero(t, l.takeTokens(client(200), 10))
	for n := range 100 {
		if n != 1 {
			require.NotZero(t, l.takeTokens(client(n), 1), "client %d is remembered", n)
		}
	}
	require.Zero(t, l.takeTokens(client(1), 10), "the oldest was forgotten")
	require.Len(t, l.buckets, 100)
}
