package postgres_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

func TestEachLoadOfABatchGetsItsOwnRecord(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := context.Background()
	for _, id := range []string{"v1", "v2"} {
		r := record(id)
		r.Body = []byte("body of " + id)
		require.NoError(t, s.Create(ctx, r))
	}
	alone, err := s.LoadAlone(ctx, "v2")
	require.NoError(t, err)
	ids := []string{"v1", "unknown", "v2", "v2"}
	records, errs := s.LoadBatch(ctx, ids...)
	require.Equal(t, []error{nil, carrierfsm.ErrNotFound, nil, nil}, errs)
	require.Equal(t, "body of v1", string(records[0].Body))
	clear(records[2].Body)
	require.Empty(t, cmp.Diff(alone, records[3]), "each has its own copy of the body")
}

func TestALoadThatTheServerRejectsDoesNotAffectItsBatch(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := context.Background()
	require.NoError(t, s.Create(ctx, record("v1")))
	records, errs := s.LoadBatch(ctx, "v1", "not UTF-8: \xff", "v2")
	require.NoError(t, errs[0])
	require.Equal(t, "v1", records[0].ID)
	require.Error(t, errs[1])
	require.NotErrorIs(t, errs[1], carrierfsm.ErrNotFound)
	require.ErrorIs(t, errs[2], carrierfsm.ErrNotFound)
}
