package main

import (
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm/httpapi"
)

// rateLimit is a token bucket for each client.
type rateLimit struct {
	burst     float64 // tokens in a full bucket
	perSecond float64 // tokens that come back
}

// The tokens for a request. An answer may cause a call to upstream and spend one of
// the person's attempts, so it costs more than a read.
const (
	costRead   = 1
	costAnswer = 4
)

// limiter keeps a bucket for each recent client. It is safe for concurrent use.
type limiter struct {
	rateLimit
	now func() time.Time

	mu      sync.Mutex
	buckets map[netip.Prefix]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// maxClients bounds the memory for buckets.
const maxClients = 50_000

func newLimiter(a rateLimit, now func() time.Time) *limiter {
	return &limiter{rateLimit: a, now: now, buckets: make(map[netip.Prefix]*bucket)}
}

// limit passes a request on, or responds with 429 and the seconds to wait.
func (l *limiter) limit(cost float64, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait := l.takeTokens(clientPrefix(r), cost); wait > 0 {
			httpapi.WriteProblem(w, r, httpapi.Problem{Status: http.StatusTooManyRequests, Code: "too_many_requests", RetryAfter: int(wait / time.Second)})
			return
		}
		next(w, r)
	}
}

// takeTokens takes tokens from a client's bucket. If there are too few, it takes none
// and returns how long to wait.
func (l *limiter) takeTokens(who netip.Prefix, cost float64) (wait time.Duration) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[who]
	if b == nil {
		l.evict(now)
		b = &bucket{tokens: l.burst, at: now}
		l.buckets[who] = b
	}
	b.fill(now, l.rateLimit)
	if missing := cost - b.tokens; missing > 0 {
		return time.Duration(math.Ceil(missing/l.perSecond)) * time.Second
	}
	b.tokens -= cost
	return 0
}

func (b *bucket) fill(now time.Time, a rateLimit) {
	b.tokens = min(a.burst, b.tokens+a.perSecond*max(0, now.Sub(b.at).Seconds()))
	b.at = now
}

// evict removes full buckets at maxClients, and all if that is not enough.
func (l *limiter) evict(now time.Time) {
	if len(l.buckets) < maxClients {
		return
	}
	for who, b := range l.buckets {
		if b.fill(now, l.rateLimit); b.tokens >= l.burst {
			delete(l.buckets, who)
		}
	}
	if len(l.buckets) >= maxClients {
		clear(l.buckets)
	}
}

// clientPrefix returns the client that a request counts for: its IPv4 address, or the
// /64 network of its IPv6 address, which one person has whole.
//
// Behind a proxy this is the proxy's address, so all persons share one bucket: there,
// use the address that your own proxy appended last to X-Forwarded-For, never the
// first, which a client can forge. Mobile operators put many phones behind one IPv4
// address, so keep the burst generous. The machine limits the attempts for each
// verification, whatever the address.
func clientPrefix(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	address := at.Addr().Unmap()
	bits := 32
	if address.Is6() {
		bits = 64
	}
	who, _ := address.WithZone("").Prefix(bits) // never fails for a valid address
	return who
}
