package juxinli_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

const (
	tokenPath  = "/api/v2/access_report_token"
	jobPath    = "/api/v2/job/access_jobs_status_by_token"
	reportPath = "/api/access_report_data_by_token"
	rawPath    = "/api/access_raw_data_by_token"

	clientSecret = "simulated-client-secret"
)

// dataFixture is a simulator with one completed verification, and the data calls
// of a client.
type dataFixture struct {
	*juxinli.Data
	simulator *simulator.Server
	token     carrierfsm.Secret
	clock     *fsmtest.Clock
}

// newData returns data calls that are retried without a pause.
func newData(tb testing.TB, url string, set ...func(*juxinli.DataConfig)) *juxinli.Data {
	tb.Helper()
	cfg := juxinli.DataConfig{ClientSecret: carrierfsm.NewSecret(clientSecret), RetryPause: 1}
	for _, f := range set {
		f(&cfg)
	}
	d, err := newClient(tb, url).Data(cfg)
	require.NoError(tb, err)
	return d
}

// newDataFixture completes the verification of the person at a carrier.
func newDataFixture(tb testing.TB, key string, set ...func(*juxinli.DataConfig)) *dataFixture {
	tb.Helper()
	a := &dataFixture{clock: fsmtest.NewClock()}
	a.simulator = simulator.New(simulator.Config{Now: a.clock.Now})
	server := httptest.NewServer(a.simulator)
	tb.Cleanup(server.Close)
	a.Data = newData(tb, server.URL, append([]func(*juxinli.DataConfig){func(cfg *juxinli.DataConfig) { cfg.Now = a.clock.Now }}, set...)...)
	a.token = complete(tb, newClient(tb, server.URL), a.simulator, key)
	return a
}

// complete answers all prompts for the person at a carrier, and returns the token.
func complete(tb testing.TB, c *juxinli.Client, sim *simulator.Server, key string) carrierfsm.Secret {
	tb.Helper()
	person := personOf(tb, key)
	receipt, err := c.Apply(tb.Context(), carrierfsm.Application{Form: form(person)})
	require.NoError(tb, err)
	r := carrierfsm.Request{
		Input: carrierfsm.InputPassword, Token: receipt.Token, Website: receipt.Source.Website, Account: carrierfsm.NewSecret(person.Phone),
		Password: carrierfsm.NewSecret(person.Password),
	}
	reply, err := c.Collect(tb.Context(), r)
	require.NoError(tb, err)
	if reply.Code == "10002" {
		r.Input, r.Captcha = carrierfsm.InputCaptcha, carrierfsm.NewSecret(sim.Inbox(person.Phone)[0].Code)
		reply, err = c.Collect(tb.Context(), r)
		require.NoError(tb, err)
	}
	require.Equal(tb, carrierfsm.ProcessCode("10008"), reply.Code)
	return receipt.Token
}

func personOf(tb testing.TB, key string) simulator.Person {
	tb.Helper()
	for i, c := range simulator.Carriers() {
		if c.Key == key {
			return simulator.People()[i]
		}
	}
	tb.Fatalf("no carrier %q", key)
	return simulator.Person{}
}

// requests returns how many requests the simulator received for a path.
func (a *dataFixture) requests(path string) (n int) {
	for _, r := range a.simulator.Requests() {
		if r.Path == path {
			n++
		}
	}
	return n
}

// countingServer counts the requests by path.
type countingServer struct {
	*httptest.Server
	mu    sync.Mutex
	count map[string]int
}

func newCountingServer(tb testing.TB, answer func(path string, n int) string) *countingServer {
	tb.Helper()
	s := &countingServer{count: make(map[string]int)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.count[r.URL.Path]++
		n := s.count[r.URL.Path]
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer(r.URL.Path, n))
	}))
	tb.Cleanup(s.Close)
	return s
}

func (s *countingServer) requests(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[path]
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(tb testing.TB, url string, set ...func(*juxinli.Config)) *juxinli.Client {
	tb.Helper()
	cfg := juxinli.Config{BaseURL: url, Org: "DEMO"}
	for _, f := range set {
		f(&cfg)
	}
	c, err := juxinli.New(cfg)
	require.NoError(tb, err)
	return c
}

// newSimulated returns a client of a simulator.
func newSimulated(tb testing.TB) (*juxinli.Client, *simulator.Server, *httptest.Server) {
	tb.Helper()
	sim := simulator.New(simulator.Config{})
	server := httptest.NewServer(sim)
	tb.Cleanup(server.Close)
	return newClient(tb, server.URL), sim, server
}

func form(p simulator.Person) carrierfsm.Form {
	return carrierfsm.Form{Name: carrierfsm.NewSecret(p.Name), IDCard: carrierfsm.NewSecret(p.IDCard), Phone: carrierfsm.NewSecret(p.Phone), Contacts: []carrierfsm.Contact{{Name: carrierfsm.NewSecret("联系人"), Phone: carrierfsm.NewSecret("13800138099")}}}
}

func request(password string) carrierfsm.Request {
	return carrierfsm.Request{
		Input: carrierfsm.InputPassword, Token: carrierfsm.NewSecret("00000000000000000000000000000001"), Website: "chinamobilejs",
		Account: carrierfsm.NewSecret("13800138000"), Password: carrierfsm.NewSecret(password),
	}
}

// contractSubject returns a client of a simulator for fsmtest.TestUpstream.
func contractSubject(tb testing.TB) fsmtest.UpstreamSubject {
	tb.Helper()
	server := fsmtest.NewServer(tb, simulator.New(simulator.Config{}))
	c := newClient(tb, server.URL)
	person := simulator.People()[0]
	return fsmtest.UpstreamSubject{
		Upstream:    c,
		Again:       func() carrierfsm.Upstream { return newClient(tb, server.URL) },
		Application: carrierfsm.Application{Form: form(person)},
		Refused:     &carrierfsm.Application{Form: carrierfsm.Form{Name: carrierfsm.NewSecret("无"), IDCard: carrierfsm.NewSecret("无"), Phone: carrierfsm.NewSecret("13800138098")}},
		Request: func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error) {
			receipt, err := c.Apply(tb.Context(), carrierfsm.Application{Form: form(person)})
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
		Break:    server.Break,
		Arrivals: server.Arrivals,
	}
}

// newServer returns a server with one response.
func newServer(tb testing.TB, kind, body string) *httptest.Server {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // closing with unread data would reset the connection
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}))
	tb.Cleanup(server.Close)
	return server
}

// printable returns a reply in a form that cmp can print.
func printable(r carrierfsm.Reply) map[string]any {
	return map[string]any{
		"success": r.Success, "code": r.Code, "type": r.Type, "template": r.Template, "finish": r.Finish,
		"next": r.Next, "already": r.AlreadyCollected, "content": fsmtest.Reveal(r.Content),
	}
}

// requireRedacted searches err and every error that it wraps for the values that
// request("246810") sends.
func requireRedacted(t *testing.T, err error) {
	t.Helper()
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, value := range []string{"246810", "13800138000", "00000000000000000000000000000001"} {
			require.NotContains(t, text, value)
		}
	}
	switch e := err.(type) { //nolint:errorlint // each link of the chain is looked at
	case interface{ Unwrap() error }:
		if next := e.Unwrap(); next != nil {
			requireRedacted(t, next)
		}
	case interface{ Unwrap() []error }:
		for _, next := range e.Unwrap() {
			requireRedacted(t, next)
		}
	}
}
