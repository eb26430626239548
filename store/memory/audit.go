package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/carrierfsm/carrierfsm/store/audit"
)

var _ audit.Auditor = (*Store)(nil)

// Audit implements audit.Auditor. Only parked rows can be without a verification.
func (s *Store) Audit(ctx context.Context, limit int) ([]audit.Finding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var list []audit.Finding
	for key := range s.parked {
		if s.rows[key.id] == nil {
			list = append(list, audit.Finding{Kind: audit.OrphanedParked, ID: key.id, Text: "for the handler " + key.handler})
		}
	}
	slices.SortFunc(list, func(a, b audit.Finding) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Text, b.Text)) })
	return list[:min(max(limit, 0), len(list))], nil
}
