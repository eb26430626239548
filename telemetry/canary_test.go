package telemetry_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// canaries must be in no span and no metric.
var canaries = map[string]string{
	"the name": "测试用户甲", "the ID card": "11010119900307889X", "the phone number": "13800138042",
	"the token": "c0ffee00c0ffee00c0ffee00c0ffee42", "the org": "DEMOorg", "the client secret": "cl13ntS3cr3t",
	"the password": `Pw"7f3a/91&x`, "the code": `73519426`, "the query password": `Qp<88>b1=e0;`,
}

const canaryID = "v-8f3a77c1-0b52"

// newEchoServer returns the URL of a server that repeats what it receives: in
// the names of sources, in texts, in the content type and in the status line.
func newEchoServer(t *testing.T) string {
	t.Helper()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		body, _ := io.ReadAll(r.Body)
		said := base64.StdEncoding.EncodeToString([]byte(r.URL.String() + string(body)))
		all := canaries["the phone number"] + canaries["the token"] + canaries["the password"]
		w.Header().Set("X-Said", said)
		w.Header().Set("Content-Type", "application/json")
		text := fmt.Sprintf("%q", string(body)+all)
		switch {
		case strings.Contains(r.URL.Path, "applications"):
			_, _ = fmt.Fprintf(w, `{"success":true,"message":%s,"data":{"token":%q,"datasource":{"website":"chinamobilejs","name":%s,"status":1}}}`,
				text, canaries["the token"], text)
		case calls%4 == 0:
			w.Header().Set("Content-Type", "text/html; charset="+said)
			w.WriteHeader(599)
		case calls%4 == 1:
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(conn, "HTTP/1.1 2x0 "+all+"\r\n\r\n")
			_ = conn.Close()
		default:
			_, _ = fmt.Fprintf(w, `{"success":true,"data":{"type":"CONTROL","content":%s,"process_code":10002,"req_msg_tpl":{"type":%q}}}`, text, canaries["the token"])
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestNoSecretNumberTokenOrNameIsInASpanAndNoIDInAMetric(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	client, err := juxinli.New(juxinli.Config{BaseURL: newEchoServer(t), Org: canaries["the org"], Observer: f.Observer()})
	require.NoError(t, err)
	store := memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{
		Numbers: budget.None(),
		Store:   store, Upstream: client, Observer: f.Observer(), Limits: carrierfsm.Limits{Passwords: 9, Captchas: 9},
	})
	require.NoError(t, err)
	d, err := outbox.New(m, store, outbox.Config{
		Observer: f.HandlerObserver(),
		Handlers: map[string]outbox.Handler{"notify": func(_ context.Context, tr carrierfsm.Transition) error {
			if tr.Step%2 == 0 {
				panic(canaries["the phone number"])
			}
			return fmt.Errorf("can't notify %s", canaries["the name"])
		}},
	})
	require.NoError(t, err)
	_, err = f.Watch(m)
	require.NoError(t, err)
	playCanaries(t, m, client)
	_, err = d.Deliver(context.Background())
	require.Error(t, err)
	spans, metrics := f.dump()
	for _, name := range []string{"carrierfsm.submit", "carrierfsm.call", "carrierfsm.handle", "carrierfsm.store.commit", "POST /orgApi/rest/v2/messages/collect/req", "GET /api/v2/access_report_token"} {
		require.Contains(t, spans, name)
	}
	require.Contains(t, metrics, "http.client.request.duration")
	require.Contains(t, spans, canaryID, "an ID may be in spans")
	require.NotContains(t, metrics, canaryID, "an ID may not be in metrics")
	for what, value := range canaries {
		for _, form := range []string{value, hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value))[:8], fmt.Sprintf("%q", value)} {
			require.NotContains(t, spans, form, what)
			require.NotContains(t, metrics, form, what)
		}
	}
}

// playCanaries submits the values in every way that is observed.
func playCanaries(t *testing.T, m *carrierfsm.Machine, client *juxinli.Client) {
	t.Helper()
	ctx := context.Background()
	secret := func(what string) carrierfsm.Secret { return carrierfsm.NewSecret(canaries[what]) }
	v, err := m.Create(ctx, carrierfsm.NewVerification{ID: canaryID})
	require.NoError(t, err)
	v, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Consent: fsmtest.Consent(), Form: carrierfsm.Form{
		Name: carrierfsm.NewSecret(canaries["the name"]), IDCard: carrierfsm.NewSecret(canaries["the ID card"]), Phone: carrierfsm.NewSecret(canaries["the phone number"]),
	}})
	require.NoError(t, err)
	for range 4 { // until the server replies, rather than fails or breaks the connection
		v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: secret("the password")})
		if err == nil && v.Prompt != nil && v.Prompt.Kind != carrierfsm.PromptPassword {
			break
		}
	}
	for range 4 {
		v, err = m.Submit(ctx, v.ID, carrierfsm.Captcha{Step: v.Step, Code: secret("the code")})
		require.NotErrorIs(t, err, carrierfsm.ErrInvalid)
	}
	_, _ = m.Submit(ctx, v.ID, carrierfsm.QueryPassword{Step: v.Step, Password: secret("the query password")})
	_, _ = m.Submit(ctx, canaries["the phone number"], carrierfsm.Cancel{})
	data, err := client.Data(juxinli.DataConfig{ClientSecret: secret("the client secret"), Tries: 1})
	require.NoError(t, err)
	_, _ = data.Report(ctx, secret("the token"))
}

// dump returns everything in the spans, and everything in the metrics.
func (f *fixture) dump() (spans, metrics string) {
	var s, m strings.Builder
	for _, span := range f.spans.GetSpans() {
		_, _ = fmt.Fprintf(&s, "%s %+v %+v %+v %+v %+v\n", formatSpan(span), span.Attributes, span.Events, span.Links, span.Status, span.InstrumentationScope)
	}
	for _, metric := range f.collect() {
		_, _ = fmt.Fprintf(&m, "%s %s %s %+v\n%s\n", metric.Name, metric.Description, metric.Unit, metric.Data, strings.Join(pointsOf(metric), "\n"))
	}
	return s.String(), m.String()
}
