package telemetry_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// clientFixture is a simulated server and an observed client of it.
type clientFixture struct {
	*fixture
	server *fsmtest.Server
	client *juxinli.Client
}

func newClientFixture(t testing.TB) *clientFixture {
	t.Helper()
	w := &clientFixture{fixture: newFixture(t), server: fsmtest.NewServer(t, simulator.New(simulator.Config{}))}
	w.client = w.newClient()
	return w
}

func (w *clientFixture) newClient() *juxinli.Client {
	c, err := juxinli.New(juxinli.Config{BaseURL: w.server.URL, Org: "DEMO", Observer: w.Observer()})
	require.NoError(w.t, err)
	return c
}

func (w *clientFixture) port() string {
	address, err := url.Parse(w.server.URL)
	require.NoError(w.t, err)
	return address.Port()
}

// The client keeps the contract of Upstream when it is observed.
func TestAnObservedClientKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestUpstream(t, func(tb testing.TB) fsmtest.UpstreamSubject {
		tb.Helper()
		w := newClientFixture(tb)
		person := simulator.People()[0]
		application := carrierfsm.Application{Form: carrierfsm.Form{Name: carrierfsm.NewSecret(person.Name), IDCard: carrierfsm.NewSecret(person.IDCard), Phone: carrierfsm.NewSecret(person.Phone)}}
		return fsmtest.UpstreamSubject{
			Upstream:    w.client,
			Again:       func() carrierfsm.Upstream { return w.newClient() },
			Application: application,
			Refused:     &carrierfsm.Application{Form: carrierfsm.Form{Name: carrierfsm.NewSecret("无"), IDCard: carrierfsm.NewSecret("无"), Phone: carrierfsm.NewSecret("13800138098")}},
			Request: func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error) {
				receipt, err := w.client.Apply(tb.Context(), application)
				r := carrierfsm.Request{Input: kind, Token: receipt.Token, Website: receipt.Source.Website, Account: carrierfsm.NewSecret(person.Phone)}
				switch kind {
				case carrierfsm.InputPassword:
					r.Password = carrierfsm.NewSecret(secret)
				case carrierfsm.InputQueryPassword:
					r.QueryPassword = carrierfsm.NewSecret(secret)
				case carrierfsm.InputCaptcha:
					r.Captcha = carrierfsm.NewSecret(secret)
				}
				return r, err
			},
			Break:    w.server.Break,
			Arrivals: w.server.Arrivals,
		}
	})
}

func TestARequestIsRecordedByTheSemanticConventions(t *testing.T) {
	t.Parallel()
	w := newClientFixture(t)
	b, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: fsmtest.New(t).Store, Upstream: w.client, Observer: w.Observer()})
	require.NoError(t, err)
	ctx := t.Context()
	person := simulator.People()[0]
	v, err := b.Submit(ctx, "v1", carrierfsm.Apply{Consent: fsmtest.Consent(), Form: carrierfsm.Form{Name: carrierfsm.NewSecret(person.Name), IDCard: carrierfsm.NewSecret(person.IDCard), Phone: carrierfsm.NewSecret(person.Phone)}})
	require.NoError(t, err)
	w.server.Break(fsmtest.BreakStatus)
	v, err = b.Submit(ctx, "v1", carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret(person.Password)})
	require.NoError(t, err)
	require.Equal(t, carrierfsm.OutcomeUnknown, v.Reason)
	w.server.Break(fsmtest.BreakConnection)
	v, err = b.Submit(ctx, "v1", carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret(person.Password)})
	require.NoError(t, err)
	require.Equal(t, carrierfsm.UpstreamUnavailable, v.Reason)
	var spans []string
	for _, line := range w.spanTree() {
		if strings.HasPrefix(line, "    POST") {
			spans = append(spans, line)
		}
	}
	place := "server.address=127.0.0.1 server.port=" + w.port()
	require.Empty(t, cmp.Diff([]string{
		"    POST /orgApi/rest/v2/applications/{org} http.request.method=POST http.response.status_code=200 network.protocol.version=1.1 " + place + " url.template=/orgApi/rest/v2/applications/{org} client",
		"    POST /orgApi/rest/v2/messages/collect/req error.type=503 http.request.method=POST http.response.status_code=503 network.protocol.version=1.1 " + place + " url.template=/orgApi/rest/v2/messages/collect/req client Error",
		"    POST /orgApi/rest/v2/messages/collect/req error.type=connect http.request.method=POST " + place + " url.template=/orgApi/rest/v2/messages/collect/req verification.not_sent=true client Error",
	}, spans), "each below its call")
	counted := make(map[string]bool)
	for _, p := range w.points("http.client.request.duration") {
		attributes, _, _ := strings.Cut(p, " 1 times, ")
		counted[attributes] = true
	}
	require.Equal(t, map[string]bool{
		"http.request.method=POST http.response.status_code=200 network.protocol.version=1.1 " + place + " url.template=/orgApi/rest/v2/applications/{org}":                  true,
		"error.type=503 http.request.method=POST http.response.status_code=503 network.protocol.version=1.1 " + place + " url.template=/orgApi/rest/v2/messages/collect/req": true,
		"error.type=connect http.request.method=POST " + place + " url.template=/orgApi/rest/v2/messages/collect/req":                                                        true,
	}, counted)
}
