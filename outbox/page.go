package outbox

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pageSize is how many entries, and how many parked rows, are read at once.
	pageSize = 200
	// largestPage is how many entries are read at once while the handler is quick.
	largestPage = 8 * pageSize
	// After quickPage a page begins no calls beyond its first pageSize entries, except for entries
	// that lie before one that a worker has taken. What was delivered before a crash is
	// delivered again if the cursor was not moved.
	quickPage = 50 * time.Millisecond
)

// paging says how many entries the next page gets. Each page costs a read and a commit of
// the cursor, so pages grow while many entries wait and the handler is quick. The zero paging
// is pageSize.
type paging struct{ doublings int }

func (p *paging) size() int { return pageSize << p.doublings }

// next sizes the next page after one with n entries that took so long.
func (p *paging) next(n int, took time.Duration) {
	switch {
	case took > quickPage:
		p.doublings = max(0, p.doublings-1)
	case n == p.size() && took < quickPage/2 && n < largestPage:
		p.doublings++
	}
}

// page is the part of a batch, or the parked rows, that workers deliver before the next read.
type page struct {
	begun   time.Time
	parts   []*stretch                    // nil: the page never ends early
	ended   atomic.Int64                  // the first entry that is left to the next page
	taken   chan struct{}                 // closed when workers have taken the last one
	last    chan struct{}                 // closed then, if others follow the page
	full    bool                          // others follow the page, however many of it are taken
	stuck   atomic.Pointer[chan struct{}] // closed when only slow calls are waited for, and replaced
	waiting atomic.Int32                  // workers that wait for a call
	calls   atomic.Int64                  // that have returned
	total   atomic.Int64                  // of the nanoseconds that they took
	longest atomic.Int64                  // of them
	timers  sync.Pool                     // that have stopped
}

func newPage(parts []*stretch, full bool) *page {
	p, stuck := &page{begun: time.Now(), parts: parts, full: full, taken: make(chan struct{}), last: make(chan struct{})}, make(chan struct{})
	p.ended.Store(math.MaxInt)
	p.stuck.Store(&stuck)
	return p
}

// ends reports whether a part and those after it are left to the next page. After
// quickPage the page ends behind the last entry of all parts that workers have taken.
func (p *page) ends(i int) bool {
	if p.parts == nil {
		return false
	}
	if first := p.parts[i].first(); p.end() == math.MaxInt && first >= pageSize && time.Since(p.begun) > quickPage {
		end := first
		for _, taken := range p.parts[:i] {
			end = max(end, taken.last()+1)
		}
		p.ended.Store(int64(end))
	}
	return p.parts[i].first() >= p.end()
}

// end is the first entry that is left to the next page; math.MaxInt while the page has no early
// end.
func (p *page) end() int { return int(p.ended.Load()) }

// close is called when workers have taken the last one, of all or of those before the page
// ends.
func (p *page) close(all bool) {
	if p.full || !all {
		close(p.last)
	}
	close(p.taken)
}

// watch closes stuck when every worker waits for a call and no call has returned for the time
// that enough returns: then slow calls alone hold up the rest of the page. It returns when
// the workers have taken all of it.
func (p *page) watch(workers int, patience time.Duration) {
	tick := time.NewTicker(leastWait)
	defer tick.Stop()
	calls, since := p.calls.Load(), time.Now()
	for {
		select {
		case <-p.taken:
			return
		case <-tick.C:
		}
		if now := p.calls.Load(); now != calls || int(p.waiting.Load()) < workers {
			calls, since = now, time.Now()
		} else if time.Since(since) >= p.enough(patience) {
			next := make(chan struct{})
			close(*p.stuck.Swap(&next))
			since = time.Now()
		}
	}
}

// leastWait is how long a page at least waits for its last calls.
const leastWait = time.Millisecond

// enough is how long to wait for a call where only slow ones are waited for: twice as long as the
// longest of its other calls took, but not more than eight times as long as they took on
// average or a tenth of the patience. It is a tenth of the patience if none of them has
// returned. So a few slow calls take little of the rate, and handlers that are
// never quick are not parked because of it.
func (p *page) enough(patience time.Duration) time.Duration {
	calls := p.calls.Load()
	if calls == 0 {
		return patience / 10
	}
	return min(patience/10, max(leastWait, min(2*time.Duration(p.longest.Load()), 8*time.Duration(p.total.Load()/calls))))
}

// returned notes that a call has returned.
func (p *page) returned(took time.Duration) {
	p.total.Add(int64(took))
	p.calls.Add(1) // last: total has all that are counted
	for before := p.longest.Load(); int64(took) > before && !p.longest.CompareAndSwap(before, int64(took)); {
		before = p.longest.Load()
	}
}

// wait waits for a call, for less time if the page waits for nothing else and others
// follow it, or if it is stuck. It reports whether the call has returned.
func (p *page) wait(c *call, patience time.Duration) bool {
	begun, stuck := time.Now(), *p.stuck.Load()
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	timer := p.timer(patience)
	defer func() {
		timer.Stop()
		p.timers.Put(timer)
	}()
	select {
	case <-c.done:
		p.returned(time.Since(begun))
		return true
	case <-timer.C:
		return c.returned()
	case <-p.last:
	case <-stuck:
	}
	timer.Reset(max(0, p.enough(patience)-time.Since(begun)))
	select {
	case <-c.done:
		p.returned(time.Since(begun))
		return true
	case <-timer.C:
		return c.returned()
	}
}

// timer returns a timer of the page that fires after d.
func (p *page) timer(d time.Duration) *time.Timer {
	timer, _ := p.timers.Get().(*time.Timer)
	if timer == nil {
		return time.NewTimer(d)
	}
	timer.Reset(d)
	return timer
}
