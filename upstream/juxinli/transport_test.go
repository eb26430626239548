package juxinli_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestAnInvalidResponseIsUnknown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule, kind, body string
		want             error
	}{
		{"HTML", "text/html", "<title>502</title>", juxinli.ErrNotJSON},
		{"no content type", "", `{"success":true}`, juxinli.ErrNotJSON},
		{"an invalid content type", "application/json; charset", `{"success":true}`, juxinli.ErrNotJSON},
		{"an empty body", "application/json", "", juxinli.ErrMalformed},
		{"truncated JSON", "application/json", `{"success":true,"data":{"process`, juxinli.ErrMalformed},
		{"two JSON values", "application/json", `{"success":true}{"success":true}`, juxinli.ErrMalformed},
		{"an array", "application/json", `[]`, juxinli.ErrMalformed},
		{"null", "application/json", `null`, juxinli.ErrMalformed},
		{"no success", "application/json", `{"data":{"process_code":10008}}`, juxinli.ErrMalformed},
		{"success of another type", "application/json", `{"success":1,"data":{"process_code":10008}}`, juxinli.ErrMalformed},
		{"a repeated success that is invalid", "application/json", `{"success":true,"success":"perhaps"}`, juxinli.ErrMalformed},
		{"data of another type", "application/json", `{"success":true,"data":[10008]}`, juxinli.ErrMalformed},
		{"a next source of another type", "application/json", `{"success":true,"data":{"process_code":10008,"next_datasource":["w"]}}`, juxinli.ErrMalformed},
		{"a next source without a website", "application/json", `{"success":true,"data":{"process_code":10008,"finish":false,"next_datasource":{"name":"n"}}}`, juxinli.ErrMalformed},
		{"broken UTF-8", "application/json", "{\"success\":true,\"message\":\"\xff\"}", juxinli.ErrMalformed},
		{"a body that is too large", "application/json", `{"success":true,"message":"` + strings.Repeat("x", 2<<20) + `"}`, juxinli.ErrTooLarge},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, newServer(t, c.kind, c.body).URL).Collect(t.Context(), request("246810"))
			require.ErrorIs(t, err, c.want)
			require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
		})
	}
}

func TestTheBodyBoundIsExact(t *testing.T) {
	t.Parallel()
	const body = `{"success":false}`
	url := newServer(t, "text/json", body).URL
	for bound, want := range map[int64]error{int64(len(body)): nil, int64(len(body)) - 1: juxinli.ErrTooLarge} {
		_, err := newClient(t, url, func(cfg *juxinli.Config) { cfg.MaxBody = bound }).Collect(t.Context(), request("246810"))
		require.ErrorIs(t, err, want)
	}
}

func TestAnEndlessHeaderIsUnknown(t *testing.T) {
	t.Parallel()
	address := newRawServer(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	_, err := newClient(t, "http://"+address).Collect(t.Context(), request("246810"))
	require.ErrorIs(t, err, juxinli.ErrBroken)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
}

func TestAStatusThatIsNoSuccessIsUnknown(t *testing.T) {
	t.Parallel()
	for _, status := range []int{304, 400, 401, 404, 429, 500, 502, 503} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"success":true,"data":{"process_code":10008}}`)
		}))
		t.Cleanup(server.Close)
		_, err := newClient(t, server.URL).Collect(t.Context(), request("246810"))
		requireStatus(t, err, status)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		var arrived atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived.Add(1)
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		}))
		t.Cleanup(server.Close)
		_, err := newClient(t, server.URL).Collect(t.Context(), request("246810"))
		requireStatus(t, err, status)
		_, err = newClient(t, server.URL).Datasources(t.Context())
		requireStatus(t, err, status)
		require.EqualValues(t, 2, arrived.Load())
	}
}

func TestACompressedResponseIsNotRequestedAndIsUnknown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Error("compression was requested")
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = io.WriteString(z, `{"success":true}`)
		_ = z.Close()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	t.Cleanup(server.Close)
	_, err := newClient(t, server.URL).Collect(t.Context(), request("246810"))
	require.ErrorIs(t, err, juxinli.ErrMalformed)
}

// A response may repeat what was sent, and net/http quotes what it can't parse.
func TestNoErrorRepeatsTheResponse(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for rule, answer := range map[string]string{
		"no HTTP":             "246810\r\n\r\n",
		"a status line":       "HTTP/1.1 246810 246810\r\n\r\n",
		"a status":            "HTTP/1.1 500 246810\r\nX: 246810\r\n\r\n246810",
		"a header":            "HTTP/1.1 200 OK\r\n246810\r\n\r\n",
		"a length":            ok + "Content-Length: 246810x\r\n\r\n",
		"a transfer encoding": ok + "Transfer-Encoding: 246810\r\n\r\n",
		"a trailer":           ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n246810\r\n\r\n",
		"a chunk":             ok + "Transfer-Encoding: chunked\r\n\r\n246810g\r\n\r\n",
		"a content type":      "HTTP/1.1 200 OK\r\nContent-Type: 246810/246810/246810\r\n\r\n",
		"a body that is none": ok + "Content-Length: 9\r\n\r\n{\"246810\"",
		"half a body":         ok + "Content-Length: 99\r\n\r\n{\"246810\"",
		"a redirect":          "HTTP/1.1 307 Go\r\nLocation: http://246810/\r\n\r\n",
	} {
		_, err := newClient(t, "http://"+newRawServer(t, answer)).Collect(t.Context(), request("246810"))
		require.Error(t, err, rule)
		require.NotErrorIs(t, err, carrierfsm.ErrNotSent, rule)
		requireRedacted(t, err)
	}
}

func requireStatus(t *testing.T, err error, status int) {
	t.Helper()
	var s *juxinli.StatusError
	require.ErrorAs(t, err, &s)
	require.Equal(t, status, s.Status)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
}

func TestItWorksOverTLS(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Config{})
	server := httptest.NewTLSServer(sim)
	t.Cleanup(server.Close)
	c := newClient(t, server.URL, func(cfg *juxinli.Config) { cfg.TLS = trustingConfig(server) })
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: form(simulator.People()[1])})
	require.NoError(t, err)
	r := request("246810")
	r.Token, r.Website, r.Account = receipt.Token, receipt.Source.Website, carrierfsm.NewSecret(simulator.People()[1].Phone)
	reply, err := c.Collect(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ProcessCode("10008"), reply.Code)
	sim.FaultNext(simulator.DropAfterReading())
	_, err = c.Collect(t.Context(), r)
	require.Error(t, err)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent, "bytes of the request were written inside TLS")
}

func TestItSpeaksHTTP1ToServersThatOfferHTTP2(t *testing.T) {
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
	c := newClient(t, server.URL, func(cfg *juxinli.Config) {
		cfg.TLS = trustingConfig(server)
		cfg.TLS.NextProtos = []string{"h2"}
	})
	_, err := c.Collect(t.Context(), request("246810"))
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1", <-spoken)
}

func TestTheOrgIsEscapedInThePath(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.EscapedPath() }))
	t.Cleanup(server.Close)
	c := newClient(t, server.URL, func(cfg *juxinli.Config) { cfg.Org = "a/b?c 机构" })
	_, err := c.Datasources(t.Context())
	require.ErrorIs(t, err, juxinli.ErrNotJSON)
	require.Equal(t, "/orgApi/rest/v2/orgs/a%2Fb%3Fc%20%E6%9C%BA%E6%9E%84/datasources", <-paths)
	_, err = c.Apply(t.Context(), carrierfsm.Application{})
	require.ErrorIs(t, err, juxinli.ErrNotJSON)
	require.Equal(t, "/orgApi/rest/v2/applications/a%2Fb%3Fc%20%E6%9C%BA%E6%9E%84", <-paths)
}

func TestEveryCallOpensANewConnection(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 3)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !r.Close {
			t.Error("the connection is not to be closed")
		}
		seen <- r.RemoteAddr
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"success":true,"data":{"process_code":10002}}`)
	}))
	t.Cleanup(server.Close)
	c := newClient(t, server.URL)
	addresses := make(map[string]bool)
	for range cap(seen) {
		_, err := c.Collect(t.Context(), request("246810"))
		require.NoError(t, err)
		addresses[<-seen] = true
	}
	require.Len(t, addresses, cap(seen))
}
