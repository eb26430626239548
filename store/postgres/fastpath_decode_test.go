package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/store/postgres"
)

func TestARowOfTheWrongShapeIsAnError(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 9), 0, 20).Draw(t, "values")
		if len(values) < 14 {
			_, err := postgres.DecodeRecord(values)
			require.ErrorIs(t, err, postgres.ErrRow)
			return
		}
		values[1] = values[1][:min(len(values[1]), 7)] // a version needs eight bytes
		_, err := postgres.DecodeRecord(values)
		require.ErrorIs(t, err, postgres.ErrRow)
	})
}
