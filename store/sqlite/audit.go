package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrierfsm/carrierfsm/store/audit"
)

var _ audit.Auditor = (*Store)(nil)

// audits find the damage of each kind: an id and a text a row, in a settled order.
var audits = []struct {
	kind  audit.Kind
	query string
}{
	{audit.OrphanedHistory, `SELECT id, 'entries: ' || count(*) FROM carrierfsm_history h
		WHERE NOT EXISTS (SELECT 1 FROM carrierfsm_verifications v WHERE v.id = h.id) GROUP BY id ORDER BY id LIMIT ?`},
	{audit.OrphanedParked, `SELECT id, 'for the handler ' || handler FROM carrierfsm_parked p
		WHERE NOT EXISTS (SELECT 1 FROM carrierfsm_verifications v WHERE v.id = p.id) ORDER BY id, handler LIMIT ?`},
	{audit.OrphanedBody, `SELECT id, '' FROM carrierfsm_bodies b
		WHERE NOT EXISTS (SELECT 1 FROM carrierfsm_verifications v WHERE v.id = b.id) ORDER BY id LIMIT ?`},
	{audit.MissingBody, `SELECT id, '' FROM carrierfsm_verifications v
		WHERE NOT EXISTS (SELECT 1 FROM carrierfsm_bodies b WHERE b.id = v.id) ORDER BY id LIMIT ?`},
	{audit.PositionsDisordered, `SELECT id, 'from step ' || min(step) FROM (
			SELECT id, step, position, lag(position) OVER (PARTITION BY id ORDER BY step) AS before FROM carrierfsm_history)
		WHERE before >= position GROUP BY id ORDER BY id LIMIT ?`},
	// AUTOINCREMENT goes on behind the higher of what it noted and what is in the table.
	{audit.PositionsReused, `SELECT '', 'the handler ' || name || ' has passed position ' || position || ', the latest position is ' || latest FROM carrierfsm_cursors, (
			SELECT max(coalesce((SELECT max(position) FROM carrierfsm_history), 0),
				coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = 'carrierfsm_history'), 0)) AS latest)
		WHERE position > latest ORDER BY name LIMIT ?`},
}

// Audit implements audit.Auditor.
func (s *Store) Audit(ctx context.Context, limit int) (list []audit.Finding, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return nil, err
	}
	defer done(&err)
	for _, a := range audits {
		rows, err := s.readDB.QueryContext(ctx, a.query, max(limit, 0))
		found, err := collect(rows, err, func(rows *sql.Rows) (audit.Finding, error) {
			f := audit.Finding{Kind: a.kind}
			return f, rows.Scan(&f.ID, &f.Text)
		})
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}
