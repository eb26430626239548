package juxinli_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(tb testing.TB, url string, set ...func(*juxinli.Config)) *juxinli.Client {
	tb.Helper()
	cfg := juxinli.Config{BaseURL: url, Org: "DEMO"}
	for _, f := range set {
		f(&cfg)
	}
	c, err := juxinli.New(cfg)
	require.NoError(tb, err)
	return c
}

// simulated is a client in front of the simulator.
func simulated(tb testing.TB) (*juxinli.Client, *simulator.Server, *httptest.Server) {
	tb.Helper()
	world := simulator.New(simulator.Config{})
	server := httptest.NewServer(world)
	tb.Cleanup(server.Close)
	return client(tb, server.URL), world, server
}

func form(p simulator.Person) carrierfsm.Form {
	return carrierfsm.Form{Name: p.Name, IDCard: p.IDCard, Phone: p.Phone, Contacts: []carrierfsm.Contact{{Name: "联系人", Phone: "13800138099"}}}
}

func TestJuxinliKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestUpstream(t, contract)
}

// contract is a client in front of the simulator, for the contract.
func contract(tb testing.TB) fsmtest.UpstreamSubject {
	tb.Helper()
	c, world, server := simulated(tb)
	elsewhere := httptest.NewServer(world)
	tb.Cleanup(elsewhere.Close)
	person := simulator.People()[0]
	return fsmtest.UpstreamSubject{
		Upstream:    c,
		Again:       func() carrierfsm.Upstream { return client(tb, server.URL) },
		Application: carrierfsm.Application{Form: form(person)},
		Refused:     &carrierfsm.Application{Form: carrierfsm.Form{Name: "无", IDCard: "无", Phone: "13800138098"}},
		Request: func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error) {
			receipt, err := c.Apply(tb.Context(), carrierfsm.Application{Form: form(person)})
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
		Break:    func(b fsmtest.Breakage) { breakNext(world, server, elsewhere.URL, b) },
		Arrivals: world.Arrivals,
	}
}

func breakNext(world *simulator.Server, server *httptest.Server, elsewhere string, b fsmtest.Breakage) {
	switch b {
	case fsmtest.BreakConnection:
		server.Close()
	case fsmtest.BreakReply:
		world.FaultNext(simulator.DropAfterReading())
	case fsmtest.BreakMidway:
		world.FaultNext(simulator.Reset())
	case fsmtest.BreakHalf:
		world.FaultNext(simulator.Truncated())
	case fsmtest.BreakGarbage:
		world.FaultNext(simulator.Garbage())
	case fsmtest.BreakHTML:
		world.FaultNext(simulator.HTML())
	case fsmtest.BreakStatus:
		world.FaultNext(simulator.ServerError(true))
	case fsmtest.BreakRedirect:
		world.FaultNext(simulator.Redirect(elsewhere + "/orgApi/rest/v2/messages/collect/req"))
	case fsmtest.BreakSize:
		world.FaultNext(simulator.Oversized())
	case fsmtest.BreakSlow:
		world.FaultNext(simulator.SlowHeader(time.Hour))
	}
}

func TestNewRefusesWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	for rule, cfg := range map[string]juxinli.Config{
		"no org":                {},
		"HTTP to elsewhere":     {Org: "DEMO", BaseURL: "http://www.juxinli.com"},
		"another scheme":        {Org: "DEMO", BaseURL: "ftp://127.0.0.1"},
		"no URL":                {Org: "DEMO", BaseURL: "://"},
		"no host":               {Org: "DEMO", BaseURL: "https://"},
		"a negative timeout":    {Org: "DEMO", Timeout: -1},
		"a negative body bound": {Org: "DEMO", MaxBody: -1},
		"an immense body bound": {Org: "DEMO", MaxBody: math.MaxInt64},
		"a user in the URL":     {Org: "DEMO", BaseURL: "https://user:pass@example.com"},
		"a query in the URL":    {Org: "DEMO", BaseURL: "https://example.com?a=b"},
		"a fragment in the URL": {Org: "DEMO", BaseURL: "https://example.com#a"},
		"a proxy without TLS":   {Org: "DEMO", BaseURL: "http://127.0.0.1:1", Proxy: http.ProxyFromEnvironment},
	} {
		_, err := juxinli.New(cfg)
		require.Error(t, err, rule)
		require.NotContains(t, err.Error(), "pass", rule)
	}
	for _, url := range []string{"", "https://example.com", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"} {
		_, err := juxinli.New(juxinli.Config{Org: "DEMO", BaseURL: url})
		require.NoError(t, err, url)
	}
}

func TestDatasourcesAreListed(t *testing.T) {
	t.Parallel()
	c, _, _ := simulated(t)
	list, err := c.Datasources(t.Context())
	require.NoError(t, err)
	require.Len(t, list, len(simulator.Carriers()))
	require.Empty(t, cmp.Diff(carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true}, list[0]))
}

func TestApplicationsOfBothVersions(t *testing.T) {
	t.Parallel()
	_, _, server := simulated(t)
	for _, v3 := range []bool{false, true} {
		c := client(t, server.URL, func(cfg *juxinli.Config) { cfg.ApplicationsV3 = v3 })
		receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: form(simulator.People()[0])})
		require.NoError(t, err)
		require.True(t, receipt.Accepted)
		require.Len(t, receipt.Token, 32)
		require.Equal(t, "chinamobilejs", receipt.Source.Website)
		refused, err := c.Apply(t.Context(), carrierfsm.Application{Form: carrierfsm.Form{Name: "无", IDCard: "无", Phone: "13800138098"}})
		require.NoError(t, err)
		require.False(t, refused.Accepted)
		require.Equal(t, "申请信息有误", refused.Message)
	}
}

func TestOverTLSItWorksToo(t *testing.T) {
	t.Parallel()
	world := simulator.New(simulator.Config{})
	server := httptest.NewTLSServer(world)
	t.Cleanup(server.Close)
	c := client(t, server.URL, func(cfg *juxinli.Config) { cfg.TLS = trusting(server) })
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: form(simulator.People()[1])})
	require.NoError(t, err)
	r := request("246810")
	r.Token, r.Website, r.Account = receipt.Token, receipt.Source.Website, simulator.People()[1].Phone
	reply, err := c.Collect(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ProcessCode("10008"), reply.Code)
	world.FaultNext(simulator.DropAfterReading())
	_, err = c.Collect(t.Context(), r)
	require.Error(t, err)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent, "bytes of the request were written inside TLS")
}

func TestItSpeaksHTTP1AlsoToServersThatOfferMore(t *testing.T) {
	t.Parallel()
	spoken := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		spoken <- r.Proto
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"success":false}`)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	c := client(t, server.URL, func(cfg *juxinli.Config) {
		cfg.TLS = trusting(server)
		cfg.TLS.NextProtos = []string{"h2"}
	})
	_, err := c.Collect(t.Context(), request("246810"))
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1", <-spoken)
}

func TestAnOrgIsOnePartOfThePath(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.EscapedPath() }))
	t.Cleanup(server.Close)
	c := client(t, server.URL, func(cfg *juxinli.Config) { cfg.Org = "a/b?c 机构" })
	_, err := c.Datasources(t.Context())
	require.ErrorIs(t, err, juxinli.ErrNotJSON)
	require.Equal(t, "/orgApi/rest/v2/orgs/a%2Fb%3Fc%20%E6%9C%BA%E6%9E%84/datasources", <-paths)
	_, err = c.Apply(t.Context(), carrierfsm.Application{})
	require.ErrorIs(t, err, juxinli.ErrNotJSON)
	require.Equal(t, "/orgApi/rest/v2/applications/a%2Fb%3Fc%20%E6%9C%BA%E6%9E%84", <-paths)
}

func TestEveryCallHasAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 3)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !r.Close {
			t.Error("the connection is asked to stay")
		}
		seen <- r.RemoteAddr
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"success":true,"data":{"process_code":10002}}`)
	}))
	t.Cleanup(server.Close)
	c := client(t, server.URL)
	addresses := make(map[string]bool)
	for range cap(seen) {
		_, err := c.Collect(t.Context(), request("246810"))
		require.NoError(t, err)
		addresses[<-seen] = true
	}
	require.Len(t, addresses, cap(seen))
}

func request(password string) carrierfsm.Request {
	return carrierfsm.Request{
		Input: carrierfsm.InputPassword, Token: "00000000000000000000000000000001", Website: "chinamobilejs",
		Account: "13800138000", Password: carrierfsm.NewSecret(password),
	}
}
