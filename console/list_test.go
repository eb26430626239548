package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

func TestAListIsFiltered(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.put("done", 2*time.Hour, func(r *carrierfsm.Record) {
		r.State, r.Source, r.Reason = carrierfsm.Done, "chinaunicom", carrierfsm.CollectionStarted
	})
	s.put("flying", 10*time.Minute, func(r *carrierfsm.Record) {
		r.State, r.Source, r.Reason, r.InFlight = carrierfsm.AwaitingCaptcha, "chinamobilejs", carrierfsm.CaptchaRequested, true
	})
	for query, want := range map[string][]string{
		"":                        {"v1", "flying", "done"},
		"state=under_way":         {"v1", "flying"},
		"state=done":              {"done"},
		"source=chinaunicom":      {"done"},
		"event=captcha_requested": {"flying"},
		"in_flight=on":            {"flying"},
		"age=5m":                  {"flying", "done"},
		"age=1h":                  {"done"},
		"age=24h":                 nil,
		"state=created&source=chinaunicom&event=&age=": nil,
	} {
		ids, next := s.listed("list?" + query)
		require.Equal(t, want, ids, query)
		require.Empty(t, next, query)
	}
	require.Contains(t, s.page("list?age=168h"), "No verification matches.")
	for _, query := range []string{"state=unknown", "event=nothing", "age=3m", "source=%3Cscript%3E", "in_flight=yes", "after=x", "after=1.", "after=x.v1"} {
		require.Equal(t, http.StatusBadRequest, s.get("list?"+query).Code, query)
	}
	require.Contains(t, s.page("list?state=done"), `<option value="done" selected>`, "the form shows what was asked for")
}
