package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPurgeSkipsLockedVerifications(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := context.Background()
	createEnded(t, s, 2, "old")
	unlock := lockRow(t, pool, "old0")
	n, err := s.Purge(ctx, noon.Add(time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	unlock()
	n, err = s.Purge(ctx, noon.Add(time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	var rows int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM carrierfsm_history`).Scan(&rows))
	require.Zero(t, rows)
}
