package sqlite_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/audit"
)

func TestSQLiteKeepsTheContractOfAnAuditor(t *testing.T) {
	t.Parallel()
	fsmtest.TestAuditor(t, func(tb testing.TB) fsmtest.AuditorSubject {
		tb.Helper()
		return fsmtest.AuditorSubject{Store: open(tb, newPath(tb))}
	})
}

func TestEachDamageOfTheTablesIsFound(t *testing.T) {
	t.Parallel()
	const verification = `INSERT INTO carrierfsm_verifications (id, state, step, version, tables, source, reason, in_flight, due, created, updated, key, commit_id)
		VALUES ('v1', 'failed', 2, 1, 1, '', 'canceled', 0, 0, 1, 1, '', x'');`
	const body = `INSERT INTO carrierfsm_bodies (id, body) VALUES ('v1', x'');`
	const entry = `INSERT INTO carrierfsm_history (position, id, step, from_, event, to_, at) VALUES `
	for name, c := range map[string]struct {
		damage string
		want   audit.Finding
	}{
		"entries without a verification": {entry + `(1, 'gone', 1, 'created', 'canceled', 'failed', 1)`, audit.Finding{Kind: audit.OrphanedHistory, ID: "gone", Text: "entries: 1"}},
		"a body without a verification":  {body, audit.Finding{Kind: audit.OrphanedBody, ID: "v1"}},
		"a verification without a body":  {verification, audit.Finding{Kind: audit.MissingBody, ID: "v1"}},
		"positions out of order": {
			verification + body + entry + `(2, 'v1', 1, 'created', 'canceled', 'failed', 1), (1, 'v1', 2, 'failed', 'erased', 'failed', 1)`,
			audit.Finding{Kind: audit.PositionsDisordered, ID: "v1", Text: "from step 2"},
		},
		"a cursor ahead of all entries": {
			`INSERT INTO carrierfsm_cursors (name, position, owner, until, fence) VALUES ('notify', 1000, '', 0, 1)`,
			audit.Finding{Kind: audit.PositionsReused, Text: "the handler notify has passed position 1000, the latest position is 0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			s := open(t, path)
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), c.damage)
			require.NoError(t, err)
			require.NoError(t, db.Close())
			list, err := s.Audit(t.Context(), 10)
			require.NoError(t, err)
			require.Equal(t, []audit.Finding{c.want}, list)
			list, err = s.Audit(t.Context(), 0)
			require.NoError(t, err)
			require.Empty(t, list)
		})
	}
}

func TestLeasesOfABackupEndAfterARestore(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	ctx := t.Context()
	held, err := s.Acquire(ctx, "notify", "one", time.Hour, outbox.FromBeginning)
	require.NoError(t, err)
	_, err = s.Acquire(ctx, "notify", "two", time.Hour, 0)
	require.ErrorIs(t, err, outbox.ErrLeaseHeld)
	require.NoError(t, s.AfterRestore(ctx))
	next, err := s.Acquire(ctx, "notify", "two", time.Hour, 0)
	require.NoError(t, err)
	require.Greater(t, next.Fence, held.Fence)
	require.ErrorIs(t, s.Advance(ctx, held, outbox.Batch{}, 0, nil), outbox.ErrLeaseLost)
	require.NoError(t, s.Close())
	require.Error(t, s.AfterRestore(ctx))
}
