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
	registration, err := f.WatchProcess(machineStats{ClockSkew: -3 * time.Second}, handlerStats{Slow: 7, Abandoned: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"-3000"}, f.points("verification.clock.skew"))
	require.Equal(t, []string{"7"}, f.points("verification.handler.slow"))
	require.Equal(t, []string{"2"}, f.points("verification.handler.abandoned"))
	require.NoError(t, registration.Unregister())
	_, err = f.WatchProcess(nil, nil)
	require.NoError(t, err)
	require.Empty(t, f.points("verification.clock.skew"))
}
