package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
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

func TestABucketRefillsAndIsEvicted(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := newLimiter(rateLimit{burst: 10, perSecond: 2}, func() time.Time { return now })
	from := func(address string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = address
		return r
	}
	one := clientPrefix(from("192.0.2.1:1000"))
	require.Equal(t, one, clientPrefix(from("192.0.2.1:2000")))
	require.Equal(t, one, clientPrefix(from("[::ffff:192.0.2.1]:2000")))
	require.NotEqual(t, one, clientPrefix(from("192.0.2.2:1000")))
	require.Equal(t, clientPrefix(from("[2001:db8::1]:1")), clientPrefix(from("[2001:db8::2]:1")), "one person's network")
	require.NotEqual(t, clientPrefix(from("[2001:db8::1]:1")), clientPrefix(from("[2001:db8:0:1::1]:1")))

	require.Zero(t, l.takeTokens(one, 10))
	require.Equal(t, 2*time.Second, l.takeTokens(one, 4))
	now = now.Add(2 * time.Second)
	require.Zero(t, l.takeTokens(one, 4))
	require.NotZero(t, l.takeTokens(one, 1))
	now = now.Add(time.Hour)
	require.NotZero(t, l.takeTokens(one, 11), "never more than the burst")
	for i := range maxClients + 10 {
		l.takeTokens(clientPrefix(from(fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>16, i&0xffff))), 1)
	}
	require.LessOrEqual(t, len(l.buckets), maxClients)
}
