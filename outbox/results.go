package outbox

import (
	"context"
	"sync"
)

// endedCall is a call that delivery did not wait for, and how it failed.
type endedCall struct {
	*call
	failure failure
}

// endedCalls are those of a term whose results are not written yet. What ends while
// others are written is written next, together: each write locks the cursor and commits.
type endedCalls struct {
	mu      sync.Mutex
	list    []endedCall
	writing bool // a goroutine writes
}

// add adds a call. write is true if no goroutine writes results: the caller must then do it.
func (e *endedCalls) add(c endedCall) (write bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, c)
	write = !e.writing
	e.writing = true
	return write
}

// resultsAtOnce is how many results are written at most in one commit.
const resultsAtOnce = 1000

// next returns the calls to write next. If it returns none, the caller no longer writes.
func (e *endedCalls) next() []endedCall {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(len(e.list), resultsAtOnce)
	list := e.list[:n:n]
	e.list = e.list[n:]
	e.writing = n > 0
	return list
}

// watch waits for calls that go on, until their time is over, and writes their
// results into the parked rows of their verifications.
func (t *term) watch(ctx context.Context, calls []*call) {
	for _, c := range calls {
		t.watchers.Go(func() {
			select {
			case <-c.done:
			case <-c.overdue:
			}
			if !t.ended.add(endedCall{c, t.end(ctx, c)}) {
				return
			}
			for list := t.ended.next(); len(list) > 0; list = t.ended.next() {
				t.writeResults(ctx, list)
			}
		})
	}
}

// writeResults writes the results of calls. What can't be written is tried again in its time.
func (t *term) writeResults(ctx context.Context, list []endedCall) {
	q := ParkedQuery{Handler: t.name, Limit: len(list)}
	for _, c := range list {
		q.IDs = append(q.IDs, c.entry.ID)
	}
	rows, err := t.rows(context.WithoutCancel(ctx), q)
	if t.failed(ctx, "parked", err) {
		return
	}
	parked := make(map[string]Parked, len(rows))
	for _, row := range rows {
		parked[row.ID] = row
	}
	var changed []Parked
	for _, c := range list {
		row, ok := parked[c.entry.ID]
		if !ok || row.Step != c.entry.Step {
			continue // an operator may have asked for an earlier step
		}
		delete(parked, c.entry.ID)
		row.Version++
		if row.Why, row.Failure = c.failure.why, c.failure.note; row.Why == "" {
			row.Step, row.Attempts, row.Next = row.Step+1, 0, t.now()
		} else {
			row.Attempts++
			row.Next = t.retryAt(row.Attempts)
		}
		changed = append(changed, row)
	}
	if err := t.advance(ctx, Batch{}, 0, changed); err != nil {
		t.cfg.Logger.DebugContext(ctx, "the lease of a handler is lost", t.attrs("err", err)...)
	}
}
