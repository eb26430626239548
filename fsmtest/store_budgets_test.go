package fsmtest_test

import (
	"context"
	"runtime"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// spendsNothing ignores what a commit spends.
type spendsNothing struct{ *memory.Store }

func (s spendsNothing) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	r.Spends = nil
	return s.Store.Commit(ctx, r, e...)
}

// readsThenSpends checks the limit in a call of its own, before the commit.
type readsThenSpends struct{ *memory.Store }

func (s readsThenSpends) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	for i, spend := range r.Spends {
		l, err := s.Ledger(ctx, spend.Key)
		if err != nil {
			return err
		}
		if err := l.Exceeded(spend); err != nil {
			return err
		}
		for range 100 { // the others read meanwhile
			runtime.Gosched()
		}
		spend.Limit = 1 << 20
		if i == 0 {
			r.Spends = append([]budget.Spend(nil), r.Spends...)
		}
		r.Spends[i] = spend
	}
	return s.Store.Commit(ctx, r, e...)
}

// spendsFirst keeps what a refused commit spends: it spends with a record of its own.
type spendsFirst struct{ *memory.Store }

func (s spendsFirst) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	if len(r.Spends) > 0 {
		own := carrierfsm.Record{ID: "spends-" + time.Now().Format("150405.000000000"), State: carrierfsm.Created, Version: 1, Created: r.Created, Updated: r.Updated, Spends: r.Spends}
		if err := s.Create(ctx, own); err != nil {
			return err
		}
		r.Spends = nil
	}
	return s.Store.Commit(ctx, r, e...)
}

// forgetsLedgers erases what is counted with the record.
type forgetsLedgers struct{ *memory.Store }

func (s forgetsLedgers) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	if _, err := s.PurgeLedgers(ctx, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), 1000); err != nil {
		return err
	}
	return s.Store.Erase(ctx, r, e...)
}
