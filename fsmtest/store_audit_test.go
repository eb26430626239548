package fsmtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/audit"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// auditor is a store with another Audit.
type auditor struct {
	*memory.Store
	audit func(ctx context.Context, s *memory.Store, limit int) ([]audit.Finding, error)
}

func (s auditor) Audit(ctx context.Context, limit int) ([]audit.Finding, error) {
	return s.audit(ctx, s.Store, limit)
}

func TestTheSuiteFindsEachBrokenAuditor(t *testing.T) {
	t.Parallel()
	for _, b := range []struct {
		what, rule string
		audit      func(ctx context.Context, s *memory.Store, limit int) ([]audit.Finding, error)
	}{
		{"findings everywhere", "AuditHealthy", func(context.Context, *memory.Store, int) ([]audit.Finding, error) {
			return []audit.Finding{{Kind: audit.HistoryGap, ID: "live"}}, nil
		}},
		{"no findings", "AuditParked", func(context.Context, *memory.Store, int) ([]audit.Finding, error) { return nil, nil }},
		{"no limit", "AuditParked", func(ctx context.Context, s *memory.Store, _ int) ([]audit.Finding, error) { return s.Audit(ctx, 1000) }},
		{"any context", "AuditContext", func(_ context.Context, s *memory.Store, limit int) ([]audit.Finding, error) {
			return s.Audit(context.Background(), limit)
		}},
		{"no error after Close", "AuditClosed", func(ctx context.Context, s *memory.Store, limit int) ([]audit.Finding, error) {
			list, err := s.Audit(ctx, limit)
			if ctx.Err() == nil {
				err = nil
			}
			return list, err
		}},
	} {
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			err := fsmtest.CheckAuditor(t, func(testing.TB) fsmtest.AuditorSubject {
				return fsmtest.AuditorSubject{Store: auditor{memory.New(), b.audit}}
			})
			require.ErrorContains(t, err, b.rule+": ")
		})
	}
}

// bodiless lists no bodies.
type bodiless struct{ *memory.Store }

func (s bodiless) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	q.Bodies = false
	return s.Store.List(ctx, q)
}

// keyless selects by anything but a key.
type keyless struct{ *memory.Store }

func (s keyless) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	q.Key = ""
	return s.Store.List(ctx, q)
}
