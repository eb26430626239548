package main

import (
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// allowance is what one client may do: a bucket of tokens that fills up again.
type allowance struct {
	burst     float64 // tokens in a full bucket
	perSecond float64 // tokens that come back
}

// What a request takes out of the bucket. An answer may cost upstream's time
// and the person's attempts, so it costs more than a look.
const (
	costLook   = 1
	costAnswer = 4
)

// limiter keeps a bucket for each client that was here lately. It is safe for
// concurrent use.
type limiter struct {
	allowance
	now func() time.Time

	mu      sync.Mutex
	buckets map[netip.Prefix]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// maxClients bounds the memory that strangers can make us use.
const maxClients = 50_000

func newLimiter(a allowance, now func() time.Time) *limiter {
	return &limiter{allowance: a, now: now, buckets: make(map[netip.Prefix]*bucket)}
}

// guard lets a request through, or answers 429 with the seconds to wait.
func (l *limiter) guard(cost float64, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait := l.take(client(r), cost); wait > 0 {
			refuse(w, r, problem{status: http.StatusTooManyRequests, word: "too_many_requests", wait: wait})
			return
		}
		next(w, r)
	}
}

// take takes tokens out of a client's bucket; where there are too few it takes
// none and tells how long to wait.
func (l *limiter) take(who netip.Prefix, cost float64) (wait time.Duration) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[who]
	if b == nil {
		l.sweep(now)
		b = &bucket{tokens: l.burst, at: now}
		l.buckets[who] = b
	}
	b.fill(now, l.allowance)
	if missing := cost - b.tokens; missing > 0 {
		return time.Duration(math.Ceil(missing/l.perSecond)) * time.Second
	}
	b.tokens -= cost
	return 0
}

func (b *bucket) fill(now time.Time, a allowance) {
	b.tokens = min(a.burst, b.tokens+a.perSecond*max(0, now.Sub(b.at).Seconds()))
	b.at = now
}

// sweep forgets clients whose buckets are full again, and all of them where
// that does not make room.
func (l *limiter) sweep(now time.Time) {
	if len(l.buckets) < maxClients {
		return
	}
	for who, b := range l.buckets {
		if b.fill(now, l.allowance); b.tokens >= l.burst {
			delete(l.buckets, who)
		}
	}
	if len(l.buckets) >= maxClients {
		clear(l.buckets)
	}
}

// client is whom a request counts for: the address that it came from, or the
// network of 64 bits where that is IPv6, of which one person has them all.
//
// Behind a proxy this is the proxy, and all persons share one bucket: there,
// take the address that your own proxy wrote last into X-Forwarded-For, never
// the first, which anybody can invent. Whole cities of phones share one IPv4
// address behind their operator: keep the burst generous. What protects a
// person's number is counted by the machine, for each verification.
func client(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	address := at.Addr().Unmap()
	bits := 32
	if address.Is6() {
		bits = 64
	}
	who, _ := address.WithZone("").Prefix(bits) // of a valid address, never fails
	return who
}
