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
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/telemetry"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// What must be in no span and no metric, odd enough to be found. The ID may be
// in spans.
var canaries = map[string]string{
	"the name": "测试用户甲", "the ID card": "11010119900307867X", "the phone number": "13800138042",
	"the token": "c0ffee00c0ffee00c0ffee00c0ffee42", "the org": "DEMOorg", "the client secret": "cl13ntS3cr3t",
	"the password": `Pw"7f3a/91&x`, "the code": `Co|d5e7{20}~`, "the query password": `Qp<88>b1=e0;`,
}

const canaryID = "v-8f3a77c1-0b52"

// echo is a server that repeats all that it is told, wherever it can: in the
// names of sources, in texts, in its type of content and its status line.
func echo(t *testing.T) string {
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
	k := keep(t)
	client, err := juxinli.New(juxinli.Config{BaseURL: echo(t), Org: canaries["the org"], Observer: k.Observer()})
	require.NoError(t, err)
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: memory.New(), Upstream: client, Observer: k.Observer(), Limits: carrierfsm.Limits{Passwords: 9, Captchas: 9},
		Handlers: map[string]carrierfsm.Handler{"notify": func(_ context.Context, tr carrierfsm.Transition) error {
			if tr.Step%2 == 0 {
				panic(canaries["the phone number"])
			}
			return fmt.Errorf("can't tell %s", canaries["the name"])
		}},
	})
	require.NoError(t, err)
	_, err = k.Watch(m)
	require.NoError(t, err)
	playCanaries(t, m, client)
	written, names := k.written()
	for _, name := range []string{"carrierfsm.submit", "carrierfsm.call", "carrierfsm.handle", "carrierfsm.store.commit", "POST /orgApi/rest/v2/messages/collect/req", "GET /api/v2/access_report_token"} {
		require.Contains(t, written, name)
	}
	require.Contains(t, names, "http.client.request.duration")
	require.Contains(t, written, canaryID, "an ID may be in spans")
	require.NotContains(t, names, canaryID, "and in no metric")
	for what, value := range canaries {
		for _, form := range []string{value, hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value))[:8], fmt.Sprintf("%q", value)} {
			require.NotContains(t, written, form, what)
			require.NotContains(t, names, form, what)
		}
	}
}

// playCanaries takes the values through everything that is told.
func playCanaries(t *testing.T, m *carrierfsm.Machine, client *juxinli.Client) {
	t.Helper()
	ctx := context.Background()
	secret := func(what string) carrierfsm.Secret { return carrierfsm.NewSecret(canaries[what]) }
	v, err := m.Create(ctx, carrierfsm.NewVerification{ID: canaryID})
	require.NoError(t, err)
	v, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Consent: fsmtest.Consent(), Form: carrierfsm.Form{
		Name: canaries["the name"], IDCard: canaries["the ID card"], Phone: canaries["the phone number"],
	}})
	require.NoError(t, err)
	for range 4 { // answered, failed, broken: whatever comes
		v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: secret("the password")})
		if err == nil && v.Prompt != nil && v.Prompt.Kind != carrierfsm.PromptPassword {
			break
		}
	}
	for range 4 {
		v, _ = m.Submit(ctx, v.ID, carrierfsm.Captcha{Step: v.Step, Code: secret("the code")})
	}
	_, _ = m.Submit(ctx, v.ID, carrierfsm.QueryPassword{Step: v.Step, Password: secret("the query password")})
	_, _ = m.Submit(ctx, canaries["the phone number"], carrierfsm.Cancel{})
	_, err = m.Deliver(ctx)
	require.Error(t, err)
	data, err := client.Data(juxinli.DataConfig{ClientSecret: secret("the client secret"), Tries: 1})
	require.NoError(t, err)
	_, _ = data.Report(ctx, secret("the token"))
}

// written is all that is in the spans, and all that is in the metrics.
func (k *kept) written() (spans, metrics string) {
	var s, m strings.Builder
	for _, span := range k.spans.GetSpans() {
		_, _ = fmt.Fprintf(&s, "%s %+v %+v %+v %+v %+v\n", drawn(span), span.Attributes, span.Events, span.Links, span.Status, span.InstrumentationScope)
	}
	for _, metric := range k.collect() {
		_, _ = fmt.Fprintf(&m, "%s %s %s %+v\n%s\n", metric.Name, metric.Description, metric.Unit, metric.Data, strings.Join(pointsOf(metric), "\n"))
	}
	return s.String(), m.String()
}

// Upstream names the websites. It may name many, or numbers.
func TestWebsitesAreFewAndLookLikeNames(t *testing.T) {
	t.Parallel()
	k := keep(t, func(c *telemetry.Config) { c.Sources = 3 })
	moved := k.Observer().Transition
	for _, website := range []string{
		"chinamobilejs", "13800138000", "china mobile", "中国移动", strings.Repeat("a", 41), "a1b2c3d4e5", "",
		"Vendor_2.cmcc-js", "chinaunicom", "onemore", "chinamobilejs",
	} {
		moved(context.Background(), carrierfsm.Moved{ID: "v1", Step: 1, From: "created", Event: "canceled", To: "failed", Source: website, Stay: -1})
	}
	const what = "verification.event=canceled verification.from=created "
	require.ElementsMatch(t, []string{
		what + "verification.to=failed 1",
		what + "verification.source=chinamobilejs verification.to=failed 2",
		what + "verification.source=Vendor_2.cmcc-js verification.to=failed 1",
		what + "verification.source=chinaunicom verification.to=failed 1",
		what + "verification.source=other verification.to=failed 6",
	}, k.points("verification.transitions"))
	require.Empty(t, k.points("verification.state.duration"), "it is not known")
}
