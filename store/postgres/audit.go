package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/store/audit"
)

var _ audit.Auditor = (*Store)(nil)

// audits find the damage of each kind: an id and a text a row, in a settled order.
var audits = []struct {
	kind  audit.Kind
	query string
}{
	{audit.OrphanedHistory, `SELECT h.id, 'entries: ' || count(*) FROM carrierfsm_history h
		WHERE NOT EXISTS (SELECT 1 FROM carrierfsm_verifications v WHERE v.id = h.id) GROUP BY h.id ORDER BY h.id LIMIT $1::bigint`},
	{audit.OrphanedParked, `SELECT p.id, 'for the handler ' || p.handler FROM carrierfsm_parked p
		WHERE NOT EXISTS (SELECT 1 FROM carrierfsm_verifications v WHERE v.id = p.id) ORDER BY p.id, p.handler LIMIT $1::bigint`},
	{audit.PositionsDisordered, `SELECT id, 'from step ' || min(step) FROM (
			SELECT id, step, position, lag(position) OVER (PARTITION BY id ORDER BY step) AS before FROM carrierfsm_history) h
		WHERE before >= position GROUP BY id ORDER BY id LIMIT $1::bigint`},
	{audit.PositionsReused, `SELECT '', 'position ' || highest || ' is in use, the latest of the sequence is ' || (` + lastPosition + `)
		FROM (` + highestPosition + `) AS p (highest, behind) WHERE behind LIMIT $1::bigint`},
}

// Audit implements audit.Auditor. New mends a sequence that is behind, where the role
// may; Audit reports it all the same. In a large database it takes longer than the
// store's timeout: set WithTimeout.
func (s *Store) Audit(ctx context.Context, limit int) (list []audit.Finding, err error) {
	for _, a := range audits {
		scan := func(row pgx.CollectableRow) (audit.Finding, error) {
			f := audit.Finding{Kind: a.kind}
			return f, row.Scan(&f.ID, &f.Text)
		}
		found, err := read(ctx, s, scan, a.query, int64(max(limit, 0)))
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	if raised := s.raised; raised > 0 && limit > 0 {
		list = append(list, audit.Finding{Kind: audit.PositionsReused, Text: fmt.Sprintf("position %d is in use, the sequence was behind it and was raised when the store was opened", raised)})
	}
	return list, nil
}
