package proof_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// It is not parallel: slog.Default belongs to the process.
func TestAMachineWithoutALoggerIsSilent(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Panics(), fsmtest.Lost())
	dispatcher := b.Dispatcher(outbox.Config{
		Handlers: map[string]outbox.Handler{"notify": func(context.Context, carrierfsm.Transition) error { panic("not now") }},
	})
	_, err := b.Apply()
	require.NoError(t, err)
	for range 2 {
		_, err = b.Password("246810")
		require.NoError(t, err)
	}
	_, err = dispatcher.Deliver(context.Background())
	require.Error(t, err)
	require.Empty(t, log.String())
}
