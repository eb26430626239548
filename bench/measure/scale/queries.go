package scale

import (
	"context"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// Queries has the names of the queries of a large store. The last two are those of
// the console's pages: the overview, which samples 4,800 verifications, and one
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
	shown, err := consoleQueries(ctx, store, newest[0].ID, time.Duration(rows)*createdInterval)
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
func consoleQueries(ctx context.Context, store carrierfsm.Store, id string, window time.Duration) ([]func() error, error) {
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: workload.Upstream{}})
	if err != nil {
		return nil, err
	}
	surveyor, ok := store.(survey.Surveyor)
	if !ok {
		return nil, errors.New("scale: the store takes no surveys")
	}
	return []func() error{
		func() error { _, err := survey.Take(ctx, surveyor, survey.Query{Window: window}); return err },
		func() error {
			_, err := m.Read(ctx, id)
			if err == nil {
				_, err = m.History(ctx, id)
			}
			return err
		},
	}, nil
}
