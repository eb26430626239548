package simulator_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// The wait of an hour must end early.
func TestAWaitEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{"header": simulator.SlowHeader(time.Hour), "body": simulator.SlowBody(time.Hour)} {
		r := newFixture(t).apply("plain")
		ctx, leave := context.WithCancel(t.Context())
		r.FaultWhen(func(simulator.Arrival) bool { leave(); return true }, fault)
		_, err := r.send(ctx, http.MethodPost, collectReq, "application/json", encoded(t, r.request("", "password", "246810")))
		require.ErrorIs(t, err, context.Canceled, name)
		r.http.Close()
		require.Equal(t, 1, r.texts(), name)
	}
}

func TestAWaitEndsWhenTheServerIsClosed(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{"header": simulator.SlowHeader(time.Hour), "body": simulator.SlowBody(time.Hour)} {
		r := newFixture(t).apply("plain")
		request := encoded(t, r.request("", "password", "246810"))
		for _, when := range []func(){func() { go r.Close() }, r.Close} {
			r.FaultWhen(func(simulator.Arrival) bool { when(); return true }, fault)
			_, err := r.send(t.Context(), http.MethodPost, collectReq, "application/json", request)
			require.Error(t, err, name)
		}
		require.Equal(t, "10002 SUBMIT_CAPTCHA", password(r), "other requests are answered")
	}
}

func TestTheHandlerAbortsIfTheConnectionCannotBeReset(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.FaultNext(simulator.DropBeforeReading())
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, collectReq, strings.NewReader("{}")))
	})
}
