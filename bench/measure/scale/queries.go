package scale

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// Queries has the names of the queries of a large store. The last two are those of
// the console's pages: the overview, whose counts are those of 30 carriers, and one
// verification with its history.
var Queries = []string{
	"`List`, the newest 100", "`List`, 100 from the middle", "`Due`, none due", "`Pending`, 200 from the beginning", "`Pending`, at the end",
	"console: overview", "console: one verification",
}

// createdInterval is the time between the creations of two verifications.
const createdInterval = time.Millisecond

// queryFuncs returns functions that run the queries, in the order of Queries.
func queryFuncs(ctx context.Context, store carrierfsm.Store, rows int) ([]func() error, error) {
	box, ok := store.(outbox.Outbox)
	if !ok {
		return nil, errors.New("scale: the store has no outbox")
	}
	first, err := box.Acquire(ctx, "first", "bench", time.Hour, outbox.FromBeginning)
	if err != nil {
		return nil, err
	}
	last, err := box.Acquire(ctx, "last", "bench", time.Hour, outbox.FromNow)
	if err != nil {
		return nil, err
	}
	newest, err := store.List(ctx, carrierfsm.Query{Limit: 1})
	if err != nil || len(newest) == 0 {
		return nil, errors.Join(errors.New("scale: the store is empty"), err)
	}
	middle := newest[0].Created.Add(-time.Duration(rows) * createdInterval / 2)
	shown, err := consoleQueries(ctx, store, newest[0].ID)
	return append([]func() error{
		func() error { return list(ctx, store, carrierfsm.Query{}) },
		func() error { return list(ctx, store, carrierfsm.Query{CreatedBefore: middle}) },
		func() error { _, err := store.Due(ctx, time.Now(), carrierfsm.PageKey{}, 100); return err },
		func() error { _, err := box.Pending(ctx, first, 200); return err },
		func() error { _, err := box.Pending(ctx, last, 200); return err },
	}, shown...), err
}

func list(ctx context.Context, store carrierfsm.Store, q carrierfsm.Query) error {
	_, err := store.List(ctx, q)
	return err
}

// consoleQueries returns the queries of the console's pages.
func consoleQueries(ctx context.Context, store carrierfsm.Store, id string) ([]func() error, error) {
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: workload.Upstream{}})
	if err != nil {
		return nil, err
	}
	counters, now, err := count(ctx, store)
	return []func() error{
		func() error { return readOverview(ctx, counters, now) },
		func() error {
			_, err := m.Read(ctx, id)
			if err == nil {
				_, err = m.History(ctx, id)
			}
			return err
		},
	}, err
}

// count fills the counts of 30 carriers for two days, as the outbox's projection does.
func count(ctx context.Context, store carrierfsm.Store) (*figures.Counters, time.Time, error) {
	counted, ok := store.(interface {
		figures.Store
		outbox.Outbox
	})
	if !ok {
		return nil, time.Time{}, errors.New("scale: the store counts no figures")
	}
	now := time.Now()
	var change figures.Change
	for period, n := range map[time.Duration]int{figures.Minute: 15, figures.Hour: 48, figures.Day: 8} {
		for i := range n {
			for carrier := range 30 {
				row := figures.Row{Period: period, Start: figures.StartOf(now, period).Add(-time.Duration(i) * period), Source: fmt.Sprintf("carrier%d", carrier)}
				for j, e := range carrierfsm.Edges()[:12] {
					row.Counts.Observe(&carrierfsm.Entry{From: e.From, Event: e.Event, To: e.To, Dwell: time.Duration(1+7*j) * time.Second})
				}
				change.Add = append(change.Add, row)
			}
		}
	}
	lease, err := counted.Acquire(ctx, "figures", "bench", time.Hour, outbox.FromBeginning)
	if err != nil {
		return nil, now, err
	}
	batch, err := counted.Pending(ctx, lease, 1)
	if err == nil {
		err = counted.Count(ctx, lease, batch, change)
	}
	counters, err2 := figures.New(figures.Config{Store: counted})
	return counters, now, errors.Join(err, err2)
}

// readOverview reads what the console's overview does for 24 hours.
func readOverview(ctx context.Context, c *figures.Counters, now time.Time) error {
	minute, hour, day := figures.StartOf(now, figures.Minute), figures.StartOf(now, figures.Hour), figures.StartOf(now, figures.Day)
	var errs []error
	for _, r := range []struct {
		period      time.Duration
		from, until time.Time
	}{
		{figures.Hour, hour.Add(-23 * figures.Hour), hour.Add(figures.Hour)},
		{figures.Hour, hour.Add(-47 * figures.Hour), hour.Add(-23 * figures.Hour)},
		{figures.Minute, minute.Add(-14 * figures.Minute), minute.Add(figures.Minute)},
		{figures.Minute, minute.Add(-14*figures.Minute - figures.Day), minute.Add(figures.Minute - figures.Day)},
		{figures.Day, day.Add(-7 * figures.Day), day},
		{figures.Hour, day, hour},
	} {
		_, err := c.Read(ctx, r.period, r.from, r.until)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
