package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// setUp brings the database into the state that the store needs, or says what is
// wrong with it and what to do.
func (s *Store) setUp(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.migrate, s.checkPrivileges, s.raisePositions} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// advised adds what to do to an error that the role lacks a privilege.
func advised(err error, advice string) error {
	if e := serverError(err); e != nil && e.Code == insufficientPrivilege {
		return fmt.Errorf("%w: %s: %w", ErrUnusable, advice, err)
	}
	return err
}

// lackingPrivileges returns the statements that grant what the role lacks.
const lackingPrivileges = `SELECT 'GRANT ' || string_agg(privilege, ', ' ORDER BY privilege) || ' ON ' || name || ' TO ' || quote_ident(current_user) FROM (
	SELECT n, privilege, 'TABLE ' || name AS name, has_table_privilege(name, privilege) AS granted
	FROM unnest(ARRAY['carrierfsm_verifications', 'carrierfsm_history', 'carrierfsm_cursors', 'carrierfsm_parked', 'carrierfsm_ledgers', 'carrierfsm_acts', 'carrierfsm_figures']) WITH ORDINALITY AS t (name, n),
		unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
	UNION ALL
	SELECT 1000, privilege, 'SEQUENCE carrierfsm_position', has_sequence_privilege('carrierfsm_position', privilege)
	FROM unnest(ARRAY['SELECT', 'USAGE']) AS privilege
) AS needed WHERE NOT granted GROUP BY n, name ORDER BY n`

// checkPrivileges returns an error that names what to grant to the role.
func (s *Store) checkPrivileges(ctx context.Context) error {
	lacking, err := collect(ctx, s.pool, pgx.RowTo[string], lackingPrivileges)
	if err == nil && len(lacking) > 0 {
		err = fmt.Errorf("%w: the role lacks privileges: %s", ErrUnusable, strings.Join(lacking, "; "))
	}
	return err
}

// highestPosition returns the highest position that is in use, and whether the
// sequence would return it or a lower one.
const highestPosition = `WITH used AS (SELECT greatest(
		(SELECT coalesce(max(position), 0) FROM carrierfsm_history),
		(SELECT coalesce(max(greatest(position, settled, candidate)), 0) FROM carrierfsm_cursors)) AS highest)
	SELECT highest, highest > (` + lastPosition + `) FROM used`

// raisePositions raises the sequence of positions if it is behind the positions in
// use. Logical replication copies tables and leaves sequences at their beginning;
// handlers would skip all entries with positions that a cursor has passed already.
func (s *Store) raisePositions(ctx context.Context) error {
	if _, behind, err := readHighestPosition(ctx, s.pool); err != nil || !behind {
		return err
	}
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: s.begin}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `LOCK TABLE carrierfsm_history, carrierfsm_cursors IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		highest, behind, err := readHighestPosition(ctx, tx)
		if err != nil || !behind {
			return err
		}
		_, err = tx.Exec(ctx, `SELECT setval('carrierfsm_position', $1::bigint)`, highest)
		s.raised = highest
		s.logger.WarnContext(ctx, "the sequence of positions was behind the entries, and is raised", "position", highest)
		return advised(err, fmt.Sprintf("the sequence carrierfsm_position is behind the entries: run SELECT setval('carrierfsm_position', %d) as its owner", highest))
	})
}

func readHighestPosition(ctx context.Context, db querier) (highest int64, behind bool, err error) {
	err = db.QueryRow(ctx, highestPosition).Scan(&highest, &behind)
	return highest, behind, err
}

// resetLeases ends all leases, and refuses what their holders still write.
const resetLeases = `UPDATE carrierfsm_cursors SET owner = '', until = now(), fence = fence + 1`

// AfterRestore makes a database that was restored from a backup ready for handlers:
// it ends the leases that were held at the time of the backup. Call it once, before
// replicas use the database.
func (s *Store) AfterRestore(ctx context.Context) error {
	_, err := s.exec(ctx, resetLeases)
	return s.outboxWrote(err)
}
