package sendonce_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(tb testing.TB, url string, set ...func(*sendonce.Config)) *sendonce.Client {
	tb.Helper()
	cfg := sendonce.Config{BaseURL: url}
	for _, f := range set {
		f(&cfg)
	}
	c, err := sendonce.New(cfg)
	require.NoError(tb, err)
	return c
}

// The values that post sends.
var sent = []string{"246810", "13800138000", "00000000000000000000000000000001", "key-of-the-institution"}

func post() sendonce.Request {
	return sendonce.Request{
		Method: http.MethodPost, Path: "/v1/tasks/" + sent[2] + "?key=" + sent[3], Template: "/v1/tasks/{id}",
		Header: http.Header{"Authorization": {"Bearer " + sent[3]}}, Body: fmt.Appendf(nil, `{"password":%q,"phone":%q}`, sent[0], sent[1]),
	}
}

func get() sendonce.Request {
	return sendonce.Request{Method: http.MethodGet, Path: "/v1/tasks", Template: "/v1/tasks"}
}

// newFake returns a server that answers every request with {"success":true}.
func newFake(tb testing.TB) *fsmtest.Server {
	tb.Helper()
	return fsmtest.NewServer(tb, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"success":true}`)
	}))
}

func discardLogger() *log.Logger { return log.New(io.Discard, "", 0) }

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

// newRawServer returns the address of a server that reads one request for each
// connection and writes the bytes of a response.
func newRawServer(t *testing.T, answer string) string {
	t.Helper()
	return serveTCP(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(c, answer)
	})
}

// requireRedacted searches err and every error that it wraps for the values that
// post sends.
func requireRedacted(t *testing.T, err error) {
	t.Helper()
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, value := range sent {
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

// serveTCP starts a TCP server and returns its address.
func serveTCP(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// trustingConfig returns a TLS configuration that trusts the server.
func trustingConfig(server *httptest.Server) *tls.Config {
	return server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
}
