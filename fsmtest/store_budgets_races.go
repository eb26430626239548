package fsmtest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

// together creates a record for each caller, and lets all commit at once what spend
// returns. It returns the errors.
func (b *storeBench) together(round, callers int, list func(i int) []budget.Spend) ([]error, error) {
	records := make([]carrierfsm.Record, callers)
	for i := range records {
		var err error
		if records[i], err = b.create(fmt.Sprintf("v%d-%d", round, i), 0); err != nil {
			return nil, err
		}
	}
	errs := concurrently(callers, func(i int) error {
		after, e := spending(records[i], list(i)...)
		if i%2 == 0 { // an intent has no entry
			after.Step--
			return b.Store.Commit(b.ctx, after)
		}
		return b.Store.Commit(b.ctx, after, e)
	})
	for i, err := range errs {
		version := int64(2)
		if err != nil {
			version = 1
		}
		r, e := b.Store.Load(b.ctx, records[i].ID)
		if e != nil || r.Version != version {
			return nil, fmt.Errorf("after %w the version of %s is %d: %w", orNone(err), r.ID, r.Version, orNone(e))
		}
	}
	return errs, nil
}

// oneBudget begins with an empty ledger, then with one that has been given back from.
func oneBudget(b *storeBench) error {
	const limit = 5
	for round := range 12 {
		key := fmt.Sprintf("k%d", round/2)
		at := noon.Add(time.Duration(round%2) * 2 * day)
		errs, err := b.together(round, rivals, func(int) []budget.Spend {
			return []budget.Spend{
				{Key: key, Kind: budget.Texts, At: at, N: 1, Window: day, Limit: limit},
				{Key: key, Kind: budget.Passwords, At: at, N: 1, Window: day, Limit: limit + 1},
			}
		})
		if err != nil {
			return err
		}
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			if err := exceeded("a commit over the limit", err, budget.Texts, at.Add(day)); err != nil {
				return err
			}
		}
		if won != limit {
			return fmt.Errorf("%d commits spent, and the limit is %d", won, limit)
		}
		if err := first(b.counts(key, limit, at), b.countsOf(key, budget.Passwords, limit, at)); err != nil {
			return err
		}
	}
	return nil
}

// othersBudget has every third caller spend for a key that has nothing left.
func othersBudget(b *storeBench) error {
	r, err := b.create("v0", 0)
	if err == nil {
		_, err = b.commitSpending(r, spend("full", 2, noon))
	}
	if err != nil {
		return err
	}
	const callers = 48
	for round := range 3 {
		errs, err := b.together(round, callers, func(i int) []budget.Spend {
			switch i % 3 {
			case 0:
				return []budget.Spend{spend("full", 1, noon)}
			case 1:
				return []budget.Spend{spend(fmt.Sprintf("own-%d-%d", round, i), 1, noon)}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, err := range errs {
			switch {
			case i%3 == 0:
				err = exceeded("a commit over the limit", err, budget.Texts, noon.Add(day))
			case err != nil:
				err = fmt.Errorf("a commit beside one that is over its limit failed: %w", err)
			case i%3 == 1:
				err = b.counts(fmt.Sprintf("own-%d-%d", round, i), 1, noon)
			}
			if err != nil {
				return err
			}
		}
	}
	return b.counts("full", 2, noon)
}

func createSpends(b *storeBench) error {
	var number atomic.Int32
	create := func(key string) error {
		r := record(fmt.Sprintf("v%d", number.Add(1)))
		r.Spends = []budget.Spend{spend(key, 1, noon)}
		return b.Store.Create(b.ctx, r)
	}
	if err := first(create("k1"), create("k1"), exceeded("a third Create", create("k1"), budget.Texts, noon.Add(day)), b.counts("k1", 2, noon)); err != nil {
		return err
	}
	if _, err := b.Store.Load(b.ctx, "v3"); !errors.Is(err, carrierfsm.ErrNotFound) {
		return fmt.Errorf("the refused record was stored: %w", orNone(err))
	}
	taken := record("v1")
	taken.Key, taken.Spends = "", []budget.Spend{spend("k2", 1, noon)}
	held := record("v9")
	held.Key, held.Spends = "key-of-v1", taken.Spends
	if err := first(
		want("Create of an id that exists", b.Store.Create(b.ctx, taken), carrierfsm.ErrExists),
		want("Create with a key in use", b.Store.Create(b.ctx, held), carrierfsm.ErrKeyInUse), b.counts("k2", 0, noon),
	); err != nil {
		return err
	}
	for round := range 4 {
		key := fmt.Sprintf("round-%d", round)
		won := 0
		for _, err := range concurrently(rivals, func(int) error { return create(key) }) {
			if err == nil {
				won++
			} else if err := exceeded("a Create over the limit", err, budget.Texts, noon.Add(day)); err != nil {
				return err
			}
		}
		if won != 2 {
			return fmt.Errorf("%d Creates spent, and the limit is 2", won)
		}
		if err := b.counts(key, 2, noon); err != nil {
			return err
		}
	}
	return nil
}
