package pgtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

func TestASwitchoverMakesAStandbyThePrimary(t *testing.T) {
	r := pgtest.StartReplicated(t, pgtest.ReplicatedOptions{Nodes: 2, TTL: 8 * time.Second})
	before, err := r.Primary(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.Switchover(t.Context()))
	require.NoError(t, r.Healthy(t.Context()))
	after, err := r.Primary(t.Context())
	require.NoError(t, err)
	require.NotSame(t, before, after)
}
