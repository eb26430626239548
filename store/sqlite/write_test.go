package sqlite_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

func TestATakenIDIsReportedBeforeATakenKey(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := open(t, newPath(t))
	r := record("v1")
	r.Key = "key"
	require.NoError(t, s.Create(ctx, r))
	require.ErrorIs(t, s.Create(ctx, r), carrierfsm.ErrExists)
	r.ID = "v2"
	require.ErrorIs(t, s.Create(ctx, r), carrierfsm.ErrKeyInUse)
}

func TestErasedValuesLeaveTheFiles(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path)
	r := record("v1")
	r.Body = []byte("personal-value-of-the-body")
	require.NoError(t, s.Create(ctx, r, carrierfsm.Entry{ID: "v1", Step: 1, Detail: []byte("personal-value-of-the-detail")}))
	r.Version, r.Body = 2, []byte("{}")
	require.NoError(t, s.Erase(ctx, r))
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		require.NotContains(t, string(content), "personal-value", suffix)
	}
}
