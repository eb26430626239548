package main

import (
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/carrierfsm/carrierfsm/httpapi"
)

// rateLimit is a token bucket for each client.
type rateLimit struct {
	burst     int     // tokens in a full bucket
	perSecond float64 // tokens that come back
}

// times returns a limit for n clients together.
func (l rateLimit) times(n int) rateLimit {
	return rateLimit{burst: l.burst * n, perSecond: l.perSecond * float64(n)}
}

// The tokens for a request. The page's files cost none: they are small, in memory, and
// the same for everybody. An answer may cause a call to upstream and spend one of
// the person's attempts, so it costs more than a read.
const (
	costRead   = 1
	costAnswer = 4
)

// perSite is how many times the limit of a client a whole site has: a /48 network of
// IPv6, of which one customer can have each /64.
const perSite = 8

// maxClients bounds the memory for buckets.
const maxClients = 50_000

// limiter keeps a bucket for each recent client. Beyond maxClients it forgets the one
// that was not seen for the longest time. It is safe for concurrent use.
type limiter struct {
	rateLimit
	now    func() time.Time
	refuse func(w http.ResponseWriter, r *http.Request, p httpapi.Problem)
	max    int

	mu      sync.Mutex
	buckets map[netip.Prefix]*list.Element // of *bucket
	recent  *list.List                     // the most recent first
}

type bucket struct {
	*rate.Limiter
	who netip.Prefix
}

func newLimiter(a rateLimit, now func() time.Time, refuse func(http.ResponseWriter, *http.Request, httpapi.Problem)) *limiter {
	return &limiter{
		rateLimit: a, now: now, refuse: refuse, max: maxClients,
		buckets: make(map[netip.Prefix]*list.Element), recent: list.New(),
	}
}

// limit passes a request on, or responds with 429 and the seconds to wait.
func (l *limiter) limit(cost int, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait := l.takeTokens(clientAddress(r), cost); wait > 0 {
			l.refuse(w, r, httpapi.Problem{Status: http.StatusTooManyRequests, Code: "too_many_requests", RetryAfter: int(wait / time.Second)})
			return
		}
		next(w, r)
	}
}

// takeTokens takes tokens from the buckets of a client and of its site. If one has too
// few, it takes none and returns how long to wait.
func (l *limiter) takeTokens(who netip.Addr, cost int) (wait time.Duration) {
	wait, _ = l.reserve(who, cost)
	return wait
}

// reserve is takeTokens, and returns a function that gives the tokens back.
func (l *limiter) reserve(who netip.Addr, cost int) (wait time.Duration, giveBack func()) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.bucket(clientPrefix(who), l.rateLimit).ReserveN(now, cost)
	giveBack = func() { own.CancelAt(now) }
	if wait = delay(own, now); wait == 0 && who.Is6() {
		prefix, _ := who.Prefix(48)
		site := l.bucket(prefix, l.times(perSite)).ReserveN(now, cost)
		wait = delay(site, now)
		giveBack = func() {
			own.CancelAt(now)
			site.CancelAt(now)
		}
	}
	if wait > 0 {
		giveBack()
	}
	return wait, giveBack
}

// delay returns how long to wait for a reservation, in whole seconds, rounded up.
func delay(r *rate.Reservation, now time.Time) time.Duration {
	if !r.OK() {
		return time.Hour // the bucket is too small for this request
	}
	return time.Duration(math.Ceil(r.DelayFrom(now).Seconds())) * time.Second
}

// bucket returns the bucket of a client, which is now the most recent one.
func (l *limiter) bucket(who netip.Prefix, limit rateLimit) *bucket {
	if e, found := l.buckets[who]; found {
		l.recent.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if l.recent.Len() >= l.max {
		delete(l.buckets, l.recent.Remove(l.recent.Back()).(*bucket).who)
	}
	b := &bucket{rate.NewLimiter(rate.Limit(limit.perSecond), limit.burst), who}
	l.buckets[who] = l.recent.PushFront(b)
	return b
}

// clientAddress returns the address that a request counts for.
//
// Behind a proxy this is the proxy's address, so all persons share one bucket: there,
// use the address that your own proxy appended last to X-Forwarded-For, never the
// first, which a client can forge. Mobile operators put many phones behind one IPv4
// address, so keep the burst generous. The machine limits the attempts for each
// verification, whatever the address.
func clientAddress(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.IPv4Unspecified() // all share one bucket
	}
	return at.Addr().Unmap().WithZone("")
}

// clientPrefix returns the network that one person has whole: an IPv4 address, or a /64
// network of IPv6.
func clientPrefix(who netip.Addr) netip.Prefix {
	bits := 32
	if who.Is6() {
		bits = 64
	}
	prefix, _ := who.Prefix(bits) // never fails for a valid address
	return prefix
}
