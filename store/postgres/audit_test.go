package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/audit"
)

func TestPostgresKeepsTheContractOfAnAuditor(t *testing.T) {
	t.Parallel()
	fsmtest.TestAuditor(t, func(tb testing.TB) fsmtest.AuditorSubject {
		tb.Helper()
		s, _ := open(tb)
		return fsmtest.AuditorSubject{Store: s}
	})
}

func TestEachDamageOfTheTablesIsFound(t *testing.T) {
	t.Parallel()
	const entry = `INSERT INTO carrierfsm_history (position, id, step, from_, event, to_, at) VALUES `
	const cursor = `INSERT INTO carrierfsm_cursors (name, position, owner, until, fence, settled, candidate, bound, lows, highs, bounds)
		VALUES ('notify', 1000, '', now(), 1, 0, 0, 0, '{}', '{}', '{}')`
	for name, c := range map[string]struct {
		damage string
		want   audit.Finding
	}{
		"entries without a verification": {entry + `(1, 'gone', 1, 'created', 'canceled', 'failed', now())`, audit.Finding{Kind: audit.OrphanedHistory, ID: "gone", Text: "entries: 1"}},
		"positions out of order": {
			`INSERT INTO carrierfsm_verifications (id, state, step, version, tables, source, reason, in_flight, created, updated, key, commit_id, body)
			VALUES ('v1', 'failed', 2, 1, 1, '', 'canceled', false, now(), now(), '', '', '');` +
				entry + `(2, 'v1', 1, 'created', 'canceled', 'failed', now()), (1, 'v1', 2, 'failed', 'erased', 'failed', now())`,
			audit.Finding{Kind: audit.PositionsDisordered, ID: "v1", Text: "from step 2"},
		},
		"a sequence behind a cursor": {cursor, audit.Finding{Kind: audit.PositionsReused, Text: "position 1000 is in use, the latest of the sequence is 100"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pool := open(t)
			_, err := pool.Exec(t.Context(), `SELECT setval('carrierfsm_position', 100)`)
			require.NoError(t, err)
			_, err = pool.Exec(t.Context(), c.damage)
			require.NoError(t, err)
			list, err := s.Audit(t.Context(), 10)
			require.NoError(t, err)
			require.Equal(t, []audit.Finding{c.want}, list)
			list, err = s.Audit(t.Context(), 0)
			require.NoError(t, err)
			require.Empty(t, list)
		})
	}
}

func TestASequenceThatOpeningRaisesIsReported(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 4)
	_, err := pool.Exec(t.Context(), `INSERT INTO carrierfsm_cursors (name, position, owner, until, fence, settled, candidate, bound, lows, highs, bounds)
		VALUES ('notify', 1000, '', now(), 1, 0, 0, 0, '{}', '{}', '{}')`)
	require.NoError(t, err)
	s, _ := openOn(t, pool)
	list, err := s.Audit(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, audit.PositionsReused, list[0].Kind)
	require.Contains(t, list[0].Text, "raised when the store was opened")
}
