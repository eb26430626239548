package sendonce_test

import (
	"crypto/tls"
	"io"
	"math"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

func TestNewRefusesWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	const good = "https://example.com"
	for rule, cfg := range map[string]sendonce.Config{
		"no URL at all":         {},
		"HTTP to elsewhere":     {BaseURL: "http://example.com"},
		"another scheme":        {BaseURL: "ftp://127.0.0.1"},
		"no URL":                {BaseURL: "://"},
		"no host":               {BaseURL: "https://"},
		"a user in the URL":     {BaseURL: "https://user:pass@example.com"},
		"a query in the URL":    {BaseURL: "https://example.com?a=b"},
		"a fragment in the URL": {BaseURL: "https://example.com#a"},
		"a negative timeout":    {BaseURL: good, Timeout: -1},
		"a negative body bound": {BaseURL: good, MaxBody: -1},
		"an immense body bound": {BaseURL: good, MaxBody: math.MaxInt64},
		"no verification":       {BaseURL: good, TLS: &tls.Config{InsecureSkipVerify: true}},
		"TLS 1.1 is enough":     {BaseURL: good, TLS: &tls.Config{MinVersion: tls.VersionTLS11}},
		"TLS 1.1 at most":       {BaseURL: good, TLS: &tls.Config{MaxVersion: tls.VersionTLS11}},
		"a proxy without TLS":   {BaseURL: "http://127.0.0.1:1", Proxy: http.ProxyFromEnvironment},
	} {
		_, err := sendonce.New(cfg)
		require.Error(t, err, rule)
		require.NotContains(t, err.Error(), "pass", rule)
	}
	for _, base := range []string{good, "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"} {
		_, err := sendonce.New(sendonce.Config{BaseURL: base})
		require.NoError(t, err, base)
	}
}

// echo answers with what it received, with the status of the header Want.
func newEcho(tb testing.TB) *fsmtest.Server {
	tb.Helper()
	return fsmtest.NewServer(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Want") == "409" {
			w.WriteHeader(http.StatusConflict)
		}
		_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" "+r.Header.Get("Authorization")+" "+r.Header.Get("User-Agent")+" "+r.Header.Get("Content-Type")+" ")
		_, _ = io.Copy(w, r.Body)
	}))
}

func TestARequestIsSentAsItIsGiven(t *testing.T) {
	t.Parallel()
	c := newClient(t, newEcho(t).URL+"/base/", func(cfg *sendonce.Config) { cfg.UserAgent = "agent" })
	r := sendonce.Request{
		Method: http.MethodPut, Path: "/a%2Fb?c=d", Header: http.Header{"Authorization": {"Bearer x"}, "User-Agent": {"another"}}, Body: []byte(`{"a":1}`),
	}
	response, err := c.Do(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.Status)
	require.Equal(t, `PUT /base/a%2Fb?c=d Bearer x agent application/json;charset=utf-8 {"a":1}`, string(response.Body))
	require.Equal(t, make([]byte, 7), r.Body, "the body is overwritten")
	require.Equal(t, http.Header{"Authorization": {"Bearer x"}, "User-Agent": {"another"}}, r.Header)
	response, err = c.Do(t.Context(), get())
	require.NoError(t, err)
	require.Equal(t, "GET /base/v1/tasks  agent  ", string(response.Body))
}

// The body is overwritten also where nothing was sent.
func TestABodyIsOverwrittenWhateverHappens(t *testing.T) {
	t.Parallel()
	server := newFake(t)
	c := newClient(t, server.URL)
	for _, b := range []fsmtest.Breakage{fsmtest.BreakReply, fsmtest.BreakStatus, fsmtest.BreakConnection} {
		server.Break(b)
		r := post()
		_, err := c.Do(t.Context(), r)
		require.Error(t, err)
		require.Equal(t, make([]byte, len(r.Body)), r.Body, b)
	}
}

func TestStatusesThatAreAnswersAreReturned(t *testing.T) {
	t.Parallel()
	c := newClient(t, newEcho(t).URL)
	r := get()
	r.Header = http.Header{"Want": {"409"}}
	_, err := c.Do(t.Context(), r)
	requireStatus(t, err, http.StatusConflict)
	r.Statuses = []int{http.StatusConflict}
	response, err := c.Do(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, http.StatusConflict, response.Status)
	require.NotEmpty(t, response.Body)
}

func TestARequestThatCannotBeBuiltIsNotSent(t *testing.T) {
	t.Parallel()
	c := newClient(t, newEcho(t).URL)
	for _, r := range []sendonce.Request{
		{Method: http.MethodGet, Path: "no-slash-246810"},
		{Method: "G E T", Path: "/246810"},
		{Method: http.MethodGet, Path: "/%246810%zz"},
		{Method: http.MethodGet, Path: "/", Header: http.Header{"Authorization": {"246810\n"}}},
	} {
		_, err := c.Do(t.Context(), r)
		require.ErrorIs(t, err, carrierfsm.ErrNotSent, r)
		requireRedacted(t, err)
	}
}

func TestTheBodyBoundOfARequestReplacesThatOfTheConfig(t *testing.T) {
	t.Parallel()
	c := newClient(t, newFake(t).URL, func(cfg *sendonce.Config) { cfg.MaxBody = 3 })
	r := get()
	_, err := c.Do(t.Context(), r)
	require.ErrorIs(t, err, sendonce.ErrTooLarge)
	r.MaxBody = math.MaxInt64
	_, err = c.Do(t.Context(), r)
	require.NoError(t, err)
}

func TestAProxyFunctionSeesNoQuery(t *testing.T) {
	t.Parallel()
	seen := ""
	c := newClient(t, "https://no-such-host.invalid", func(cfg *sendonce.Config) {
		cfg.Proxy = func(r *http.Request) (*url.URL, error) {
			seen = r.URL.String()
			return url.Parse("http://127.0.0.1:1")
		}
	})
	_, err := c.Do(t.Context(), post())
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	require.Equal(t, "https://no-such-host.invalid/v1/tasks/"+sent[2], seen)
}
