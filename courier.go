package carrierfsm

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// courierPage is how many entries, and how many parked rows, are read at once.
const courierPage = 200

// courierPatience is how long the store may take for one answer.
const courierPatience = 10 * time.Second

// courier brings transitions to one handler, while it leads its cursor.
type courier struct {
	*Machine
	box    Outbox
	name   string
	handle Handler
	owner  string   // names this run of Run
	warned sync.Map // what is failing now, and has been told
	told   func(e Entry, err error)
}

// couriers makes one for each handler. told, where not nil, hears of every
// call of a handler; err is nil where it succeeded.
func (m *Machine) couriers(told func(Entry, error)) ([]*courier, error) {
	if len(m.cfg.Handlers) == 0 {
		return nil, nil
	}
	box, err := m.outbox()
	if err != nil {
		return nil, err
	}
	owner := uuid.NewString()
	var list []*courier
	for _, name := range slices.Sorted(maps.Keys(m.cfg.Handlers)) {
		list = append(list, &courier{Machine: m, box: box, name: name, handle: m.cfg.Handlers[name], owner: owner, told: told})
	}
	return list, nil
}

// reign is one time of leading.
type reign struct {
	*courier
	lease Lease

	mu    sync.Mutex
	until time.Time // by our own clock, counted from before the store was asked
}

// run leads whenever nobody else does, until ctx ends.
func (c *courier) run(ctx context.Context) {
	for ctx.Err() == nil {
		lease, until, err := c.lead(ctx)
		if !errors.Is(err, ErrLedByOther) && !c.failed(ctx, "lead", err) {
			(&reign{courier: c, lease: lease, until: until}).run(ctx)
		}
		c.rest(ctx, nil)
	}
}

// rest waits for the poll interval, or less if the bell rings or ctx ends.
func (c *courier) rest(ctx context.Context, bell <-chan struct{}) {
	timer := time.NewTimer(c.cfg.PollInterval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-bell:
	case <-timer.C:
	}
}

// failed tells whether err is an error. It warns, but of the same thing only
// once until that has succeeded.
func (c *courier) failed(ctx context.Context, what string, err error) bool {
	if err == nil {
		c.warned.Delete(what)
		return false
	}
	if _, told := c.warned.LoadOrStore(what, true); !told && ctx.Err() == nil {
		c.cfg.Logger.WarnContext(ctx, "a handler is held up by the store", "handler", c.name, "what", what, "err", err)
	}
	return true
}

// unwell tells whether anything is failing.
func (c *courier) unwell() (yes bool) {
	c.warned.Range(func(any, any) bool {
		yes = true
		return false
	})
	return yes
}

// lead asks for the lease, or to prolong it.
func (c *courier) lead(ctx context.Context) (l Lease, until time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, min(courierPatience, c.cfg.Delivery.Lease))
	defer cancel()
	until = time.Now().Add(c.cfg.Delivery.Lease)
	l, err = c.box.Lead(ctx, c.name, c.owner, c.cfg.Delivery.Lease, c.cfg.Delivery.Start)
	return l, until, err
}

// run follows the sequence and catches up with what is parked, side by side,
// for as long as the lease can be prolonged.
func (r *reign) run(ctx context.Context) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context) error{r.follow, r.catchUp} {
		loops.Go(func() {
			defer end()
			if err := loop(ctx); err != nil {
				r.cfg.Logger.DebugContext(ctx, "another replica leads now", "handler", r.name, "err", err)
			}
		})
	}
	r.prolong(ctx)
	end()
	loops.Wait()
	r.resign(ctx)
}

// resign gives the lease back, also when ctx has ended.
func (r *reign) resign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), courierPatience)
	defer cancel()
	if err := r.box.Resign(ctx, r.lease); err != nil {
		r.cfg.Logger.DebugContext(ctx, "a lease is left to its end", "handler", r.name, "err", err)
	}
}

// prolong keeps the lease until ctx ends or it can't be kept.
func (r *reign) prolong(ctx context.Context) {
	ticker := time.NewTicker(max(r.cfg.Delivery.Lease/3, time.Millisecond))
	defer ticker.Stop()
	for r.leads() {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		lease, until, err := r.lead(ctx)
		switch {
		case err == nil && lease.Fence == r.lease.Fence:
			r.mu.Lock()
			r.until = until
			r.mu.Unlock()
		case err == nil || errors.Is(err, ErrLedByOther):
			return // others have led meanwhile
		}
	}
}

// leads tells whether the lease lasts, as far as we know.
func (r *reign) leads() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	return now.Before(r.until) && now.Round(0).Before(r.until.Round(0)) // neither clock alone goes on whatever stops us
}

// follow delivers what comes next in the sequence. Its error is ErrLeaseLost.
func (r *reign) follow(ctx context.Context) error {
	bell, takeDown := r.bells.hang()
	defer takeDown()
	for ctx.Err() == nil {
		if !r.leads() {
			return ErrLeaseLost // as far as we know; else this would go round and round
		}
		batch, err := r.pending(ctx)
		if r.failed(ctx, "pending", err) || len(batch.Entries) == 0 {
			r.rest(ctx, bell)
			continue
		}
		n, rows := r.deliver(ctx, batch)
		if err := r.advance(ctx, batch, n, rows); err != nil {
			return err
		}
	}
	return nil
}

func (r *reign) pending(ctx context.Context) (Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, courierPatience)
	defer cancel()
	return r.box.Pending(ctx, r.lease, courierPage)
}

// advance writes what came of a delivery. While the store fails it tries again:
// the deliveries would be made anew otherwise. Its error is ErrLeaseLost.
func (r *reign) advance(ctx context.Context, b Batch, n int, rows []Parked) error {
	if n == 0 && len(rows) == 0 {
		return nil
	}
	for {
		err := r.advanceOnce(ctx, b, n, rows)
		if errors.Is(err, ErrLeaseLost) || !r.failed(ctx, "advance", err) {
			return err
		}
		if ctx.Err() != nil || !r.leads() {
			return ErrLeaseLost // as good as lost
		}
		r.rest(ctx, nil)
	}
}

func (r *reign) advanceOnce(ctx context.Context, b Batch, n int, rows []Parked) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), courierPatience)
	defer cancel()
	return r.box.Advance(ctx, r.lease, b, n, rows)
}

// catchUp delivers to verifications that are parked, when their time has come.
// Its error is ErrLeaseLost.
func (r *reign) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		if !r.leads() {
			return ErrLeaseLost
		}
		n, err := r.retryDue(ctx)
		if err != nil {
			return err
		}
		if n < courierPage || r.unwell() {
			r.rest(ctx, nil)
		}
	}
	return nil
}

// retryDue delivers to a page of those parked whose time has come, and tells
// how many that were. Its error is ErrLeaseLost.
func (r *reign) retryDue(ctx context.Context) (int, error) {
	rows, err := r.dueRows(ctx)
	if r.failed(ctx, "parked", err) {
		return 0, nil
	}
	lost := make(chan error, len(rows))
	r.sideBySide(len(rows), func(i int) {
		if row, tried := r.retry(ctx, rows[i]); tried {
			if err := r.advance(ctx, Batch{}, 0, []Parked{row}); err != nil {
				lost <- err
			}
		}
	})
	if len(lost) > 0 {
		return len(rows), <-lost
	}
	return len(rows), nil
}

func (r *reign) dueRows(ctx context.Context) ([]Parked, error) {
	ctx, cancel := context.WithTimeout(ctx, courierPatience)
	defer cancel()
	return r.box.Parked(ctx, ParkedQuery{Handler: r.name, NextBy: r.now(), Limit: courierPage})
}

// retry delivers what one parked verification still has to get, and returns
// its row as it is afterwards.
func (r *reign) retry(ctx context.Context, row Parked) (_ Parked, tried bool) {
	entries, err := r.history(ctx, row)
	if r.failed(ctx, "history", err) {
		return row, false
	}
	row.Version++
	for i, e := range entries {
		if ctx.Err() != nil || !r.leads() {
			return row, i > 0
		}
		if e.Step > row.Upto {
			break
		}
		if why := r.hand(ctx, e); why != "" {
			row.Attempts++
			row.Step, row.Why, row.Next = e.Step, why, r.retryAt(row.Attempts)
			return row, true
		}
		row.Step, row.Attempts = e.Step+1, 0
	}
	row.Step = row.Upto + 1 // what is missing was purged
	return row, true
}

func (r *reign) history(ctx context.Context, row Parked) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, courierPatience)
	defer cancel()
	return r.store.History(ctx, row.ID, row.Step-1, row.Upto-row.Step+1)
}

// retryAt is when to try again after so many failures in a row.
func (r *reign) retryAt(failures int) time.Time {
	d := r.cfg.Delivery
	wait := d.RetryMin
	for range failures - 1 {
		if wait >= d.RetryMax/2 {
			wait = d.RetryMax
			break
		}
		wait *= 2
	}
	quarter := int64(wait/4) + 1
	return r.now().Add(wait + time.Duration(rand.Int64N(2*quarter)-quarter)) //nolint:gosec // jitter is no secret
}

// anyVersion is that of a row that was not there. It is drawn, so that a write
// which is made again after its answer was lost does not take a row that came to
// be in between for its own.
func anyVersion() int64 { return 1 + rand.Int64N(1<<62) } //nolint:gosec // no secret either

// hand gives one entry to the handler and tells why that failed; "" if it did not.
func (r *reign) hand(ctx context.Context, e Entry) (why string) {
	ctx, end := r.cfg.Observer.handle(ctx, Handling{Handler: r.name, ID: e.ID, Step: e.Step, Event: e.Event})
	defer func() { end(Handled{Why: why, Lag: max(0, r.now().Sub(e.At))}) }()
	t, err := r.codec.transition(e)
	if why = whyUnreadable; err == nil {
		why, err = r.handle.call(ctx, t, r.cfg.Delivery.Timeout)
	}
	if why != "" {
		r.cfg.Logger.WarnContext(ctx, "a handler failed",
			"handler", r.name, "id", e.ID, "step", e.Step, "why", why, "err", err)
	}
	if r.told != nil {
		r.told(e, err)
	}
	return why
}

// sideBySide runs do for 0 to n-1, on as many goroutines as there are workers.
func (r *reign) sideBySide(n int, do func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, r.cfg.Delivery.Workers) {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}
