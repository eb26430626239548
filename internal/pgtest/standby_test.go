package pgtest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

func TestAStandbyHasTheCommitsOfItsPrimaryAndCanBePromoted(t *testing.T) {
	t.Parallel()
	primary, err := pgtest.Start(pgtest.Options{Durable: true})
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, primary.Close()) })
	standby, err := pgtest.StartStandby(primary, "", pgtest.Options{Durable: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, standby.Close()) })
	_, err = pgtest.Pool(t, primary.DSN("postgres"), 1).Exec(t.Context(), "CREATE TABLE copied ()")
	require.NoError(t, err)
	copied := pgtest.Pool(t, standby.DSN("postgres"), 1)
	require.Eventually(t, func() bool {
		_, err := copied.Exec(t.Context(), "SELECT FROM copied")
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	_, err = copied.Exec(t.Context(), "CREATE TABLE refused ()")
	require.Error(t, err)
	require.NoError(t, standby.Promote())
	_, err = copied.Exec(t.Context(), "CREATE TABLE taken ()")
	require.NoError(t, err)
}
