package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/carrierfsm/carrierfsm"
)

var raceCases = []storeCase{
	{"OneCreator", "of many concurrent Creates of one id exactly one succeeds", oneCreator},
	{"OneKeyHolder", "of many concurrent Creates with one key exactly one succeeds", oneKeyHolder},
	{"OneWriter", "of many concurrent Commits after the same version exactly one succeeds, the others return ErrConflict", oneWriter},
	{"ManyWriters", "no commit of writers that retry after a conflict is lost", manyWriters},
	{"OthersCancellation", "one caller's cancellation does not affect the others, and its own commit is stored as a whole or not at all", othersCancellation},
}

// concurrently calls f n times concurrently and returns the errors. A panic is one.
func concurrently(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					errs[i] = fmt.Errorf("panic: %v", r)
				}
			}()
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// oneWins checks that one error is nil and that the others match others.
func oneWins(errs []error, others error) error {
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, others):
			return fmt.Errorf("a call returned %w, not %w", err, others)
		}
	}
	if won != 1 {
		return fmt.Errorf("%d of %d calls succeeded", won, len(errs))
	}
	return nil
}

const rivals = 16

func oneCreator(b *storeBench) error {
	for round := range 8 {
		errs := concurrently(rivals, func(i int) error {
			r := record(fmt.Sprintf("v%d", round))
			r.Key = fmt.Sprintf("%d-of-round-%d", i, round)
			return b.Store.Create(b.ctx, r)
		})
		if err := oneWins(errs, carrierfsm.ErrExists); err != nil {
			return err
		}
	}
	return nil
}

func oneKeyHolder(b *storeBench) error {
	for round := range 8 {
		errs := concurrently(rivals, func(i int) error {
			r := record(fmt.Sprintf("v%d-of-round-%d", i, round))
			r.Key = fmt.Sprintf("round-%d", round)
			return b.Store.Create(b.ctx, r)
		})
		if err := oneWins(errs, carrierfsm.ErrKeyInUse); err != nil {
			return err
		}
	}
	return nil
}

// oneWriter has all writers load the record before one commits.
func oneWriter(b *storeBench) error {
	if _, err := b.create("v1", 0); err != nil {
		return err
	}
	for range 8 {
		var read sync.WaitGroup
		read.Add(rivals)
		errs := concurrently(rivals, func(i int) error {
			seen, err := b.Store.Load(b.ctx, "v1")
			read.Done()
			read.Wait()
			if err != nil {
				return err
			}
			after, e := next(seen)
			after.CommitID[0] = byte(i)
			return b.Store.Commit(b.ctx, after, e)
		})
		if err := oneWins(errs, carrierfsm.ErrConflict); err != nil {
			return err
		}
		r, err := b.Store.Load(b.ctx, "v1")
		if err = first(err, b.hasHistory("v1", r.Step)); err != nil {
			return err
		}
	}
	return nil
}

func manyWriters(b *storeBench) error {
	if _, err := b.create("v1", 0); err != nil {
		return err
	}
	errs := concurrently(8, func(int) error {
		for range 5 {
			if err := b.increment("v1"); err != nil {
				return err
			}
		}
		return nil
	})
	r, err := b.Store.Load(b.ctx, "v1")
	if err = first(errors.Join(errs...), err); err != nil {
		return err
	}
	if r.Step != 40 || r.Version != 41 {
		return fmt.Errorf("after 40 commits the record is at step %d, version %d", r.Step, r.Version)
	}
	return b.hasHistory("v1", 40)
}

// increment makes one transition and retries after conflicts.
func (b *storeBench) increment(id string) error {
	for {
		r, err := b.Store.Load(b.ctx, id)
		if err != nil {
			return err
		}
		after, e := next(r)
		if err := b.Store.Commit(b.ctx, after, e); !errors.Is(err, carrierfsm.ErrConflict) {
			return err
		}
	}
}

func othersCancellation(b *storeBench) error {
	const pairs = 12
	for i := range 2 * pairs {
		if _, err := b.create(fmt.Sprintf("v%d", i), 0); err != nil {
			return err
		}
	}
	var turn atomic.Int32
	errs := concurrently(2*pairs, func(i int) error {
		ctx, cancel := context.WithCancel(b.ctx)
		defer cancel()
		if i%2 == 1 { // canceled at any time
			go func() {
				turn.Add(1)
				cancel()
			}()
		}
		after, e := next(record(fmt.Sprintf("v%d", i)))
		return b.Store.Commit(ctx, after, e)
	})
	for i, err := range errs {
		if i%2 == 0 && err != nil {
			return fmt.Errorf("a commit that was not canceled failed: %w", err)
		}
		r, e := b.Store.Load(b.ctx, fmt.Sprintf("v%d", i))
		if e = first(e, b.hasHistory(r.ID, r.Step)); e != nil {
			return e
		}
		if err == nil && r.Step != 1 {
			return errors.New("an acknowledged commit is not stored")
		}
	}
	return nil
}
