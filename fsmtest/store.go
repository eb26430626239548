package fsmtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// StoreSubject is one fresh, empty store under test. Where Store is an io.Closer,
// the rules on closing are tested too.
type StoreSubject struct {
	// Store is the store.
	Store carrierfsm.Store
	// Reopen opens the same database again, as after a crash, without closing
	// Store first. Nil: the database does not outlive its process.
	Reopen func() (carrierfsm.Store, error)
}

// OutboxSubject is StoreSubject for TestOutbox.
type OutboxSubject struct {
	Store  outbox.Store
	Reopen func() (outbox.Store, error)
}

// SurveyorSubject is StoreSubject for TestSurveyor.
type SurveyorSubject struct {
	Store interface {
		carrierfsm.Store
		survey.Surveyor
	}
}

// TestStore runs the contract of carrierfsm.Store as parallel subtests. open
// returns a fresh store for each, and cleans up with tb. A store that is an
// outbox.Outbox, a figures.Store or a survey.Surveyor also passes TestOutbox,
// TestFigures or TestSurveyor.
func TestStore(t *testing.T, open func(tb testing.TB) StoreSubject) {
	t.Helper()
	testCases(t, storeCases, open)
}

// CheckStore runs the same cases as TestStore one after the other and returns the
// joined failures, each with its rule, or nil. It fails tb only where open does.
func CheckStore(tb testing.TB, open func(tb testing.TB) StoreSubject) error {
	tb.Helper()
	return checkCases(tb, storeCases, open)
}

// TestOutbox runs the contract of outbox.Outbox, as TestStore does.
func TestOutbox(t *testing.T, open func(tb testing.TB) OutboxSubject) {
	t.Helper()
	testCases(t, outboxCases, func(tb testing.TB) StoreSubject { tb.Helper(); return open(tb).store() })
}

// CheckOutbox is CheckStore for the cases of TestOutbox.
func CheckOutbox(tb testing.TB, open func(tb testing.TB) OutboxSubject) error {
	tb.Helper()
	return checkCases(tb, outboxCases, func(tb testing.TB) StoreSubject { tb.Helper(); return open(tb).store() })
}

// TestSurveyor runs the contract of survey.Surveyor, as TestStore does.
func TestSurveyor(t *testing.T, open func(tb testing.TB) SurveyorSubject) {
	t.Helper()
	testCases(t, surveyCases, func(tb testing.TB) StoreSubject { tb.Helper(); return StoreSubject{Store: open(tb).Store} })
}

// CheckSurveyor is CheckStore for the cases of TestSurveyor.
func CheckSurveyor(tb testing.TB, open func(tb testing.TB) SurveyorSubject) error {
	tb.Helper()
	return checkCases(tb, surveyCases, func(tb testing.TB) StoreSubject { tb.Helper(); return StoreSubject{Store: open(tb).Store} })
}

func (s OutboxSubject) store() StoreSubject {
	subject := StoreSubject{Store: s.Store}
	if s.Reopen != nil {
		subject.Reopen = func() (carrierfsm.Store, error) { return s.Reopen() }
	}
	return subject
}

func testCases(t *testing.T, cases []storeCase, open func(tb testing.TB) StoreSubject) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.check(open(t)); err != nil {
				t.Errorf("%v\n\nrule: %s", err, c.rule)
			}
		})
	}
}

func checkCases(tb testing.TB, cases []storeCase, open func(tb testing.TB) StoreSubject) error {
	tb.Helper()
	var errs []error
	for _, c := range cases {
		if err := c.check(open(tb)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w (rule: %s)", c.name, err, c.rule))
		}
	}
	return errors.Join(errs...)
}

// storeCase tests one rule of the contract.
type storeCase struct {
	name, rule string
	run        func(*storeBench) error
}

// check runs the case. A panic is a failure.
func (c storeCase) check(s StoreSubject) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return c.run(&storeBench{StoreSubject: s, ctx: context.Background()})
}

// storeBench is a store under test, with helpers for the cases.
type storeBench struct {
	StoreSubject
	ctx context.Context //nolint:containedctx // of the case
}

// Times are whole microseconds in UTC, as the contract demands.
var noon = time.Date(2030, 6, 1, 12, 0, 0, 123456000, time.UTC)

// record returns a record of which no column is zero.
func record(id string) carrierfsm.Record {
	r := carrierfsm.Record{
		ID: id, State: carrierfsm.Created, Version: 1, Table: 1, Source: "chinamobilejs",
		Reason: carrierfsm.ApplicationRejected, InFlight: true,
		Due: noon.Add(time.Hour), Created: noon, Updated: noon.Add(time.Minute),
		Key: "key-of-" + id, Body: []byte("body of " + id),
	}
	copy(r.CommitID[:], "commit of "+id)
	return r
}

// next returns the record after one more transition, and its entry.
func next(r carrierfsm.Record) (carrierfsm.Record, carrierfsm.Entry) {
	r.Version++
	r.Step++
	r.Updated = r.Updated.Add(time.Second)
	r.Body = fmt.Appendf(nil, "body %d of %s", r.Version, r.ID)
	copy(r.CommitID[:], fmt.Sprintf("%d of %s", r.Version, r.ID))
	e := carrierfsm.Entry{
		ID: r.ID, Step: r.Step, From: carrierfsm.Created, Event: carrierfsm.OutcomeUnknown, To: carrierfsm.Created,
		At: r.Updated, Source: r.Source, Dwell: time.Duration(r.Step) * 1234567 * time.Microsecond,
		Detail: fmt.Appendf(nil, "detail %d of %s", r.Step, r.ID),
	}
	return r, e
}

// create creates a record and gives it n transitions.
func (b *storeBench) create(id string, n int) (carrierfsm.Record, error) {
	return b.put(record(id), n)
}

func (b *storeBench) put(r carrierfsm.Record, n int) (carrierfsm.Record, error) {
	if err := b.Store.Create(b.ctx, r); err != nil {
		return r, fmt.Errorf("calling Create: %w", err)
	}
	for range n {
		var e carrierfsm.Entry
		r, e = next(r)
		if err := b.Store.Commit(b.ctx, r, e); err != nil {
			return r, fmt.Errorf("calling Commit: %w", err)
		}
	}
	return r, nil
}

// stores compares the stored record with r and checks the number of its entries.
func (b *storeBench) stores(r carrierfsm.Record) error {
	stored, err := b.Store.Load(b.ctx, r.ID)
	if err != nil {
		return fmt.Errorf("calling Load: %w", err)
	}
	if !bytes.Equal(r.Body, stored.Body) {
		return errors.New("the stored body differs")
	}
	stored.Body = r.Body // compared above: cmp.Diff is slow for a megabyte
	if diff := cmp.Diff(r, stored, cmp.Comparer(bytes.Equal)); diff != "" {
		return fmt.Errorf("the stored record differs (-want +got):\n%s", diff)
	}
	return b.hasHistory(r.ID, r.Step)
}

// hasHistory checks that the steps of the history are 1, 2, 3 … n.
func (b *storeBench) hasHistory(id string, n int) error {
	entries, err := b.Store.History(b.ctx, id, 0, 1000)
	if err != nil {
		return fmt.Errorf("calling History: %w", err)
	}
	if len(entries) != n {
		return fmt.Errorf("the history has %d entries, not %d", len(entries), n)
	}
	for i, e := range entries {
		if e.Step != i+1 || e.ID != id {
			return fmt.Errorf("entry %d of the history is step %d of %s", i, e.Step, e.ID)
		}
	}
	return nil
}

// want returns an error unless err matches target. what names the operation.
func want(what string, err, target error) error {
	if !errors.Is(err, target) {
		return fmt.Errorf("%s did not return %q but: %w", what, target.Error(), orNone(err))
	}
	return nil
}

// orNone returns err, or an error that says "no error", to be wrapped in a failure.
func orNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

// first returns the first error that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
