package outbox

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// storeTimeout is how long the store may take for one answer.
const storeTimeout = 10 * time.Second

// worker delivers transitions to one handler while it holds the lease of the
// handler's cursor.
type worker struct {
	*Dispatcher
	part    part
	name    string
	handler Handler
	owner   string // names this call of Run

	projection Projection // instead of a handler

	failing sync.Map // what fails at present, and was logged
	called  func(e carrierfsm.Entry, err error)
	slow    *slowCalls
	held    *atomic.Int32
	// patience is how long a call may hold up the others.
	patience time.Duration
}

// term is one period of holding the lease.
type term struct {
	*worker
	lease Lease
	begun time.Time // by the dispatcher's clock

	mu    sync.Mutex
	until time.Time // when the lease ends by our clock, counted from before the store was asked

	retried  sync.Map       // verifications whose slow calls this term has begun while it looks for orphans, by id
	watchers sync.WaitGroup // of the calls that go on
	ended    endedCalls     // of these
}

// run acquires the lease whenever it is free, and then delivers, until ctx ends or
// the store is closed.
func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !w.runTerm(ctx) {
			return
		}
		pause(ctx, w.cfg.PollInterval)
	}
}

// runTerm acquires the lease if it is free, and delivers until it is lost. It returns
// false if the store is closed.
func (w *worker) runTerm(ctx context.Context) (open bool) {
	defer w.takeTurn(ctx)()
	lease, until, err := w.acquire(ctx)
	if errors.Is(err, carrierfsm.ErrClosed) {
		return false
	}
	if !errors.Is(err, ErrLeaseHeld) && !w.failed(ctx, "acquire", err) {
		(&term{worker: w, lease: lease, begun: w.now(), until: until}).run(ctx)
	}
	return true
}

// runOnce delivers for as long as there is something to deliver.
func (w *worker) runOnce(ctx context.Context) error {
	lease, until, err := w.acquire(ctx)
	if errors.Is(err, ErrLeaseHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	t := &term{worker: w, lease: lease, begun: w.now(), until: until}
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { t.renew(ctx) })
	defer t.release(ctx)
	defer renewing.Wait()
	defer cancel()
	if _, _, err := t.retryDue(ctx, false); err != nil {
		return err
	}
	if t.projection != nil {
		return t.projectAll(ctx)
	}
	for {
		batch, err := t.pending(ctx, pageSize)
		if err != nil || len(batch.Entries) == 0 {
			return err
		}
		n, rows, _ := t.deliver(ctx, batch, false) // it waits for each call
		if err := t.advanceOnce(ctx, batch, n, rows); err != nil {
			return err
		}
		if n < len(batch.Entries) {
			return cmp.Or(ctx.Err(), ErrLeaseLost)
		}
	}
}

// failed reports whether err is not nil. It logs the first of several failures
// of the same operation in a row.
func (w *worker) failed(ctx context.Context, operation string, err error) bool {
	if err == nil {
		w.failing.Delete(operation)
		return false
	}
	if _, logged := w.failing.LoadOrStore(operation, true); !logged && ctx.Err() == nil {
		w.cfg.Logger.WarnContext(ctx, "a handler gets nothing", w.attrs("operation", operation, "err", err)...)
	}
	return true
}

// degraded reports whether any operation fails at present.
func (w *worker) degraded() (yes bool) {
	w.failing.Range(func(any, any) bool {
		yes = true
		return false
	})
	return yes
}

// acquire acquires the lease or renews it.
func (w *worker) acquire(ctx context.Context) (l Lease, until time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, min(storeTimeout, w.cfg.LeaseTTL))
	defer cancel()
	until = time.Now().Add(w.cfg.LeaseTTL)
	l, err = w.part.store.Acquire(ctx, w.name, w.owner, w.cfg.LeaseTTL, w.cfg.Starts[w.name])
	return l, until, err
}

// run delivers what comes after the cursor, and at the same time what is
// parked, for as long as the lease can be renewed. It renews the lease until the
// calls under way have ended, so that their results can be written.
func (t *term) run(ctx context.Context) {
	working, stop := context.WithCancel(ctx)
	renewing, end := context.WithCancel(context.WithoutCancel(ctx))
	var loops, renewer sync.WaitGroup
	follow := t.follow
	if t.projection != nil {
		follow = t.project
	}
	for _, loop := range []func(context.Context) error{follow, t.catchUp} {
		loops.Go(func() {
			defer stop()
			if err := loop(working); err != nil {
				t.cfg.Logger.DebugContext(ctx, "the lease of a handler is lost", t.attrs("err", err)...)
			}
		})
	}
	renewer.Go(func() {
		defer stop()
		t.renew(renewing)
	})
	loops.Wait()
	t.watchers.Wait()
	end()
	renewer.Wait()
	t.release(ctx)
}

// release gives the lease back, even after ctx has ended.
func (t *term) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := t.part.store.Release(ctx, t.lease); err != nil {
		t.cfg.Logger.DebugContext(ctx, "a lease could not be released and will expire", t.attrs("err", err)...)
	}
}

// renew renews the lease until ctx ends or the lease is lost.
func (t *term) renew(ctx context.Context) {
	ticker := time.NewTicker(max(t.cfg.LeaseTTL/3, time.Millisecond))
	defer ticker.Stop()
	for t.holdsLease() {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		lease, until, err := t.acquire(ctx)
		switch {
		case err == nil && lease.Fence == t.lease.Fence:
			t.mu.Lock()
			t.until = until
			t.mu.Unlock()
		case err == nil || errors.Is(err, ErrLeaseHeld):
			return // another owner has held it meanwhile
		case errors.Is(err, carrierfsm.ErrClosed):
			return
		}
	}
}

// holdsLease reports whether the lease lasts by our clock. It looks at the
// monotonic clock and at the wall clock: either can stand still while the
// process or the machine is paused.
func (t *term) holdsLease() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	return now.Before(t.until) && now.Round(0).Before(t.until.Round(0))
}

// follow delivers what comes after the cursor. Its error is ErrLeaseLost or
// carrierfsm.ErrClosed.
func (t *term) follow(ctx context.Context) error {
	own, cancelOwn := t.machine.SubscribeShard(t.part.shard)
	defer cancelOwn()
	others, cancelOthers := t.part.watched.Subscribe()
	defer cancelOthers()
	poll := time.NewTicker(t.cfg.PollInterval)
	defer poll.Stop()
	var pages paging
	for ctx.Err() == nil {
		if !t.holdsLease() {
			return ErrLeaseLost
		}
		batch, err := t.pending(ctx, pages.size())
		if errors.Is(err, carrierfsm.ErrClosed) {
			return err
		}
		if t.failed(ctx, "pending", err) || len(batch.Entries) == 0 {
			select {
			case <-ctx.Done():
			case <-own:
			case <-others:
			case <-poll.C:
			}
			continue
		}
		begun := time.Now()
		n, rows, left := t.deliver(ctx, batch, len(batch.Entries) == pages.size())
		pages.next(len(batch.Entries), time.Since(begun))
		if err := t.advance(ctx, batch, n, rows); err != nil {
			return err
		}
		t.watch(ctx, left)
	}
	return nil
}

func (t *term) pending(ctx context.Context, limit int) (Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return t.part.store.Pending(ctx, t.lease, limit)
}

// advance writes the result of a delivery. While the store fails it tries
// again, so that the deliveries need not be repeated. Its error is ErrLeaseLost or
// carrierfsm.ErrClosed.
func (t *term) advance(ctx context.Context, b Batch, n int, rows []Parked) error {
	if n == 0 && len(rows) == 0 {
		return nil
	}
	for {
		err := t.advanceOnce(ctx, b, n, rows)
		if errors.Is(err, ErrLeaseLost) || errors.Is(err, carrierfsm.ErrClosed) || !t.failed(ctx, "advance", err) {
			return err
		}
		if ctx.Err() != nil || !t.holdsLease() {
			return ErrLeaseLost
		}
		pause(ctx, t.cfg.PollInterval)
	}
}

func (t *term) advanceOnce(ctx context.Context, b Batch, n int, rows []Parked) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return t.part.store.Advance(ctx, t.lease, b, n, rows)
}

// catchUp delivers to parked verifications when they are due. Its error is
// ErrLeaseLost or carrierfsm.ErrClosed.
func (t *term) catchUp(ctx context.Context) error {
	for orphans := true; ctx.Err() == nil; {
		if !t.holdsLease() {
			return ErrLeaseLost
		}
		n, all, err := t.retryDue(ctx, orphans)
		if err != nil {
			return err
		}
		orphans = orphans && !all
		if n < pageSize || t.degraded() {
			pause(ctx, t.cfg.PollInterval)
		}
	}
	return nil
}

// retryDue delivers to a page of the parked verifications that are due, and to orphans if that
// is wanted. It returns how many rows it tried, and whether no more rows matched. Its error is
// as that of catchUp.
func (t *term) retryDue(ctx context.Context, orphans bool) (n int, all bool, err error) {
	now := t.now()
	q := ParkedQuery{Handler: t.name, NextBy: now, Limit: pageSize}
	if orphans {
		q.NextBy, q.Limit = now.Add(t.cfg.Timeout+t.cfg.RetryMin), pageSize+t.cfg.MaxSlow
	}
	rows, err := t.rows(ctx, q)
	if t.failed(ctx, "parked", err) {
		return 0, false, nil
	}
	all = len(rows) < q.Limit
	rows = slices.DeleteFunc(rows, func(row Parked) bool { return row.Next.After(now) && !t.orphan(row) })
	lost := make(chan error, len(rows))
	p := newPage(nil, len(rows) >= pageSize)
	t.concurrently(len(rows), p, func(i int) {
		row, left, tried := t.retry(ctx, rows[i], p)
		if !tried {
			return
		}
		if left != nil && orphans {
			t.retried.Store(rows[i].ID, true)
		}
		if err := t.advance(ctx, Batch{}, 0, []Parked{row}); err != nil {
			lost <- err
		} else if left != nil {
			t.watch(ctx, []*call{left})
		}
	})
	if len(lost) > 0 {
		return len(rows), all, <-lost
	}
	return len(rows), all, nil
}

func (t *term) rows(ctx context.Context, q ParkedQuery) ([]Parked, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return t.part.store.Parked(ctx, q)
}

func (t *term) history(ctx context.Context, row Parked) ([]carrierfsm.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return t.part.store.History(ctx, row.ID, row.Step-1, row.Upto-row.Step+1)
}

// retryAt is when to try again after so many failures in a row.
func (t *term) retryAt(failures int) time.Time {
	wait := t.cfg.RetryMin
	for range failures - 1 {
		if wait >= t.cfg.RetryMax/2 {
			wait = t.cfg.RetryMax
			break
		}
		wait *= 2
	}
	quarter := int64(wait/4) + 1
	jitter := time.Duration(rand.Int64N(2*quarter) - quarter) //nolint:gosec // jitter is no secret
	return t.now().Add(wait + min(jitter, math.MaxInt64-wait))
}

// concurrently calls do for 0 to n-1, or until the page ends, on at most as many
// goroutines as there are workers.
func (t *term) concurrently(n int, p *page, do func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	if n > t.cfg.Workers && t.patience < t.cfg.Timeout {
		workers.Go(func() { p.watch(t.cfg.Workers, t.patience) })
	}
	for range min(n, t.cfg.Workers) {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	i := 0
	for ; i < n && !p.ends(i); i++ {
		next <- i
	}
	close(next)
	p.close(i == n)
	workers.Wait()
}
