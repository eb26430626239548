package outbox

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// delivery is what a batch holds for one verification. One worker at a time delivers it.
type delivery struct {
	entries []carrierfsm.Entry
	index   []int // of the entries in the batch

	mu    sync.Mutex // guards the next two
	to    int        // how many entries workers have taken
	taken bool       // a worker delivers them, and those that others take meanwhile

	// These are that worker's.
	done int     // how many entries were delivered or parked
	row  *Parked // the parked row to store, if any
	left *call   // the call that goes on, if any; row is then that of its verification
}

// take has entries delivered up to the given one. It reports whether the caller has to do that;
// else another worker does.
func (d *delivery) take(upto int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = max(d.to, upto)
	free := !d.taken
	d.taken = true
	return free
}

// next reports whether there is another entry to deliver before the end of the page. If not, the
// delivery is free for other workers.
func (d *delivery) next(p *page) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken = d.done < d.to && d.index[d.done] < p.end()
	return d.taken
}

// stretch is a part of a delivery: entries that are near each other in the batch.
type stretch struct {
	*delivery
	from, upto int // its entries
}

func (s *stretch) first() int { return s.index[s.from] }
func (s *stretch) last() int  { return s.index[s.upto-1] }

// farthest is the largest distance, in entries of the batch, between the first and the last entry
// of a stretch. A page that ends early leaves the others to the next one, and so must not
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
		if s.upto == 0 || i-s.first() > farthest {
			s = &stretch{delivery: s.delivery, from: s.upto, upto: s.upto}
			latest[e.ID], parts = s, append(parts, s)
		}
		s.entries, s.index = append(s.entries, e), append(s.index, i)
		s.upto++
	}
	return list, parts
}

// deliver calls the handler for a batch, which is followed by others if it is full. It
// returns how many entries, from the first on without a gap, were delivered or parked, the
// parked rows to store, and the calls that go on, to be watched once these are stored.
// Nothing behind these was delivered, unless ctx has ended or the lease was lost.
func (t *term) deliver(ctx context.Context, b Batch, full bool) (n int, rows []Parked, left []*call) {
	list, parts := deliveries(b)
	p := newPage(parts, full)
	t.concurrently(len(parts), p, func(i int) {
		d := parts[i].delivery
		if !d.take(parts[i].upto) {
			return
		}
		if _, parked := b.Parked[d.entries[0].ID]; parked {
			d.done = len(d.entries)
		}
		t.deliverInOrder(ctx, d, p)
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

// deliverInOrder delivers one entry after the other, as far as workers have taken them and the
// page goes. At the first call that fails or is slow it parks the verification with all entries
// that are left. It stops early when ctx ends or the lease is lost.
func (t *term) deliverInOrder(ctx context.Context, d *delivery, p *page) {
	for d.next(p) {
		if ctx.Err() != nil || !t.holdsLease() {
			return // taken stays true: no other worker goes on with this verification
		}
		entry := d.entries[d.done]
		f, left := t.handle(ctx, entry, p)
		if f.why == "" {
			d.done++
			continue
		}
		d.done = len(d.entries)
		d.row = &Parked{
			Handler: t.name, ID: entry.ID, Step: entry.Step, Upto: entry.Step,
			Attempts: 1, Why: f.why, Failure: f.note, Since: t.now(), Next: t.retryAt(1), Version: newVersion(),
		}
		if d.left = left; left != nil {
			d.row.Attempts, d.row.Next = 0, t.afterCall(left)
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
// does not go on in this process: the process that made it has died, or could not write its
// result. Otherwise the row would wait until the call's timeout.
func (t *term) orphan(row Parked) bool {
	_, own := t.retried.Load(row.ID)
	return row.Why == whySlow && row.Since.Before(t.begun) && !own && !t.slow.has(row.ID)
}
