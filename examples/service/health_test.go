package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// status asks an endpoint of a running service.
func (r *testService) status(path string) int {
	r.t.Helper()
	response, err := http.Get(r.url + path)
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	return response.StatusCode
}

func TestTheServiceIsReadyOnceItsLoopsRun(t *testing.T) {
	t.Parallel()
	s := start(t, testOptions(newAggregator(t)))
	require.Equal(t, http.StatusNoContent, s.status("/healthz"))
	require.Eventually(t, func() bool { return s.status("/readyz") == http.StatusNoContent }, time.Minute, 10*time.Millisecond)
}

func TestTheServiceIsNotReadyWhileItsLoopsDoNotRun(t *testing.T) {
	t.Parallel()
	store := memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()})
	require.NoError(t, err)
	d, err := outbox.New(m, store, outbox.Config{Handlers: map[string]outbox.Handler{"notify": notify(slog.New(slog.DiscardHandler))}})
	require.NoError(t, err)
	log := new(syncBuffer)
	s := &site{options: testOptions(nil), machine: m, dispatcher: d, log: slog.New(slog.NewTextHandler(log, nil))}
	answer := httptest.NewRecorder()
	s.routes().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody))
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
	require.Empty(t, answer.Body.String(), "anyone can ask")
	require.Contains(t, log.String(), "Run does not run")
}
