package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// FiguresStore is what TestFigures tests.
type FiguresStore interface {
	outbox.Store
	figures.Store
}

// FiguresSubject is StoreSubject for TestFigures.
type FiguresSubject struct {
	Store  FiguresStore
	Reopen func() (FiguresStore, error)
}

func (s FiguresSubject) store() StoreSubject {
	subject := StoreSubject{Store: s.Store}
	if s.Reopen != nil {
		subject.Reopen = func() (carrierfsm.Store, error) { return s.Reopen() }
	}
	return subject
}

// TestFigures runs the contract of figures.Store, as TestStore does.
func TestFigures(t *testing.T, open func(tb testing.TB) FiguresSubject) {
	t.Helper()
	testCases(t, figuresCases, func(tb testing.TB) StoreSubject { tb.Helper(); return open(tb).store() })
}

// CheckFigures is CheckStore for the cases of TestFigures.
func CheckFigures(tb testing.TB, open func(tb testing.TB) FiguresSubject) error {
	tb.Helper()
	return checkCases(tb, figuresCases, func(tb testing.TB) StoreSubject { tb.Helper(); return open(tb).store() })
}

var figuresCases = []storeCase{
	{"CountAdds", "Count adds to the rows of the lease's name, and Counts returns those of a handler and a period in a range, in order", countAdds},
	{"CountOnce", "a cursor and the counts of one Count are written in one commit, and a repeated call counts nothing twice, whenever its context ends", countOnce},
	{"CountFence", "Count under an earlier lease is refused as a whole", countFence},
	{"CountMoved", "Count of a batch that the cursor has passed already is refused as a whole", countMoved},
	{"CountForgets", "Count deletes the rows of a period that start before a time, and no others", countForgets},
	{"CountNew", "a cursor that is created has no rows", countNew},
	{"CountExact", "while owners take turns and their calls are cut short, each entry is counted once", countExact},
	{"CountBounds", "rows of another period or start are refused with ErrInvalid; times that select may be of any year", countBounds},
	{"CountClosed", "a context that has ended counts nothing; after Close, the methods return ErrClosed", countClosed},
	{"CountReopen", "counts are stored after a crash", countReopens},
}

// counter is a reader that counts.
type counter struct {
	*reader
	store figures.Store
}

func (b *storeBench) counter(name, owner string) (*counter, error) {
	store, ok := b.Store.(figures.Store)
	if !ok {
		return nil, errors.New("the store is not a figures.Store")
	}
	r, err := b.acquire(name, owner, outbox.FromBeginning)
	return &counter{r, store}, err
}

// pending returns what is pending, of which there must be n entries.
func (c *counter) pending(n int) (outbox.Batch, error) {
	b, err := c.box.Pending(c.ctx, c.lease, 100)
	return b, first(err, differ("the number of entries that are pending", n, len(b.Entries)))
}

// counted are counts of n transitions of an edge, of which each took so long.
func counted(event carrierfsm.Event, n int, dwell time.Duration) (c figures.Counts) {
	for range n {
		c.Observe(&carrierfsm.Entry{From: carrierfsm.AwaitingPassword, Event: event, To: carrierfsm.AwaitingCaptcha, Dwell: dwell})
	}
	return c
}

// minuteRow is a row of a minute, so many minutes after the hour.
func minuteRow(minute int, source string, c figures.Counts) figures.Row {
	at := figures.StartOf(noon, figures.Hour).Add(time.Duration(minute) * time.Minute)
	return figures.Row{Period: figures.Minute, Start: at, Source: source, Counts: c}
}

// minutes returns all rows of minutes of a name.
func (c *counter) minutes(name string) ([]figures.Row, error) {
	return c.store.Counts(c.ctx, name, figures.Minute, time.Time{}, farFuture)
}

func countAdds(b *storeBench) error {
	if _, err := b.create("v1", 3); err != nil {
		return err
	}
	one, err := b.counter("one", "owner")
	if err != nil {
		return err
	}
	batch, err := one.box.Pending(b.ctx, one.lease, 2)
	if err != nil {
		return err
	}
	hour := minuteRow(0, "", counted("a", 1, 0))
	hour.Period = figures.Hour
	err = one.store.Count(b.ctx, one.lease, batch, figures.Change{Add: []figures.Row{
		hour, minuteRow(3, "b", counted("a", 1, time.Minute)), minuteRow(2, "z", counted("a", 2, time.Hour)), minuteRow(3, "", counted("b", 1, 0)),
	}})
	if err != nil {
		return fmt.Errorf("calling Count: %w", err)
	}
	batch, err = one.pending(1)
	if err = first(err, one.store.Count(b.ctx, one.lease, batch, figures.Change{Add: []figures.Row{
		minuteRow(3, "b", counted("c", 3, 0)), minuteRow(2, "z", counted("a", 1, 72*time.Hour)),
	}})); err != nil {
		return err
	}
	two, err := b.counter("two", "owner")
	if err != nil {
		return err
	}
	other, err := two.pending(3)
	if err = first(err, two.store.Count(b.ctx, two.lease, other, figures.Change{Add: []figures.Row{minuteRow(3, "b", counted("a", 9, 0))}})); err != nil {
		return err
	}
	both := counted("a", 1, time.Minute)
	both.Add(counted("c", 3, 0))
	long := counted("a", 2, time.Hour)
	long.Add(counted("a", 1, 72*time.Hour))
	return one.selects([]figures.Row{minuteRow(2, "z", long), minuteRow(3, "", counted("b", 1, 0)), minuteRow(3, "b", both)}, hour)
}

// selects checks what Counts returns of these minutes and this hour of "one", and of
// nine events of "two".
func (c *counter) selects(all []figures.Row, hour figures.Row) error {
	start := all[0].Start
	for _, q := range []struct {
		what, name  string
		period      time.Duration
		from, until time.Time
		want        []figures.Row
	}{
		{"all minutes", "one", figures.Minute, time.Time{}, farFuture, all},
		{"a range", "one", figures.Minute, start, start.Add(time.Minute), all[:1]},
		{"a range that begins later", "one", figures.Minute, start.Add(time.Nanosecond), farFuture, all[1:]},
		{"a range before", "one", figures.Minute, farPast, start, nil},
		{"the hours", "one", figures.Hour, time.Time{}, farFuture, []figures.Row{hour}},
		{"another name", "two", figures.Minute, time.Time{}, farFuture, []figures.Row{minuteRow(3, "b", counted("a", 9, 0))}},
		{"a name that has no rows", "three", figures.Minute, time.Time{}, farFuture, nil},
		{"a name that no handler has", "o\x00ne", figures.Minute, time.Time{}, farFuture, nil},
	} {
		got, err := c.store.Counts(c.ctx, q.name, q.period, q.from, q.until)
		if err = first(err, equal("the rows of "+q.what, q.want, got)); err != nil {
			return err
		}
		for i := range got {
			clear(got[i].Counts) // it belongs to the caller
		}
	}
	return nil
}

// countOnce ends the context of Count when the store looks at it for the first time, for
// the second time, and so on, and then calls it again.
func countOnce(b *storeBench) error {
	if _, err := b.create("v1", 2); err != nil {
		return err
	}
	change := figures.Change{Add: []figures.Row{minuteRow(1, "a", counted("a", 2, 0)), minuteRow(1, "b", counted("a", 3, 0))}}
	for looks, ended := 1, true; ended && looks <= 50; looks++ {
		c, err := b.counter("reader"+strconv.Itoa(looks), "owner")
		if err != nil {
			return err
		}
		batch, err := c.pending(2)
		if err != nil {
			return err
		}
		ctx := endingAtLook(b.ctx, looks)
		cut := c.store.Count(ctx, c.lease, batch, change)
		ended = ctx.Context.Err() != nil
		again := c.store.Count(b.ctx, c.lease, batch, change)
		switch {
		case cut == nil && again == nil:
			err = errors.New("a batch was counted twice")
		case again != nil:
			err = want("Count of what was perhaps counted", again, outbox.ErrLeaseLost)
		}
		rows, err2 := c.minutes(c.lease.Name)
		_, err3 := c.pending(0)
		if err = first(err, err2, err3, equal("the rows", change.Add, rows)); err != nil {
			return fmt.Errorf("with a context that ends at look %d: %w", looks, err)
		}
	}
	return nil
}

func countFence(b *storeBench) error {
	if _, err := b.create("v1", 2); err != nil {
		return err
	}
	one, err := b.counter("reader", "one")
	if err != nil {
		return err
	}
	batch, err := one.pending(2)
	if err = first(err, one.box.Release(b.ctx, one.lease)); err != nil {
		return err
	}
	two, err := b.counter("reader", "two")
	if err != nil {
		return err
	}
	change := figures.Change{
		Add:    []figures.Row{minuteRow(1, "a", counted("a", 1, 0))},
		Forget: map[time.Duration]time.Time{figures.Minute: farFuture},
	}
	err = want("Count under an earlier lease", one.store.Count(b.ctx, one.lease, batch, change), outbox.ErrLeaseLost)
	rows, err2 := two.minutes("reader")
	_, err3 := two.pending(2)
	return first(err, err2, err3, differ("the number of rows", 0, len(rows)))
}

func countMoved(b *storeBench) error {
	if _, err := b.create("v1", 4); err != nil {
		return err
	}
	c, err := b.counter("reader", "one")
	if err != nil {
		return err
	}
	whole, err := c.pending(4)
	if err != nil {
		return err
	}
	half, err := c.box.Pending(b.ctx, c.lease, 2)
	change := figures.Change{Add: []figures.Row{minuteRow(1, "a", counted("a", 1, 0))}}
	err = first(err, c.store.Count(b.ctx, c.lease, half, change))
	if err != nil {
		return err
	}
	for what, passed := range map[string]outbox.Batch{"a batch that was counted": half, "a batch of which a part was counted": whole} {
		if err := want("Count of "+what, c.store.Count(b.ctx, c.lease, passed, change), outbox.ErrLeaseLost); err != nil {
			return err
		}
	}
	rows, err := c.minutes("reader")
	_, err2 := c.pending(2)
	return first(err, err2, equal("the rows", change.Add, rows))
}

// countExact has writers, and owners that take the lease from one another, read the
// columns of what is pending and count it, in calls that are cut short. A last owner
// counts the rest.
func countExact(b *storeBench) error {
	const writers, each, owners = 4, 15, 3
	var left atomic.Int32
	left.Store(writers)
	errs := concurrently(writers+owners, func(i int) error {
		if i < writers {
			defer left.Add(-1)
			_, err := b.create(fmt.Sprintf("v%d", i), each)
			return err
		}
		random := rand.New(rand.NewPCG(7, uint64(i))) //nolint:gosec // no secret
		for left.Load() > 0 {
			if err := b.countPage(fmt.Sprintf("owner-%d", i), time.Millisecond, random.IntN(12)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var c *counter
	for {
		if err := b.countPage("last", time.Hour, 0); err != nil {
			return err
		}
		var err error
		if c, err = b.counter("reader", "last"); errors.Is(err, outbox.ErrLeaseHeld) {
			continue // by one whose lease ends soon
		} else if err != nil {
			return err
		}
		if batch, err := c.box.Pending(b.ctx, c.lease, 1); err != nil || len(batch.Entries) == 0 {
			break
		}
	}
	rows, err := c.minutes("reader")
	if err != nil {
		return err
	}
	var total figures.Counts
	for _, r := range rows {
		total.Add(r.Counts)
	}
	n := make(map[carrierfsm.Edge]int64)
	for _, count := range total {
		n[count.Edge] = count.N
	}
	return differ("what was counted", map[carrierfsm.Edge]int64{{From: carrierfsm.Created, Event: carrierfsm.OutcomeUnknown, To: carrierfsm.Created}: writers * each}, n)
}

// countPage counts what is pending, if it gets the lease, in a call whose context ends
// at a look; not at all for none.
func (b *storeBench) countPage(owner string, lasts time.Duration, looks int) error {
	store, _ := b.Store.(FiguresStore)
	l, err := store.Acquire(b.ctx, "reader", owner, lasts, outbox.FromBeginning)
	if errors.Is(err, outbox.ErrLeaseHeld) {
		return nil
	} else if err != nil {
		return err
	}
	batch, err := store.Pending(b.ctx, l, 7)
	if errors.Is(err, outbox.ErrLeaseLost) || err == nil && len(batch.Entries) == 0 {
		return nil
	} else if err != nil {
		return err
	}
	rows := make(map[time.Time]*figures.Row)
	for _, e := range batch.Entries {
		start := figures.StartOf(e.At, figures.Minute)
		if rows[start] == nil {
			rows[start] = &figures.Row{Period: figures.Minute, Start: start, Source: e.Source}
		}
		rows[start].Counts.Observe(&e)
	}
	change := figures.Change{}
	for _, row := range rows {
		change.Add = append(change.Add, *row)
	}
	ctx := b.ctx
	if looks > 0 {
		ctx = endingAtLook(b.ctx, looks)
	}
	err = store.Count(ctx, l, batch, change)
	if errors.Is(err, outbox.ErrLeaseLost) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
