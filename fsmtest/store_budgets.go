package fsmtest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

var budgetCases = []storeCase{
	{"Spends", "what a commit spends is in the ledger of its key, up to the limit; then Commit returns a budget.ExceededError with its time, and changes nothing", spends},
	{"SpendsTogether", "of several kinds a commit spends all or none", spendsTogether},
	{"SpendsOnce", "a commit that is refused, or written already, spends nothing", spendsOnce},
	{"GivesBack", "what is given back was spent at that time and is there; nothing else is taken away", givesBack},
	{"Window", "what was spent earlier than the window is not counted; a time later than that of the commit is", spendsInWindow},
	{"OneBudget", "of many concurrent commits of different records exactly as many spend for one key as the limit allows", oneBudget},
	{"OthersBudget", "a commit over its limit does not affect concurrent commits of others", othersBudget},
	{"CreateSpends", "Create spends as Commit does, alone and among many", createSpends},
	{"LedgersStay", "ledgers outlast Erase, Purge and a crash, and PurgeLedgers deletes those that have expired", ledgersStay},
	{"SpendBounds", "a spend that no machine makes returns ErrInvalid", spendBounds},
}

const day = budget.Day

// spend returns a spend of one text at noon, of at most two a day.
func spend(key string, n int, at time.Time) budget.Spend {
	return budget.Spend{Key: key, Kind: budget.Texts, At: at, N: n, Window: day, Limit: 2}
}

// spending returns the next version of a record, with what it spends.
func spending(r carrierfsm.Record, list ...budget.Spend) (carrierfsm.Record, carrierfsm.Entry) {
	after, e := next(r)
	after.Spends = list
	return after, e
}

// commitSpending commits the next version of a record, and returns what is stored.
func (b *storeBench) commitSpending(r carrierfsm.Record, list ...budget.Spend) (carrierfsm.Record, error) {
	after, e := spending(r, list...)
	if err := b.Store.Commit(b.ctx, after, e); err != nil {
		return r, err
	}
	after.Spends = nil
	return after, nil
}

// exceeded returns an error unless err is a budget.ExceededError of this kind and time.
func exceeded(what string, err error, kind budget.Kind, until time.Time) error {
	var over *budget.ExceededError
	if !errors.As(err, &over) {
		return fmt.Errorf("%s did not return a budget.ExceededError but: %w", what, orNone(err))
	}
	if over.Kind != kind || !over.Until.Equal(until) {
		return fmt.Errorf("%s: %s until %v, not %s until %v", what, over.Kind, over.Until, kind, until)
	}
	return nil
}

// counts checks how many texts are counted for a key at a time.
func (b *storeBench) counts(key string, n int, at time.Time) error {
	return b.countsOf(key, budget.Texts, n, at)
}

func (b *storeBench) countsOf(key string, kind budget.Kind, n int, at time.Time) error {
	l, err := b.Store.Ledger(b.ctx, key)
	if err != nil {
		return fmt.Errorf("calling Ledger: %w", err)
	}
	if got := l.Count(kind, day, at); got != n {
		return fmt.Errorf("%d of %s are counted for %s, not %d: %v", got, kind, key, n, l)
	}
	return nil
}

func spends(b *storeBench) error {
	r, err := b.create("v1", 0)
	for i := range 2 {
		if err == nil {
			r, err = b.commitSpending(r, spend("k1", 1, noon.Add(time.Duration(i)*time.Hour)))
		}
	}
	if err = first(err, b.stores(r), b.counts("k1", 2, noon.Add(2*time.Hour)), b.counts("other", 0, noon)); err != nil {
		return err
	}
	_, err = b.commitSpending(r, spend("k1", 1, noon.Add(2*time.Hour)))
	if err = first(exceeded("the third", err, budget.Texts, noon.Add(day)), b.stores(r), b.counts("k1", 2, noon.Add(2*time.Hour))); err != nil {
		return err
	}
	two := spend("k1", 2, noon.Add(2*time.Hour))
	_, err = b.commitSpending(r, two)
	if err = exceeded("two more", err, budget.Texts, noon.Add(time.Hour+day)); err != nil {
		return err
	}
	none := spend("k1", 3, noon.Add(2*time.Hour))
	_, err = b.commitSpending(r, none)
	if err = exceeded("more than the limit", err, budget.Texts, time.Time{}); err != nil {
		return err
	}
	stale, e := spending(r, none)
	stale.Version++
	if err = want("a commit of another version over the limit", b.Store.Commit(b.ctx, stale, e), carrierfsm.ErrConflict); err != nil {
		return err
	}
	r, err = b.commitSpending(r, spend("other", 2, noon))
	return first(err, b.stores(r), b.counts("other", 2, noon))
}

func spendsTogether(b *storeBench) error {
	r, err := b.create("v1", 0)
	if err != nil {
		return err
	}
	password := budget.Spend{Key: "k1", Kind: budget.Passwords, At: noon, N: 1, Window: day, Limit: 1}
	if r, err = b.commitSpending(r, password, spend("k1", 1, noon)); err != nil {
		return err
	}
	later := password
	later.At = noon.Add(time.Minute)
	for _, list := range [][]budget.Spend{{later, spend("k1", 1, later.At)}, {spend("k1", 1, later.At), later}} {
		_, err = b.commitSpending(r, list...)
		if err = first(exceeded("a commit with one kind over", err, budget.Passwords, noon.Add(day)), b.stores(r), b.counts("k1", 1, later.At)); err != nil {
			return err
		}
	}
	password.N = -1
	r, err = b.commitSpending(r, password, spend("k1", 1, later.At))
	return first(err, b.stores(r), b.countsOf("k1", budget.Passwords, 0, later.At), b.counts("k1", 2, later.At))
}

func spendsOnce(b *storeBench) error {
	r, err := b.create("v1", 0)
	if err == nil {
		_, err = b.create("v2", 0)
	}
	if err != nil {
		return err
	}
	after, e := spending(r, spend("k1", 1, noon))
	stale, unknown, taking := after, after, after
	stale.Version++
	unknown.ID = "unknown"
	taking.Key = "key-of-v2"
	err = first(
		want("a commit of another version", b.Store.Commit(b.ctx, stale, e), carrierfsm.ErrConflict),
		want("a commit of an unknown id", b.Store.Commit(b.ctx, unknown, carrierfsm.Entry{ID: "unknown", Step: 1, From: e.From, Event: e.Event, To: e.To, At: e.At}), carrierfsm.ErrNotFound),
		want("a commit with a key in use", b.Store.Commit(b.ctx, taking, e), carrierfsm.ErrKeyInUse),
		b.counts("k1", 0, noon),
		b.Store.Commit(b.ctx, after, e),
		want("the same commit again", b.Store.Commit(b.ctx, after, e), carrierfsm.ErrConflict),
		b.counts("k1", 1, noon),
	)
	return err
}

func givesBack(b *storeBench) error {
	r, err := b.create("v1", 0)
	steps := []struct {
		spend budget.Spend
		left  int
	}{
		{spend("k1", -1, noon), 0}, // nothing is there
		{spend("k1", 2, noon), 2},  // two at one time
		{spend("k1", -1, noon.Add(time.Microsecond)), 2},
		{budget.Spend{Key: "k1", Kind: budget.Passwords, At: noon, N: -1, Window: day}, 2},
		{spend("k2", -1, noon), 2},
		{spend("k1", -1, noon), 1},
		{spend("k1", 1, noon.Add(time.Second)), 2},
		{spend("k1", -5, noon), 1},
		{spend("k1", -1, noon), 1},
		{spend("k1", -1, noon.Add(time.Second)), 0},
		{spend("k1", 2, noon), 2},
	}
	for i, s := range steps {
		if err == nil {
			r, err = b.commitSpending(r, s.spend)
		}
		if err = first(err, b.counts("k1", s.left, noon)); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return b.stores(r)
}

func spendsInWindow(b *storeBench) error {
	r, err := b.create("v1", 0)
	if err == nil {
		r, err = b.commitSpending(r, spend("k1", 2, noon))
	}
	if err == nil {
		_, err = b.commitSpending(r, spend("k1", 1, noon.Add(day-time.Microsecond)))
		err = exceeded("a moment before the end of the window", err, budget.Texts, noon.Add(day))
	}
	if err != nil {
		return err
	}
	if r, err = b.commitSpending(r, spend("k1", 1, noon.Add(day))); err != nil {
		return err
	}
	if r, err = b.commitSpending(r, spend("k1", -1, noon)); err != nil { // out of the window
		return err
	}
	if r, err = b.commitSpending(r, spend("k1", 1, noon.Add(day))); err != nil {
		return err
	}
	_, err = b.commitSpending(r, spend("k1", 1, noon.Add(time.Hour))) // by a clock that is behind
	return first(exceeded("before the others", err, budget.Texts, noon.Add(2*day)), b.stores(r), b.counts("k1", 2, noon.Add(day)))
}

func ledgersStay(b *storeBench) error {
	r, err := b.create("v1", 0)
	if err == nil {
		r, err = b.commitSpending(r, spend("k1", 2, noon))
	}
	if err != nil {
		return err
	}
	tombstone, e := next(r)
	tombstone.State, tombstone.Body, tombstone.Key, tombstone.Due = carrierfsm.Failed, []byte("{}"), "", time.Time{}
	if err = first(b.Store.Erase(b.ctx, tombstone, e), b.counts("k1", 2, noon)); err != nil {
		return err
	}
	if n, err := b.Store.Purge(b.ctx, noon.Add(2*time.Hour), 9); err != nil || n != 1 {
		return fmt.Errorf("calling Purge deleted %d: %w", n, orNone(err))
	}
	if b.Reopen != nil {
		if b.Store, err = b.Reopen(); err != nil {
			return fmt.Errorf("calling Reopen: %w", err)
		}
	}
	other, err := b.create("v2", 0)
	if err != nil {
		return err
	}
	_, err = b.commitSpending(other, spend("k1", 1, noon.Add(time.Hour)))
	if err = exceeded("a commit after all that", err, budget.Texts, noon.Add(day)); err != nil {
		return err
	}
	if _, err = b.commitSpending(other, spend("k2", 1, noon.Add(time.Hour))); err != nil {
		return err
	}
	for _, p := range []struct {
		before time.Time
		limit  int
		n      int
	}{{noon.Add(day), 9, 0}, {noon.Add(2 * day), 0, 0}, {noon.Add(2 * day), 1, 1}, {noon.Add(2 * day), 9, 1}, {noon.Add(2 * day), 9, 0}} {
		if n, err := b.Store.PurgeLedgers(b.ctx, p.before, p.limit); err != nil || n != p.n {
			return fmt.Errorf("calling PurgeLedgers before %v deleted %d, not %d: %w", p.before, n, p.n, orNone(err))
		}
	}
	return first(b.counts("k1", 0, noon), b.counts("k2", 0, noon.Add(time.Hour)))
}

func spendBounds(b *storeBench) error {
	r, err := b.create("v1", 0)
	if err != nil {
		return err
	}
	for name, change := range map[string]func(*budget.Spend){
		"no key": func(s *budget.Spend) { s.Key = "" }, "a long key": func(s *budget.Spend) { s.Key = strings.Repeat("k", 129) },
		"a key with a space": func(s *budget.Spend) { s.Key = "a key" }, "no kind": func(s *budget.Spend) { s.Kind = "" },
		"nothing": func(s *budget.Spend) { s.N = 0 }, "no time": func(s *budget.Spend) { s.At = time.Time{} },
		"no window": func(s *budget.Spend) { s.Window = 0 },
	} {
		s := spend("k1", 1, noon)
		change(&s)
		_, err := b.commitSpending(r, s)
		if err := want(name, err, carrierfsm.ErrInvalid); err != nil {
			return err
		}
	}
	_, err = b.commitSpending(r, spend("k1", 1, noon), spend("k1", 1, noon))
	if err := want("a kind twice", err, carrierfsm.ErrInvalid); err != nil {
		return err
	}
	password := spend("k2", 1, noon)
	password.Kind = budget.Passwords
	_, err = b.commitSpending(r, spend("k1", 1, noon), password)
	return first(want("two keys", err, carrierfsm.ErrInvalid), b.stores(r), b.counts("k1", 0, noon))
}
