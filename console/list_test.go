package console_test

import (
	"net/http"
	"strings"
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
		r.Body = []byte(`{"ask":"none","reference":"order-7"}`)
	})
	s.put("flying", 10*time.Minute, func(r *carrierfsm.Record) {
		r.State, r.Source, r.Reason, r.InFlight = carrierfsm.AwaitingCaptcha, "chinamobilejs", carrierfsm.CaptchaRequested, true
		r.Body = []byte(`{"ask":"captcha","source":{"website":"chinamobilejs","name":"江苏移动"}}`)
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
		"state=created&source=chinaunicom&event=&age=":     nil,
		"state=done&state=awaiting_captcha":                {"flying", "done"},
		"state=under_way&state=done":                       {"v1", "flying", "done"},
		"from=2030-06-01T11:00&until=2030-06-01":           {"v1", "flying"},
		"from=2030-06-01T11:50:00Z&until=2030-06-01T11:50": {"flying"},
		"from=2030-06-01T19:50:00%2B08:00&state=done":      nil,
		"until=2030-06-01+09:59":                           nil,
		"until=2030-06-01+10:00":                           {"done"},
		"from=2030-06-02":                                  nil,
		"age=5m&until=2030-06-01T11:00":                    {"done"},
		"find=+fly+":                                       {"flying"},
		"find=lying":                                       nil,
		"find=order-7":                                     {"done"},
		"find=order":                                       nil,
		"source=+江苏+":                                      {"flying"},
		"source=江苏移动":                                      {"flying"},
	} {
		ids, next := s.listed("list?" + query)
		require.Equal(t, want, ids, query)
		require.Empty(t, next, query)
	}
	require.Contains(t, s.page("list?age=168h"), "No verification matches.")
	for _, name := range []string{"state=unknown", "state=done&state=unknown", "event=nothing", "age=3m", "in_flight=yes", "from=yesterday", "until=2030", "find=" + strings.Repeat("x", 129)} {
		w := s.get("list?" + name)
		require.Equal(t, http.StatusBadRequest, w.Code, name)
		name, _, _ = strings.Cut(name, "=")
		require.Contains(t, w.Body.String(), "The parameter “"+name+"” has no valid value.")
	}
	for _, query := range []string{"after=x", "after=1.", "after=x.v1"} {
		require.Equal(t, http.StatusBadRequest, s.get("list?"+query).Code, query)
	}
	page := s.page("list?state=done&state=failed&from=2030-06-01&find=%3Cscript%3E")
	for _, shows := range []string{`value="done" type="checkbox" checked>`, `value="failed" type="checkbox" checked>`, `value="created" type="checkbox">`, `value="2030-06-01"`, `value="&lt;script&gt;"`} {
		require.Contains(t, page, shows, "the form shows what was asked for")
	}
	require.Contains(t, s.page("list"), `江苏移动 <span class="dim">chinamobilejs</span>`)
}
