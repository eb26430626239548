package telemetry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

type machineStats carrierfsm.Stats

func (s machineStats) Stats() carrierfsm.Stats { return carrierfsm.Stats(s) }

type handlerStats outbox.Stats

func (s handlerStats) Stats() outbox.Stats { return outbox.Stats(s) }

func TestTheClockAndTheSlowCallsOfTheProcessAreReported(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	registration, err := f.WatchProcess(machineStats{ClockSkew: -3 * time.Second, Seals: 12, Limited: 5}, handlerStats{Slow: 7, Abandoned: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"-3000"}, f.points("verification.clock.skew"))
	require.Equal(t, []string{"12"}, f.points("verification.seals"))
	require.Equal(t, []string{"5"}, f.points("verification.limited"))
	require.Equal(t, []string{"7"}, f.points("verification.handler.slow"))
	require.Equal(t, []string{"2"}, f.points("verification.handler.abandoned"))
	require.NoError(t, registration.Unregister())
	_, err = f.WatchProcess(nil, nil)
	require.NoError(t, err)
	require.Empty(t, f.points("verification.clock.skew"))
}

func TestWhetherRunRunsInTheProcessIsReported(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		machine machineStats
		handler handlerStats
		want    []string
	}{
		{machineStats{}, handlerStats{}, []string{"verification.loop=deliver 0", "verification.loop=settle 0"}},
		{machineStats{Running: 1, RunIdle: 59 * time.Second}, handlerStats{Running: 1}, []string{"verification.loop=deliver 1", "verification.loop=settle 1"}},
		{machineStats{Running: 1, RunIdle: time.Minute}, handlerStats{Running: 1}, []string{"verification.loop=deliver 1", "verification.loop=settle 0"}},
	} {
		f := newFixture(t)
		_, err := f.WatchProcess(c.machine, c.handler)
		require.NoError(t, err)
		require.ElementsMatch(t, c.want, f.points("verification.run.active"))
	}
}
