package sendonce_test

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
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

func TestTheBodyBoundIsExact(t *testing.T) {
	t.Parallel()
	const body = `{"success":false}`
	url := newServer(t, "text/json", body).URL
	for bound, want := range map[int64]error{int64(len(body)): nil, int64(len(body)) - 1: sendonce.ErrTooLarge} {
		_, err := newClient(t, url, func(cfg *sendonce.Config) { cfg.MaxBody = bound }).Do(t.Context(), post())
		require.ErrorIs(t, err, want)
	}
}

func TestAnEndlessHeaderIsUnknown(t *testing.T) {
	t.Parallel()
	address := newRawServer(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	_, err := newClient(t, "http://"+address).Do(t.Context(), post())
	require.ErrorIs(t, err, sendonce.ErrBroken)
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
		_, err := newClient(t, server.URL).Do(t.Context(), post())
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
		_, err := newClient(t, server.URL).Do(t.Context(), post())
		requireStatus(t, err, status)
		_, err = newClient(t, server.URL).Do(t.Context(), get())
		requireStatus(t, err, status)
		require.EqualValues(t, 2, arrived.Load())
	}
}

func TestACompressedResponseIsNotRequestedAndNotUnpacked(t *testing.T) {
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
	response, err := newClient(t, server.URL).Do(t.Context(), post())
	require.NoError(t, err)
	require.NotContains(t, string(response.Body), "success")
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
		"half a body":         ok + "Content-Length: 99\r\n\r\n{\"246810\"",
		"a redirect":          "HTTP/1.1 307 Go\r\nLocation: http://246810/\r\n\r\n",
	} {
		_, err := newClient(t, "http://"+newRawServer(t, answer)).Do(t.Context(), post())
		require.Error(t, err, rule)
		require.NotErrorIs(t, err, carrierfsm.ErrNotSent, rule)
		requireRedacted(t, err)
	}
}

// The kinds of response that are no JSON.
func TestAResponseThatIsNotJSONIsUnknown(t *testing.T) {
	t.Parallel()
	for rule, c := range map[string]struct {
		kind, body string
		want       error
	}{
		"HTML":                    {"text/html", "<title>502</title>", sendonce.ErrNotJSON},
		"no content type":         {"", `{"success":true}`, sendonce.ErrNotJSON},
		"an invalid content type": {"application/json; charset", `{"success":true}`, sendonce.ErrNotJSON},
		"a body that is too large": {
			"application/json", `{"success":true,"message":"` + strings.Repeat("x", 2<<20) + `"}`, sendonce.ErrTooLarge,
		},
	} {
		_, err := newClient(t, newServer(t, c.kind, c.body).URL).Do(t.Context(), post())
		require.ErrorIs(t, err, c.want, rule)
		require.NotErrorIs(t, err, carrierfsm.ErrNotSent, rule)
	}
}

func requireStatus(t *testing.T, err error, status int) {
	t.Helper()
	var s *sendonce.StatusError
	require.ErrorAs(t, err, &s)
	require.Equal(t, status, s.Status)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
}

func TestItWorksOverTLS(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	server := httptest.NewTLSServer(fake)
	t.Cleanup(server.Close)
	c := newClient(t, server.URL, func(cfg *sendonce.Config) { cfg.TLS = trustingConfig(server) })
	response, err := c.Do(t.Context(), post())
	require.NoError(t, err)
	require.Equal(t, `{"success":true}`, string(response.Body))
	fake.Break(fsmtest.BreakReply)
	_, err = c.Do(t.Context(), post())
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
	c := newClient(t, server.URL, func(cfg *sendonce.Config) {
		cfg.TLS = trustingConfig(server)
		cfg.TLS.NextProtos = []string{"h2"}
	})
	_, err := c.Do(t.Context(), post())
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1", <-spoken)
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
		_, err := c.Do(t.Context(), post())
		require.NoError(t, err)
		addresses[<-seen] = true
	}
	require.Len(t, addresses, cap(seen))
}
