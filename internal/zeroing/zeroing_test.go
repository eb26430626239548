package zeroing_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm/internal/zeroing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDoCallsTheFunctionOnceAndPassesItsPanicOn(t *testing.T) {
	t.Parallel()
	n := 0
	zeroing.Do(func() { n++ })
	require.Equal(t, 1, n)
	require.PanicsWithValue(t, "moon", func() { zeroing.Do(func() { panic("moon") }) })
}
