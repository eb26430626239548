package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// ActsSubject is StoreSubject for TestActs.
type ActsSubject struct {
	Store interface {
		carrierfsm.Store
		acts.Log
	}
	// Reopen opens the same database again: see StoreSubject.
	Reopen func() (carrierfsm.Store, error)
}

// TestActs runs the contract of acts.Log, as TestStore does.
func TestActs(t *testing.T, open func(tb testing.TB) ActsSubject) {
	t.Helper()
	testCases(t, actCases, func(tb testing.TB) StoreSubject { tb.Helper(); return open(tb).store() })
}

// CheckActs is CheckStore for the cases of TestActs.
func CheckActs(tb testing.TB, open func(tb testing.TB) ActsSubject) error {
	tb.Helper()
	return checkCases(tb, actCases, func(tb testing.TB) StoreSubject { tb.Helper(); return open(tb).store() })
}

func (s ActsSubject) store() StoreSubject { return StoreSubject{Store: s.Store, Reopen: s.Reopen} }

var actCases = []storeCase{
	{"ActRoundTrip", "Acts returns each value as it was logged; the times are the store's, in whole microseconds of UTC", actRoundTrip},
	{"ActID", "LogAct returns ErrExists for an id that is taken, and changes nothing", actID},
	{"ActOutcome", "EndAct sets outcome, count and time once; then it returns ErrConflict, and ErrNotFound for an unknown act", actOutcome},
	{"ActStays", "Erase and Purge of its verification leave an act", actStays},
	{"ActReopen", "an act that was logged is there after a crash, without an outcome", actReopen},
	{"ActOrder", "Acts returns the newest first, ties by descending id, in pages, at most the limit", actOrder},
	{"ActFilters", "Acts returns what matches all of the query, and nothing else", actFilters},
	{"ActQueries", "a query may have any words, times and limits", actQueries},
	{"ActBounds", "an act at the bounds is stored whole; one beyond them is refused with ErrInvalid, or stored whole", actBounds},
	{"ActPurge", "PurgeActs deletes the oldest acts before the time, at most the limit, and counts them", actPurge},
	{"ActsTogether", "of concurrent outcomes of one act one is set, and acts that are logged together are all there", actsTogether},
	{"ActContext", "a context that has ended logs, ends and deletes nothing", actContext},
	{"ActClosed", "after Close, each method returns ErrClosed", actClosed},
}

// act returns an act of which no value is zero, but for those that the store sets.
func act(id string) acts.Act {
	return acts.Act{
		ID: id, Operator: "ann", Kind: acts.Replay, Verification: "verification-of-" + id, Handler: "notify", Step: 3,
		Reason: "因为 of " + id, Count: 7,
	}
}

func (b *storeBench) acts() acts.Log { return b.Store.(acts.Log) }

// logs logs acts, one after the other.
func (b *storeBench) logs(list ...acts.Act) error {
	for _, a := range list {
		if err := b.acts().LogAct(b.ctx, a); err != nil {
			return fmt.Errorf("calling LogAct: %w", err)
		}
	}
	return nil
}

// actsOf calls Acts.
func (b *storeBench) actsOf(q acts.Query) ([]acts.Act, error) {
	list, err := b.acts().Acts(b.ctx, q)
	if err != nil {
		return nil, fmt.Errorf("calling Acts: %w", err)
	}
	return list, nil
}

// hasActs compares the acts that match a query with list, but for their times.
func (b *storeBench) hasActs(what string, q acts.Query, list ...acts.Act) error {
	got, err := b.actsOf(q)
	if err != nil {
		return err
	}
	for i := range got {
		got[i].At, got[i].Ended = time.Time{}, time.Time{}
	}
	if len(list) == 0 && len(got) == 0 {
		return nil
	}
	return differ(what, list, got)
}

func actRoundTrip(b *storeBench) error {
	whole, bare, looked := act("a3"), acts.Act{ID: "a2", Operator: "ann", Kind: "of_a_host"}, act("a1")
	whole.At, whole.Ended = noon, noon // ignored
	looked.Kind, looked.Outcome = acts.Show, acts.Done
	if err := b.logs(looked, bare, whole); err != nil {
		return err
	}
	list, err := b.actsOf(acts.Query{})
	if err != nil || len(list) != 3 {
		return fmt.Errorf("of 3 acts %d are returned: %w", len(list), orNone(err))
	}
	for _, a := range list {
		switch {
		case !a.At.Equal(a.At.Truncate(time.Microsecond)) || a.At.Location() != time.UTC || a.At.IsZero() || a.At.Equal(noon):
			return fmt.Errorf("the act %s has the time %v", a.ID, a.At)
		case a.Outcome == "" && !a.Ended.IsZero():
			return fmt.Errorf("the act %s has ended at %v without an outcome", a.ID, a.Ended)
		case a.Outcome != "" && !a.Ended.Equal(a.At):
			return fmt.Errorf("the act %s, logged with its outcome, has ended at %v, not %v", a.ID, a.Ended, a.At)
		}
	}
	whole.At, whole.Ended = time.Time{}, time.Time{}
	for _, a := range []acts.Act{whole, bare, looked} {
		if err := b.hasActs("the act "+a.ID, acts.Query{Kinds: []acts.Kind{a.Kind}}, a); err != nil {
			return err
		}
	}
	return nil
}

func actID(b *storeBench) error {
	again := act("a1")
	again.Reason, again.Outcome = "another", acts.Done
	return first(
		b.logs(act("a1")),
		want("the same id again", b.acts().LogAct(b.ctx, again), carrierfsm.ErrExists),
		b.hasActs("the acts", acts.Query{}, act("a1")),
	)
}

func actOutcome(b *storeBench) error {
	ended := act("a1")
	ended.Outcome, ended.Count = acts.Refused, 0
	err := first(
		b.logs(act("a1")),
		want("EndAct of an unknown act", b.acts().EndAct(b.ctx, "a2", acts.Done, 1), carrierfsm.ErrNotFound),
		want("EndAct of no legal id", b.acts().EndAct(b.ctx, "a\x00", acts.Done, 1), carrierfsm.ErrNotFound),
		want("EndAct without an outcome", b.acts().EndAct(b.ctx, "a1", "", 1), carrierfsm.ErrInvalid),
		b.hasActs("the acts before", acts.Query{Open: true}, act("a1")),
		b.acts().EndAct(b.ctx, "a1", acts.Refused, 0),
		want("a second EndAct", b.acts().EndAct(b.ctx, "a1", acts.Done, 1), carrierfsm.ErrConflict),
		b.hasActs("the acts after", acts.Query{}, ended),
		b.hasActs("the open acts after", acts.Query{Open: true}),
	)
	if err != nil {
		return err
	}
	list, err := b.actsOf(acts.Query{})
	if err == nil && list[0].Ended.IsZero() {
		err = errors.New("an act that has ended has no time of its end")
	}
	return err
}

func actStays(b *storeBench) error {
	r, err := b.create("v1", 1)
	if err != nil {
		return err
	}
	a := act("a1")
	a.Verification = r.ID
	tombstone, e := next(r)
	tombstone.State, tombstone.Key, tombstone.Due, e.To = carrierfsm.Failed, "", time.Time{}, carrierfsm.Failed
	if err := first(b.logs(a), b.Store.Erase(b.ctx, tombstone, e), b.hasActs("the acts after Erase", acts.Query{Verification: r.ID}, a)); err != nil {
		return err
	}
	if n, err := b.Store.Purge(b.ctx, noon.Add(time.Hour), 9); err != nil || n != 1 {
		return fmt.Errorf("calling Purge deleted %d: %w", n, orNone(err))
	}
	return b.hasActs("the acts after Purge", acts.Query{Verification: r.ID}, a)
}

func actReopen(b *storeBench) error {
	ended := act("a1")
	ended.Outcome, ended.Count = acts.Done, 1
	err := first(b.logs(act("a1"), act("a2")), b.acts().EndAct(b.ctx, "a1", acts.Done, 1))
	if err != nil || b.Reopen == nil {
		return err
	}
	if b.Store, err = b.Reopen(); err != nil {
		return fmt.Errorf("calling Reopen: %w", err)
	}
	return first(
		b.hasActs("the act that has ended", acts.Query{Verification: ended.Verification}, ended),
		b.hasActs("the act that has not", acts.Query{Open: true}, act("a2")),
	)
}

// actsInOrder logs n acts and returns them as Acts has to.
func (b *storeBench) actsInOrder(n int) ([]acts.Act, error) {
	for i := range n {
		if err := b.logs(act(fmt.Sprintf("a%d", (i*7)%n))); err != nil {
			return nil, err
		}
	}
	list, err := b.actsOf(acts.Query{Limit: n + 1})
	if err == nil && len(list) != n {
		err = fmt.Errorf("of %d acts %d are returned", n, len(list))
	}
	for i := 1; i < len(list) && err == nil; i++ {
		if list[i].At.After(list[i-1].At) || list[i].At.Equal(list[i-1].At) && list[i].ID > list[i-1].ID {
			err = fmt.Errorf("the act %s of %v is behind %s of %v", list[i].ID, list[i].At, list[i-1].ID, list[i-1].At)
		}
	}
	return list, err
}

func actOrder(b *storeBench) error {
	all, err := b.actsInOrder(10)
	if err != nil {
		return err
	}
	for size := 1; size <= 11; size += 3 {
		var got []acts.Act
		q := acts.Query{Limit: size}
		for len(got) <= len(all) { // else pages repeat
			page, err := b.actsOf(q)
			if err != nil || len(page) > size {
				return fmt.Errorf("a page of %d has %d acts: %w", size, len(page), orNone(err))
			}
			got = append(got, page...)
			if len(page) < size {
				break
			}
			q.After = carrierfsm.PageKey{Time: page[size-1].At, ID: page[size-1].ID}
		}
		if err := differ(fmt.Sprintf("the acts in pages of %d", size), all, got); err != nil {
			return err
		}
	}
	return nil
}

func actPurge(b *storeBench) error {
	all, err := b.actsInOrder(8)
	if err != nil {
		return err
	}
	late, early := time.Now().Add(24*time.Hour), all[7].At
	for _, p := range []struct {
		before     time.Time
		limit, n   int
		afterwards int
	}{{early, 9, 0, 8}, {late, 0, 0, 8}, {late, -1, 0, 8}, {farPast, 9, 0, 8}, {late, 3, 3, 5}, {farFuture, 2, 2, 3}, {late, 9, 3, 0}, {late, 9, 0, 0}} {
		if n, err := b.acts().PurgeActs(b.ctx, p.before, p.limit); err != nil || n != p.n {
			return fmt.Errorf("PurgeActs of %d before %v deleted %d, not %d: %w", p.limit, p.before, n, p.n, orNone(err))
		}
		list, err := b.actsOf(acts.Query{})
		if err != nil {
			return err
		}
		if err := differ("what is left", all[:p.afterwards], append([]acts.Act{}, list...)); err != nil {
			return err
		}
	}
	return nil
}

func actBounds(b *storeBench) error {
	long := strings.Repeat("x", 128)
	most := acts.Act{
		ID: long, Operator: long, Kind: acts.Kind(long), Verification: long, Handler: long, Step: maxNumber, Count: maxNumber,
		Reason: strings.Repeat("因x", acts.MaxReason/4), Outcome: acts.Outcome(long),
	}
	if err := first(b.logs(most), b.hasActs("the act at the bounds", acts.Query{}, most)); err != nil {
		return err
	}
	for name, change := range map[string]func(*acts.Act){
		"no id": func(a *acts.Act) { a.ID = "" }, "a long id": func(a *acts.Act) { a.ID = long + "x" }, "an id with a NUL": func(a *acts.Act) { a.ID = "a\x00" },
		"no operator": func(a *acts.Act) { a.Operator = "" }, "a verification with a space": func(a *acts.Act) { a.Verification = "a b" },
		"a handler with a newline": func(a *acts.Act) { a.Handler = "a\n" }, "broken UTF-8": func(a *acts.Act) { a.Reason = "\xff" },
		"a long reason": func(a *acts.Act) { a.Reason = strings.Repeat("x", acts.MaxReason+1) }, "a NUL in a reason": func(a *acts.Act) { a.Reason = "\x00" },
		"a negative step": func(a *acts.Act) { a.Step = -1 }, "a negative count": func(a *acts.Act) { a.Count = -1 },
		"a long kind": func(a *acts.Act) { a.Kind = acts.Kind(long + "x") }, "a NUL in an outcome": func(a *acts.Act) { a.Outcome = "\x00" },
	} {
		a := act("a1")
		a.Kind = "beyond"
		change(&a)
		err := b.acts().LogAct(b.ctx, a)
		switch {
		case errors.Is(err, carrierfsm.ErrInvalid):
			err = b.hasActs(name, acts.Query{Kinds: []acts.Kind{"beyond"}})
		case err == nil:
			err = b.hasActs(name, acts.Query{Kinds: []acts.Kind{a.Kind}}, a)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func actContext(b *storeBench) error {
	if err := b.logs(act("a1")); err != nil {
		return err
	}
	over, cancel := context.WithCancel(b.ctx)
	cancel()
	_, listed := b.acts().Acts(over, acts.Query{})
	_, purged := b.acts().PurgeActs(over, farFuture, 9)
	return first(
		want("LogAct", b.acts().LogAct(over, act("a2")), context.Canceled),
		want("EndAct", b.acts().EndAct(over, "a1", acts.Done, 1), context.Canceled),
		want("Acts", listed, context.Canceled), want("PurgeActs", purged, context.Canceled),
		b.hasActs("the acts afterwards", acts.Query{}, act("a1")),
	)
}

func actClosed(b *storeBench) error {
	if err := b.logs(act("a1")); err != nil {
		return err
	}
	if closed, err := b.close(); !closed {
		return err
	}
	_, listed := b.acts().Acts(b.ctx, acts.Query{})
	_, purged := b.acts().PurgeActs(b.ctx, farFuture, 9)
	return first(
		want("LogAct", b.acts().LogAct(b.ctx, act("a2")), carrierfsm.ErrClosed),
		want("EndAct", b.acts().EndAct(b.ctx, "a1", acts.Done, 1), carrierfsm.ErrClosed),
		want("Acts", listed, carrierfsm.ErrClosed), want("PurgeActs", purged, carrierfsm.ErrClosed),
	)
}
