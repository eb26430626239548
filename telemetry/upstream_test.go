package telemetry_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// world is a simulated server, and a client of it that is observed.
type world struct {
	*kept
	server *httptest.Server
	world  *simulator.Server
	client *juxinli.Client
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{kept: keep(t), world: simulator.New(simulator.Config{})}
	w.server = httptest.NewServer(w.world)
	t.Cleanup(w.server.Close)
	w.client = w.another()
	return w
}

func (w *world) another() *juxinli.Client {
	c, err := juxinli.New(juxinli.Config{BaseURL: w.server.URL, Org: "DEMO", Observer: w.Observer()})
	require.NoError(w.t, err)
	return c
}

func (w *world) port() string {
	address, err := url.Parse(w.server.URL)
	require.NoError(w.t, err)
	return address.Port()
}

// What the client is certain of, it is certain of while it is observed: what
// was not sent, what was sent once, and what is not known.
func TestAnObservedClientKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestUpstream(t, func(tb testing.TB) fsmtest.UpstreamSubject {
		tb.Helper()
		w := newWorld(tb)
		elsewhere := httptest.NewServer(w.world)
		tb.Cleanup(elsewhere.Close)
		person := simulator.People()[0]
		application := carrierfsm.Application{Form: carrierfsm.Form{Name: person.Name, IDCard: person.IDCard, Phone: person.Phone}}
		return fsmtest.UpstreamSubject{
			Upstream:    w.client,
			Again:       func() carrierfsm.Upstream { return w.another() },
			Application: application,
			Refused:     &carrierfsm.Application{Form: carrierfsm.Form{Name: "无", IDCard: "无", Phone: "13800138098"}},
			Request: func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error) {
				receipt, err := w.client.Apply(tb.Context(), application)
				r := carrierfsm.Request{Input: kind, Token: receipt.Token, Website: receipt.Source.Website, Account: person.Phone}
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
			Break:    func(b fsmtest.Breakage) { w.breakNext(b, elsewhere.URL) },
			Arrivals: w.world.Arrivals,
		}
	})
}

func (w *world) breakNext(b fsmtest.Breakage, elsewhere string) {
	if b == fsmtest.BreakConnection {
		w.server.Close()
		return
	}
	w.world.FaultNext(map[fsmtest.Breakage]simulator.Fault{
		fsmtest.BreakReply:    simulator.DropAfterReading(),
		fsmtest.BreakMidway:   simulator.Reset(),
		fsmtest.BreakHalf:     simulator.Truncated(),
		fsmtest.BreakGarbage:  simulator.Garbage(),
		fsmtest.BreakHTML:     simulator.HTML(),
		fsmtest.BreakStatus:   simulator.ServerError(true),
		fsmtest.BreakRedirect: simulator.Redirect(elsewhere + "/orgApi/rest/v2/messages/collect/req"),
		fsmtest.BreakSize:     simulator.Oversized(),
		fsmtest.BreakSlow:     simulator.SlowHeader(1 << 40),
	}[b])
}

func TestARequestIsToldByTheSemanticConventions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, err := carrierfsm.New(carrierfsm.Config{Store: fsmtest.New(t).Store, Upstream: w.client, Observer: w.Observer()})
	require.NoError(t, err)
	ctx := t.Context()
	person := simulator.People()[0]
	v, err := b.Submit(ctx, "v1", carrierfsm.Apply{Consent: fsmtest.Consent(), Form: carrierfsm.Form{Name: person.Name, IDCard: person.IDCard, Phone: person.Phone}})
	require.NoError(t, err)
	w.world.FaultNext(simulator.ServerError(true))
	v, err = b.Submit(ctx, "v1", carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret(person.Password)})
	require.NoError(t, err)
	require.Equal(t, carrierfsm.OutcomeUnknown, v.Reason)
	w.server.Close()
	v, err = b.Submit(ctx, "v1", carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret(person.Password)})
	require.NoError(t, err)
	require.Equal(t, carrierfsm.UpstreamUnavailable, v.Reason)
	var told []string
	for _, line := range w.tree() {
		if strings.HasPrefix(line, "    POST") {
			told = append(told, line)
		}
	}
	place := "server.address=127.0.0.1 server.port=" + w.port()
	require.Empty(t, cmp.Diff([]string{
		"    POST /orgApi/rest/v2/applications/{org} http.request.method=POST http.response.status_code=200 network.protocol.version=1.1 " + place + " url.template=/orgApi/rest/v2/applications/{org} client",
		"    POST /orgApi/rest/v2/messages/collect/req error.type=503 http.request.method=POST http.response.status_code=503 network.protocol.version=1.1 " + place + " url.template=/orgApi/rest/v2/messages/collect/req client Error",
		"    POST /orgApi/rest/v2/messages/collect/req error.type=connect http.request.method=POST " + place + " url.template=/orgApi/rest/v2/messages/collect/req verification.not_sent=true client Error",
	}, told), "each below the call that it is part of")
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
