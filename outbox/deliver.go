package outbox

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// delivery is what a batch holds for one verification.
type delivery struct {
	entries []carrierfsm.Entry
	index   []int // of the entries in the batch

	done int     // how many entries were delivered or parked
	row  *Parked // the parked row to store, if any
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

// deliver calls the handler for a batch. It returns how many entries, from the
// first on without a gap, were delivered or parked, and the parked rows to store.
func (t *term) deliver(ctx context.Context, b Batch) (n int, rows []Parked) {
	list := deliveries(b)
	t.concurrently(len(list), func(i int) {
		if row, parked := b.Parked[list[i].entries[0].ID]; parked {
			list[i].appendToParked(row)
		} else {
			t.deliverInOrder(ctx, list[i])
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
	}
	for n < len(done) && done[n] {
		n++
	}
	return n, rows
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

// deliverInOrder delivers one entry after the other. At the first failure it
// parks the verification with all entries that are left. It stops early when
// ctx ends or the lease is lost.
func (t *term) deliverInOrder(ctx context.Context, d *delivery) {
	for i, entry := range d.entries {
		if ctx.Err() != nil || !t.holdsLease() {
			return
		}
		if why := t.handle(ctx, entry); why != "" {
			d.done = len(d.entries)
			d.row = &Parked{
				Handler: t.name, ID: entry.ID, Step: entry.Step, Upto: d.entries[d.done-1].Step,
				Attempts: 1, Why: why, Since: t.now(), Next: t.retryAt(1), Version: newVersion(),
			}
			return
		}
		d.done = i + 1
	}
}

// retry delivers what a parked verification still has to get, and returns its
// row as it is afterwards. tried is false where nothing was delivered.
func (t *term) retry(ctx context.Context, row Parked) (_ Parked, tried bool) {
	entries, err := t.history(ctx, row)
	if t.failed(ctx, "history", err) {
		return row, false
	}
	row.Version++
	for i, e := range entries {
		if ctx.Err() != nil || !t.holdsLease() {
			return row, i > 0
		}
		if e.Step > row.Upto {
			break
		}
		if why := t.handle(ctx, e); why != "" {
			row.Attempts++
			row.Step, row.Why, row.Next = e.Step, why, t.retryAt(row.Attempts)
			return row, true
		}
		row.Step, row.Attempts = e.Step+1, 0
	}
	row.Step = row.Upto + 1 // missing entries were purged
	return row, true
}

// The values of Parked.Why.
const (
	whyError      = "error"
	whyPanic      = "panic"
	whyTimeout    = "timeout"
	whyUnreadable = "unreadable"
	whyOperator   = "by " // and a name
)

// handle calls the handler for one entry and returns how it failed; "" if it
// did not.
func (t *term) handle(ctx context.Context, e carrierfsm.Entry) (why string) {
	ctx, done := t.cfg.Observer.handle(ctx, HandleStart{Handler: t.name, ID: e.ID, Step: e.Step, Event: e.Event})
	defer func() { done(HandleDone{Why: why, Lag: max(0, t.now().Sub(e.At))}) }()
	transition, err := t.machine.Decode(e)
	if why = whyUnreadable; err == nil {
		why, err = t.handler.call(ctx, transition, t.cfg.Timeout)
	}
	if why != "" {
		t.cfg.Logger.WarnContext(ctx, "a handler failed",
			"handler", t.name, "id", e.ID, "step", e.Step, "why", why, "err", err)
	}
	if t.called != nil {
		t.called(e, err)
	}
	return why
}

// errGoexit is the error of a handler that called runtime.Goexit.
var errGoexit = errors.New("outbox: the handler ended its goroutine")

// panicked is the error of a handler that panicked: the type of the value, and where
// it was. The value itself may be personal.
func panicked(value any) error {
	where := "unknown"
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for more := true; more; {
		var frame runtime.Frame
		if frame, more = frames.Next(); !strings.HasPrefix(frame.Function, "runtime.") {
			where = fmt.Sprintf("%s (%s:%d)", frame.Function, filepath.Base(frame.File), frame.Line)
			break
		}
	}
	return fmt.Errorf("outbox: the handler panicked with a %T at %s", value, where)
}

// call calls a handler once. It does not wait for a handler that takes longer
// than timeout.
func (h Handler) call(ctx context.Context, t carrierfsm.Transition, timeout time.Duration) (why string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	type outcome struct {
		why string
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		o := outcome{whyPanic, errGoexit}
		defer func() {
			if p := recover(); p != nil {
				o.err = panicked(p)
			}
			done <- o
		}()
		if err := h(ctx, t); err != nil {
			o = outcome{whyError, err}
		} else {
			o = outcome{}
		}
	}()
	select {
	case o := <-done:
		return o.why, o.err
	case <-ctx.Done():
		return whyTimeout, ctx.Err()
	}
}
