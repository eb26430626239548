package outbox

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// delivery is what a batch holds for one verification.
type delivery struct {
	entries []carrierfsm.Entry
	index   []int // of the entries in the batch

	mu   sync.Mutex // held while one of its stretches is delivered
	done int        // how many entries were delivered or parked
	row  *Parked    // the parked row to store, if any
	left *call      // the call that goes on, if any; row is then that of its verification
}

// stretch is a part of a delivery: entries that are near each other in the batch.
type stretch struct {
	*delivery
	from, to int // its entries
}

func (s *stretch) first() int { return s.index[s.from] }
func (s *stretch) last() int  { return s.index[s.to-1] }

// farthest is how many entries of a batch the first and the last one of a stretch are
// apart at most. A page that ends early leaves the others to the next one, and so must not
// have delivered much that lies behind them.
const farthest = 50

// deliveries groups a batch by verification. Both lists are in the order of their first entries.
func deliveries(b Batch) (list []*delivery, parts []*stretch) {
	latest := make(map[string]*stretch)
	for i, e := range b.Entries {
		s := latest[e.ID]
		if s == nil {
			s = &stretch{delivery: new(delivery)}
			list = append(list, s.delivery)
		}
		if s.to == 0 || i-s.first() > farthest {
			s = &stretch{delivery: s.delivery, from: s.to, to: s.to}
			latest[e.ID], parts = s, append(parts, s)
		}
		s.entries, s.index = append(s.entries, e), append(s.index, i)
		s.to++
	}
	return list, parts
}

// deliver calls the handler for a batch, which is followed by others if it is full. It
// returns how many entries, from the first on without a gap, were delivered or parked, the
// parked rows to store, and the calls that go on, to be watched once these are stored.
// Unless ctx ends or the lease is lost, none behind a gap was delivered.
func (t *term) deliver(ctx context.Context, b Batch, full bool) (n int, rows []Parked, left []*call) {
	list, parts := deliveries(b)
	p := newPage(parts, full)
	t.concurrently(len(parts), p, func(i int) {
		defer p.lock(parts[i].delivery)()
		if _, parked := b.Parked[parts[i].entries[0].ID]; parked {
			parts[i].done = len(parts[i].entries)
		} else {
			t.deliverInOrder(ctx, parts[i], p)
		}
	})
	done := make([]bool, len(b.Entries))
	for _, d := range list {
		for _, i := range d.index[:d.done] {
			done[i] = true
		}
	}
	for n < len(done) && done[n] {
		n++
	}
	for _, d := range list {
		if row, parked := b.Parked[d.entries[0].ID]; parked {
			d.appendToParked(row, n)
		} else if d.row != nil {
			d.row.Upto = max(d.row.Upto, d.lastBefore(n))
		}
		if d.row != nil {
			rows = append(rows, *d.row)
		}
		if d.left != nil {
			left = append(left, d.left)
		}
	}
	return n, rows, left
}

// lastBefore returns the step of the last of the first n entries of the batch; zero if these
// have none of the verification.
func (d *delivery) lastBefore(n int) int {
	i, _ := slices.BinarySearch(d.index, n)
	if i == 0 {
		return 0
	}
	return d.entries[i-1].Step
}

// appendToParked leaves those of the first n entries of the batch to the parked row of their
// verification.
func (d *delivery) appendToParked(row Parked, n int) {
	if last := d.lastBefore(n); last > row.Upto {
		row.Upto = last
		row.Version++
		d.row = &row
	}
}

// deliverInOrder delivers one entry after the other, up to the end of the page. At the first
// call that fails or is slow it parks the verification with all entries that are left. It stops
// early when ctx ends or the lease is lost.
func (t *term) deliverInOrder(ctx context.Context, s *stretch, p *page) {
	for i := s.from; i < s.to && i == s.done && s.index[i] < p.end(); i++ {
		if ctx.Err() != nil || !t.holdsLease() {
			return
		}
		entry := s.entries[i]
		f, left := t.handle(ctx, entry, p)
		if f.why == "" {
			s.done = i + 1
			continue
		}
		s.done = len(s.entries)
		s.row = &Parked{
			Handler: t.name, ID: entry.ID, Step: entry.Step, Upto: entry.Step,
			Attempts: 1, Why: f.why, Failure: f.note, Since: t.now(), Next: t.retryAt(1), Version: newVersion(),
		}
		if s.left = left; left != nil {
			s.row.Attempts, s.row.Next = 0, t.afterCall(left)
		}
	}
}

// retry delivers what a parked verification still has to get, and returns its
// row as it is afterwards, and the call that goes on, if any. tried is false where
// nothing was delivered.
func (t *term) retry(ctx context.Context, row Parked, p *page) (_ Parked, left *call, tried bool) {
	if t.projection != nil { // a replay that a process without it has noted
		row.Step, row.Version = row.Upto+1, row.Version+1
		return row, nil, true
	}
	entries, err := t.history(ctx, row)
	if t.failed(ctx, "history", err) {
		return row, nil, false
	}
	row.Version++
	for i, e := range entries {
		if ctx.Err() != nil || !t.holdsLease() {
			return row, nil, i > 0
		}
		if e.Step > row.Upto {
			break
		}
		f, left := t.handle(ctx, e, p)
		switch {
		case left != nil:
			row.Step, row.Why, row.Next = e.Step, f.why, t.afterCall(left)
			return row, left, true
		case f.why != "":
			row.Attempts++
			row.Step, row.Why, row.Failure, row.Next = e.Step, f.why, f.note, t.retryAt(row.Attempts)
			return row, nil, true
		}
		row.Step, row.Attempts, row.Failure = e.Step+1, 0, nil
	}
	row.Step = row.Upto + 1 // missing entries were purged
	return row, nil, true
}

// afterCall is when a verification whose call goes on is tried again, if this process
// never writes the result of the call.
func (t *term) afterCall(c *call) time.Time { return c.expires.Add(t.cfg.RetryMin) }

// The values of Parked.Why.
const (
	whyError      = "error"
	whyPanic      = "panic"
	whyTimeout    = "timeout"
	whyUnreadable = "unreadable"
	whySlow       = "slow" // the call goes on
	whyOperator   = "by "  // and a name
)

// handle calls the handler for one entry and returns how it failed. left is the call if
// it goes on, because it is slow.
func (t *term) handle(ctx context.Context, e carrierfsm.Entry, p *page) (f failure, left *call) {
	ctx, report := t.cfg.Observer.handle(ctx, HandleStart{Shard: t.part.shard, Handler: t.name, ID: e.ID, Step: e.Step, Event: e.Event})
	c := t.start(ctx, e)
	c.entry, c.report, c.expires = e, report, t.now().Add(t.cfg.Timeout)
	if t.await(ctx, c, p) {
		return failure{why: whySlow}, c
	}
	return t.end(ctx, c), nil
}

// start calls the handler, unless the entry can't be decoded or an earlier call
// for the verification has not returned.
func (t *term) start(ctx context.Context, e carrierfsm.Entry) *call {
	if t.slow.has(e.ID) {
		return ended(whyTimeout, errRunning)
	}
	transition, err := t.machine.Decode(ctx, e)
	if err != nil {
		return ended(whyUnreadable, err)
	}
	return t.handler.start(context.WithValue(ctx, machineKey{}, t.machine), transition, t.cfg.Timeout)
}

// end reports a call that has ended or whose time is over, and returns how it failed.
func (t *term) end(ctx context.Context, c *call) failure {
	why, err := c.result()
	c.report(HandleDone{Why: why, Lag: max(0, t.now().Sub(c.entry.At))})
	if why != "" {
		t.cfg.Logger.WarnContext(ctx, "a handler failed",
			t.attrs("id", c.entry.ID, "step", c.entry.Step, "why", why, "err", err)...)
	}
	if t.called != nil {
		t.called(c.entry, err)
	}
	return t.failureOf(t.name, c, why, err)
}

// orphan reports whether a verification has a slow call that began in an earlier term and
// does not go on in this process: that of the call has died, or could not write the result.
// It would else wait until the time of its call is over.
func (t *term) orphan(row Parked) bool {
	return row.Why == whySlow && row.Since.Before(t.begun) && !t.slow.has(row.ID)
}
