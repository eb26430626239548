package sendonce_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

// recordingConn records what is written to it.
type recordingConn struct {
	net.Conn
	bytes []byte
}

func (r *recordingConn) Write(b []byte) (int, error) {
	r.bytes = append(r.bytes, b...)
	return len(b), nil
}

func TestAWriteAfterTheDeadlineIsRefused(t *testing.T) {
	t.Parallel()
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	asked := 0
	for rule, wire := range map[string]sendonce.Wire{
		"by the monotonic clock":   sendonce.NewWire(past, future.Round(0), sendonce.NotEnded),
		"by the wall clock":        sendonce.NewWire(future, past.Round(0), sendonce.NotEnded),
		"because the call is over": sendonce.NewWire(future, future, func() error { return context.Canceled }),
		"when TLS writes its first record": sendonce.NewWire(future, future, func() error {
			if asked++; asked > 1 {
				return context.DeadlineExceeded
			}
			return nil
		}),
	} {
		conn := new(recordingConn)
		_, err := wire.Watch(conn).Write([]byte("secret"))
		require.ErrorIs(t, err, sendonce.ErrTooLate, rule)
		require.True(t, wire.Seal(), rule)
		require.Empty(t, conn.bytes, rule)
	}
}

// The deadline is checked twice: when net/http writes, and again below TLS.
func TestADialedConnectionChecksTheDeadlineBelowTLSToo(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	address := serveTCP(t, func(c net.Conn) {
		all, _ := io.ReadAll(c)
		got <- all
	})
	asked, future := 0, time.Now().Add(time.Hour)
	wire := sendonce.NewWire(future, future, func() error {
		if asked++; asked > 1 {
			return context.DeadlineExceeded
		}
		return nil
	})
	conn, err := wire.Dial(t.Context(), address)
	require.NoError(t, err)
	_, err = conn.Write([]byte("secret"))
	require.ErrorIs(t, err, sendonce.ErrTooLate)
	require.NoError(t, conn.Close())
	require.Empty(t, <-got)
	require.True(t, wire.Seal())
}

func TestAWireIsEitherWrittenOrSealed(t *testing.T) {
	t.Parallel()
	future := time.Now().Add(time.Hour)
	sealed, conn := sendonce.NewWire(future, future, sendonce.NotEnded), new(recordingConn)
	require.True(t, sealed.Seal())
	_, err := sealed.Watch(conn).Write([]byte("secret"))
	require.ErrorIs(t, err, sendonce.ErrCallEnded)
	require.Empty(t, conn.bytes)
	require.True(t, sealed.Seal())

	written := sendonce.NewWire(future, future, sendonce.NotEnded)
	_, err = written.Watch(conn).Write([]byte("s"))
	require.NoError(t, err)
	require.False(t, written.Seal())
}

// The connection is refused, the name is unknown, the certificate is not trusted,
// or the server does not speak TLS.
func TestAFailedConnectionIsNotSent(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := listener.Addr().String()
	require.NoError(t, listener.Close())
	refuse := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") })
	secure := httptest.NewUnstartedServer(refuse)
	secure.Config.ErrorLog = discardLogger()
	secure.StartTLS()
	t.Cleanup(secure.Close)
	inClear := serveTCP(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail\r\n") })
	for rule, url := range map[string]string{
		"the connection is refused":      "http://" + closed,
		"the TLS connection is refused":  "https://" + closed,
		"the name is unknown":            "https://no-such-host.invalid",
		"the certificate is not trusted": secure.URL,
		"the server does not speak TLS":  "https://" + inClear,
	} {
		_, err := newClient(t, url).Do(t.Context(), post())
		require.ErrorIs(t, err, carrierfsm.ErrNotSent, rule)
		_, ok := errors.AsType[*sendonce.ConnectError](err)
		require.True(t, ok, rule)
		_, err = newClient(t, url).Do(t.Context(), get())
		require.ErrorIs(t, err, carrierfsm.ErrNotSent, rule)
	}
}

func TestAfterTheDeadlineNothingIsSent(t *testing.T) {
	t.Parallel()
	server := newFake(t)
	c := newClient(t, server.URL)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := c.Do(ctx, post())
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, server.Arrivals("246810"))
}

// The call ends during the TLS handshake: the connection is established, but the
// request is not sent.
func TestACallThatEndsBeforeTheRequestIsNotSent(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	server := httptest.NewUnstartedServer(fake)
	server.Config.ErrorLog = discardLogger()
	server.StartTLS()
	t.Cleanup(server.Close)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		config := trustingConfig(server)
		config.VerifyConnection = func(tls.ConnectionState) error { cancel(); return nil }
		c := newClient(t, server.URL, func(cfg *sendonce.Config) { cfg.TLS = config })
		_, err := c.Do(ctx, post())
		require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	}
	require.Zero(t, fake.Arrivals("246810"))
}

// A server may close a connection after it announced keep-alive. On such a
// connection net/http may send a request again; here each request opens a new one.
func TestARequestOnADroppedConnectionIsNotRetried(t *testing.T) {
	t.Parallel()
	var requests, connections atomic.Int32
	address := serveTCP(t, func(c net.Conn) {
		connections.Add(1)
		in := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if _, err = io.Copy(io.Discard, r.Body); err != nil || requests.Add(1) > 1 {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"+`{"success":false}`)
		}
	})
	c := newClient(t, "http://"+address)
	_, err := c.Do(t.Context(), post())
	require.NoError(t, err)
	_, err = c.Do(t.Context(), post())
	require.ErrorIs(t, err, sendonce.ErrBroken)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
	require.EqualValues(t, 2, requests.Load())
	require.EqualValues(t, 2, connections.Load())
}

func TestThroughAProxy(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	address := serveTCP(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err == nil && r.Method == http.MethodConnect {
			asked.Add(1)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 403 246810\r\n\r\n")
	})
	through := func(address string) *sendonce.Client {
		return newClient(t, "https://no-such-host.invalid", func(cfg *sendonce.Config) {
			cfg.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: address})
		})
	}
	_, err := through(address).Do(t.Context(), post())
	require.ErrorIs(t, err, sendonce.ErrBroken)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent, "bytes went to the proxy")
	requireRedacted(t, err)
	require.EqualValues(t, 1, asked.Load())
	_, err = through("127.0.0.1:1").Do(t.Context(), post())
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
}
