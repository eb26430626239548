package fsmtest

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// counting gives v1 so many entries and returns a counter with a batch of them.
func (b *storeBench) counting(n int) (*counter, outbox.Batch, error) {
	if _, err := b.create("v1", n); err != nil {
		return nil, outbox.Batch{}, err
	}
	c, err := b.counter("reader", "one")
	if err != nil {
		return nil, outbox.Batch{}, err
	}
	batch, err := c.pending(n)
	return c, batch, err
}

func countForgets(b *storeBench) error {
	c, _, err := b.counting(2)
	if err != nil {
		return err
	}
	batch, err := c.box.Pending(b.ctx, c.lease, 1)
	if err != nil {
		return err
	}
	var rows []figures.Row
	for minute := range 4 {
		for _, source := range []string{"", "a"} {
			rows = append(rows, minuteRow(minute, source, counted("a", 1, 0)))
		}
	}
	hour := minuteRow(0, "", counted("a", 1, 0))
	hour.Period = figures.Hour
	err = c.store.Count(b.ctx, c.lease, batch, figures.Change{Add: append(rows, hour)})
	if err != nil {
		return err
	}
	batch, err = c.pending(1)
	err = first(err, c.store.Count(b.ctx, c.lease, batch, figures.Change{
		Add:    []figures.Row{minuteRow(9, "z", counted("a", 1, 0))},
		Forget: map[time.Duration]time.Time{figures.Minute: rows[4].Start, figures.Day: farFuture, figures.Hour: farPast},
	}))
	if err != nil {
		return err
	}
	left, err := c.minutes("reader")
	hours, err2 := c.store.Counts(b.ctx, "reader", figures.Hour, farPast, farFuture)
	return first(err, err2,
		equal("the minutes", append(rows[4:], minuteRow(9, "z", counted("a", 1, 0))), left), equal("the hours", []figures.Row{hour}, hours))
}

func countNew(b *storeBench) error {
	c, batch, err := b.counting(2)
	store, ok := b.Store.(retirer)
	if err != nil || !ok {
		return err
	}
	change := figures.Change{Add: []figures.Row{minuteRow(1, "a", counted("a", 2, 0))}}
	err = first(c.store.Count(b.ctx, c.lease, batch, change), c.box.Release(b.ctx, c.lease), store.Retire(b.ctx, "reader"))
	if err != nil {
		return err
	}
	rows, err := c.minutes("reader")
	if err = first(err, differ("the number of rows of a retired cursor", 0, len(rows))); err != nil {
		return err
	}
	again, err := b.counter("reader", "two")
	if err != nil {
		return err
	}
	batch, err = again.pending(2)
	err = first(err, again.store.Count(b.ctx, again.lease, batch, change))
	rows, err2 := c.minutes("reader")
	return first(err, err2, equal("the rows of a cursor that began again", change.Add, rows))
}

func countBounds(b *storeBench) error {
	c, batch, err := b.counting(1)
	if err != nil {
		return err
	}
	for what, change := range map[string]func(*figures.Row){
		"a period of a second":        func(r *figures.Row) { r.Period = time.Second },
		"a start within its period":   func(r *figures.Row) { r.Start = r.Start.Add(time.Second) },
		"a start long ago":            func(r *figures.Row) { r.Start = time.Time{} },
		"an hour that starts at 0:01": func(r *figures.Row) { r.Period = figures.Hour },
	} {
		row := minuteRow(1, "a", counted("a", 1, 0))
		change(&row)
		err := want("Count of a row with "+what, c.store.Count(b.ctx, c.lease, batch, figures.Change{Add: []figures.Row{row}}), carrierfsm.ErrInvalid)
		if err != nil {
			return err
		}
	}
	large := figures.Counts{{Edge: carrierfsm.Edge{From: "from", Event: "an event of another build", To: "移动"}, N: math.MaxInt64 >> 2, Dwells: figures.Histogram{Sum: math.MaxInt64 >> 2 / 1000 * 1000}}}
	rows := []figures.Row{minuteRow(1, "移动", large)}
	if err := c.store.Count(b.ctx, c.lease, batch, figures.Change{Add: rows}); err != nil {
		return err
	}
	for _, r := range []struct {
		from, until time.Time
		n           int
	}{{farPast, farFuture, 1}, {farFuture, farPast, 0}, {time.Time{}, time.Time{}, 0}, {farFuture, farFuture, 0}} {
		got, err := c.store.Counts(b.ctx, "reader", figures.Minute, r.from, r.until)
		if err = first(err, equal(fmt.Sprintf("the rows from %v until %v", r.from, r.until), rows[:r.n], got)); err != nil {
			return err
		}
	}
	got, err := c.store.Counts(b.ctx, "reader", 7*time.Second, farPast, farFuture)
	return first(err, differ("the number of rows of another period", 0, len(got)))
}

func countClosed(b *storeBench) error {
	c, batch, err := b.counting(1)
	if err != nil {
		return err
	}
	over, cancel := context.WithCancel(b.ctx)
	cancel()
	change := figures.Change{Add: []figures.Row{minuteRow(1, "a", counted("a", 1, 0))}}
	call := func(ctx context.Context) map[string]error {
		_, err := c.store.Counts(ctx, "reader", figures.Minute, farPast, farFuture)
		return map[string]error{"Count": c.store.Count(ctx, c.lease, batch, change), "Counts": err}
	}
	if err := allWant(call(over), context.Canceled); err != nil {
		return err
	}
	rows, err := c.minutes("reader")
	if err = first(err, differ("the number of rows", 0, len(rows))); err != nil {
		return err
	}
	if closed, err := b.close(); !closed {
		return err
	}
	return allWant(call(b.ctx), carrierfsm.ErrClosed)
}

func countReopens(b *storeBench) error {
	c, batch, err := b.counting(2)
	if err != nil || b.Reopen == nil {
		return err
	}
	change := figures.Change{Add: []figures.Row{minuteRow(1, "a", counted("a", 2, time.Minute))}}
	if err := c.store.Count(b.ctx, c.lease, batch, change); err != nil {
		return err
	}
	if b.Store, err = b.Reopen(); err != nil {
		return fmt.Errorf("calling Reopen: %w", err)
	}
	again, err := b.counter("reader", "one")
	if err != nil {
		return err
	}
	rows, err := again.minutes("reader")
	_, err2 := again.pending(0)
	return first(err, err2, equal("the rows", change.Add, rows))
}
