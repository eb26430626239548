package fsmtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/audit"
)

// AuditorSubject is StoreSubject for TestAuditor.
type AuditorSubject struct {
	Store interface {
		outbox.Store
		audit.Auditor
	}
}

// TestAuditor runs the contract of audit.Auditor, as TestStore does.
func TestAuditor(t *testing.T, open func(tb testing.TB) AuditorSubject) {
	t.Helper()
	testCases(t, auditCases, func(tb testing.TB) StoreSubject { tb.Helper(); return StoreSubject{Store: open(tb).Store} })
}

// CheckAuditor is CheckStore for the cases of TestAuditor.
func CheckAuditor(tb testing.TB, open func(tb testing.TB) AuditorSubject) error {
	tb.Helper()
	return checkCases(tb, auditCases, func(tb testing.TB) StoreSubject { tb.Helper(); return StoreSubject{Store: open(tb).Store} })
}

var auditCases = []storeCase{
	{"AuditHealthy", "Audit finds nothing in a store that nobody has damaged, whatever was written, erased and purged", auditHealthy},
	{"AuditParked", "Audit finds each parked row that has no verification, by id, at most the limit", auditParked},
	{"AuditContext", "Audit returns the error of a context that has ended", auditContext},
	{"AuditClosed", "after Close, Audit returns ErrClosed", auditClosed},
}

func (b *storeBench) audited(limit int) ([]audit.Finding, error) {
	list, err := b.Store.(audit.Auditor).Audit(b.ctx, limit)
	if err != nil {
		return nil, fmt.Errorf("calling Audit: %w", err)
	}
	return list, nil
}

func auditHealthy(b *storeBench) error {
	o := b.Store.(outbox.Outbox)
	lease, err := o.Acquire(b.ctx, "handler", "owner", time.Minute, outbox.FromBeginning)
	if err != nil {
		return err
	}
	for _, id := range []string{"live", "parked", "erased", "old"} {
		r, err := b.create(id, 3)
		if err != nil {
			return err
		}
		after, e := next(r)
		switch id {
		case "erased":
			err = b.Store.Erase(b.ctx, after, e)
		case "old":
			after.State, e.To = carrierfsm.Done, carrierfsm.Done
			err = b.Store.Commit(b.ctx, after, e)
		case "parked":
			err = o.Park(b.ctx, []outbox.Parked{{Handler: "handler", ID: id, Step: 1, Upto: 3, Since: noon, Next: noon, Version: 1}})
		}
		if err != nil {
			return err
		}
	}
	batch, err := o.Pending(b.ctx, lease, 100)
	if err == nil {
		err = o.Advance(b.ctx, lease, batch, len(batch.Entries), nil)
	}
	if err == nil {
		_, err = b.Store.Purge(b.ctx, noon.Add(time.Hour), 10)
	}
	if err != nil {
		return err
	}
	list, err := b.audited(100)
	if err == nil && len(list) > 0 {
		err = fmt.Errorf("in a healthy store Audit finds %+v", list)
	}
	return err
}

func auditParked(b *storeBench) error {
	if _, err := b.create("there", 1); err != nil {
		return err
	}
	for _, id := range []string{"c", "a", "there", "b"} {
		row := outbox.Parked{Handler: "handler", ID: id, Step: 1, Upto: 1, Since: noon, Next: noon, Version: 1}
		if err := b.Store.(outbox.Outbox).Park(b.ctx, []outbox.Parked{row}); err != nil {
			return err
		}
	}
	for limit, want := range map[int][]string{10: {"a", "b", "c"}, 2: {"a", "b"}, 0: nil, -1: nil} {
		list, err := b.audited(limit)
		if err != nil {
			return err
		}
		var ids []string
		for _, f := range list {
			if f.Kind != audit.OrphanedParked || f.Text == "" {
				return fmt.Errorf("finding %+v", f)
			}
			ids = append(ids, f.ID)
		}
		if err := differ(fmt.Sprintf("the ids with limit %d", limit), want, ids); err != nil {
			return err
		}
	}
	return nil
}

func auditContext(b *storeBench) error {
	over, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err := b.Store.(audit.Auditor).Audit(over, 10)
	return want("Audit", err, context.Canceled)
}

func auditClosed(b *storeBench) error {
	if closed, err := b.close(); !closed {
		return err
	}
	_, err := b.Store.(audit.Auditor).Audit(b.ctx, 10)
	return want("Audit", err, carrierfsm.ErrClosed)
}
