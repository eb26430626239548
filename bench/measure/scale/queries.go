package scale

import (
	"context"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Queries are what is asked of a large store. The last two are what the console
// shows: its overview, which looks at 4,800 verifications out of all, and one
// of them with its history.
var Queries = []string{
	"`List`, the newest 100", "`List`, 100 from the middle", "`Due`, none due", "`Pending`, 200 from the beginning", "`Pending`, at the end",
	"console: overview", "console: one verification",
}

// apart is how long after one verification the next was created.
const apart = time.Millisecond

// questions ask what Queries says, in that order.
func questions(ctx context.Context, store carrierfsm.Store, rows int) ([]func() error, error) {
	box, ok := store.(carrierfsm.Outbox)
	if !ok {
		return nil, errors.New("scale: the store is no outbox")
	}
	first, err := box.Lead(ctx, "first", "bench", time.Hour, carrierfsm.FromBeginning)
	if err != nil {
		return nil, err
	}
	last, err := box.Lead(ctx, "last", "bench", time.Hour, carrierfsm.FromNow)
	if err != nil {
		return nil, err
	}
	newest, err := store.List(ctx, carrierfsm.Query{Limit: 1})
	if err != nil || len(newest) == 0 {
		return nil, errors.Join(errors.New("scale: the store is empty"), err)
	}
	middle := newest[0].Created.Add(-time.Duration(rows) * apart / 2)
	shown, err := shows(ctx, store, newest[0].ID, time.Duration(rows)*apart)
	return append([]func() error{
		func() error { return lists(ctx, store, carrierfsm.Query{}) },
		func() error { return lists(ctx, store, carrierfsm.Query{CreatedBefore: middle}) },
		func() error { _, err := store.Due(ctx, time.Now(), carrierfsm.DueMark{}, 100); return err },
		func() error { _, err := box.Pending(ctx, first, 200); return err },
		func() error { _, err := box.Pending(ctx, last, 200); return err },
	}, shown...), err
}

func lists(ctx context.Context, store carrierfsm.Store, q carrierfsm.Query) error {
	_, err := store.List(ctx, q)
	return err
}

// shows are the questions of the console.
func shows(ctx context.Context, store carrierfsm.Store, id string, window time.Duration) ([]func() error, error) {
	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: workload.Upstream{}})
	if err != nil {
		return nil, err
	}
	return []func() error{
		func() error { _, err := m.Survey(ctx, carrierfsm.SurveyQuery{Window: window}); return err },
		func() error {
			_, err := m.Peek(ctx, id)
			if err == nil {
				_, err = m.History(ctx, id)
			}
			return err
		},
	}, nil
}
