package outbox

import (
	"context"
	"sort"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// delivery is what a batch holds for one verification.
type delivery struct {
	entries []carrierfsm.Entry
	index   []int // of the entries in the batch

	done int     // how many entries were delivered or parked
	row  *Parked // the parked row to store, if any
	left *call   // the call that goes on, if any; row is then that of its verification
}

// deliveries groups a batch by verification, in the order of their first entries.
func deliveries(b Batch) (list []*delivery) {
	byID := make(map[string]*delivery)
	for i, e := range b.Entries {
		d := byID[e.ID]
		if d == nil {
			d = new(delivery)
			byID[e.ID] = d
			list = append(list, d)
		}
		d.entries = append(d.entries, e)
		d.index = append(d.index, i)
	}
	return list
}

// deliver calls the handler for a batch, which is followed by others if it is full. It
// returns how many entries, from the first on without a gap, were delivered or parked, the
// parked rows to store, and the calls that go on, to be watched once these are stored.
func (t *term) deliver(ctx context.Context, b Batch, full bool) (n int, rows []Parked, left []*call) {
	list := deliveries(b)
	least := sort.Search(len(list), func(i int) bool { return list[i].index[0] >= pageSize })
	p := newPage(least, full)
	t.concurrently(len(list), p, func(i int) {
		if row, parked := b.Parked[list[i].entries[0].ID]; parked {
			list[i].appendToParked(row)
		} else {
			t.deliverInOrder(ctx, list[i], p)
		}
	})
	done := make([]bool, len(b.Entries))
	for _, d := range list {
		for _, i := range d.index[:d.done] {
			done[i] = true
		}
		if d.row != nil {
			rows = append(rows, *d.row)
		}
		if d.left != nil {
			left = append(left, d.left)
		}
	}
	for n < len(done) && done[n] {
		n++
	}
	return n, rows, left
}

// appendToParked leaves the entries to the parked row of their verification.
func (d *delivery) appendToParked(row Parked) {
	d.done = len(d.entries)
	if last := d.entries[d.done-1].Step; last > row.Upto {
		row.Upto = last
		row.Version++
		d.row = &row
	}
}

// deliverInOrder delivers one entry after the other. At the first call that fails
// or is slow it parks the verification with all entries that are left. It stops
// early when ctx ends or the lease is lost.
func (t *term) deliverInOrder(ctx context.Context, d *delivery, p *page) {
	for i, entry := range d.entries {
		if ctx.Err() != nil || !t.holdsLease() {
			return
		}
		f, left := t.handle(ctx, entry, p)
		if f.why == "" {
			d.done = i + 1
			continue
		}
		d.done = len(d.entries)
		d.row = &Parked{
			Handler: t.name, ID: entry.ID, Step: entry.Step, Upto: d.entries[d.done-1].Step,
			Attempts: 1, Why: f.why, Failure: f.note, Since: t.now(), Next: t.retryAt(1), Version: newVersion(),
		}
		if d.left = left; left != nil {
			d.row.Attempts, d.row.Next = 0, t.afterCall(left)
		}
		return
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
