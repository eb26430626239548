package juxinli_test

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
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// recorded is a connection that notes what was written to it.
type recorded struct {
	net.Conn
	bytes []byte
}

func (r *recorded) Write(b []byte) (int, error) {
	r.bytes = append(r.bytes, b...)
	return len(b), nil
}

func TestAWriteIsRefusedOnceItIsLate(t *testing.T) {
	t.Parallel()
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	asked := 0
	for rule, wire := range map[string]juxinli.Wire{
		"by the monotonic clock":   juxinli.NewWire(past, future.Round(0), juxinli.Going),
		"by the wall clock":        juxinli.NewWire(future, past.Round(0), juxinli.Going),
		"because the call is over": juxinli.NewWire(future, future, func() error { return context.Canceled }),
		"only when TLS is about to write its first record": juxinli.NewWire(future, future, func() error {
			if asked++; asked > 1 {
				return context.DeadlineExceeded
			}
			return nil
		}),
	} {
		conn := new(recorded)
		_, err := wire.Watch(conn).Write([]byte("secret"))
		require.ErrorIs(t, err, juxinli.ErrLate, rule)
		require.True(t, wire.Seal(), rule)
		require.Empty(t, conn.bytes, rule)
	}
}

// The clock is looked at twice: when net/http writes, and again below TLS,
// right before the bytes go.
func TestADialedConnectionLooksAtTheClockBelowTLSToo(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	address := raw(t, func(c net.Conn) {
		all, _ := io.ReadAll(c)
		got <- all
	})
	asked, future := 0, time.Now().Add(time.Hour)
	wire := juxinli.NewWire(future, future, func() error {
		if asked++; asked > 1 {
			return context.DeadlineExceeded
		}
		return nil
	})
	conn, err := wire.Dial(t.Context(), address)
	require.NoError(t, err)
	_, err = conn.Write([]byte("secret"))
	require.ErrorIs(t, err, juxinli.ErrLate)
	require.NoError(t, conn.Close())
	require.Empty(t, <-got)
	require.True(t, wire.Seal())
}

func TestAWireIsWrittenOrSealedAndNeverBoth(t *testing.T) {
	t.Parallel()
	future := time.Now().Add(time.Hour)
	sealed, conn := juxinli.NewWire(future, future, juxinli.Going), new(recorded)
	require.True(t, sealed.Seal())
	_, err := sealed.Watch(conn).Write([]byte("secret"))
	require.ErrorIs(t, err, juxinli.ErrOver)
	require.Empty(t, conn.bytes)
	require.True(t, sealed.Seal())

	written := juxinli.NewWire(future, future, juxinli.Going)
	_, err = written.Watch(conn).Write([]byte("s"))
	require.NoError(t, err)
	require.False(t, written.Seal())
}

func TestAWipedBodyIsReadNoMore(t *testing.T) {
	t.Parallel()
	body := []byte("246810")
	p := juxinli.NewPayload(body)
	half := make([]byte, 3)
	n, err := p.Read(half)
	require.NoError(t, err)
	require.Equal(t, "246", string(half[:n]))
	p.Wipe()
	_, err = p.Read(half)
	require.ErrorIs(t, err, juxinli.ErrOver)
	require.Equal(t, make([]byte, 6), body)
}

// What certainly was not sent: nobody listens, nobody knows the name, the
// certificate is not trusted, what listens speaks no TLS.
func TestWhatNeverLeftIsNotSent(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := listener.Addr().String()
	require.NoError(t, listener.Close())
	refuse := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") })
	secure := httptest.NewUnstartedServer(refuse)
	secure.Config.ErrorLog = quiet()
	secure.StartTLS()
	t.Cleanup(secure.Close)
	inClear := raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail\r\n") })
	for rule, url := range map[string]string{
		"nobody listens":             "http://" + nobody,
		"nobody listens for TLS":     "https://" + nobody,
		"nobody knows the name":      "https://no-such-host.invalid",
		"the certificate is unknown": secure.URL,
		"what listens speaks no TLS": "https://" + inClear,
	} {
		_, err := client(t, url).Collect(t.Context(), request("246810"))
		require.ErrorIs(t, err, carrierfsm.ErrNotSent, rule)
		_, ok := errors.AsType[*juxinli.ConnectError](err)
		require.True(t, ok, rule)
		_, err = client(t, url).Datasources(t.Context())
		require.ErrorIs(t, err, carrierfsm.ErrNotSent, rule)
	}
}

func TestAfterTheDeadlineNothingIsSent(t *testing.T) {
	t.Parallel()
	c, world, _ := simulated(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := c.Collect(ctx, request("246810"))
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Empty(t, world.Requests())
}

// The call ends while TLS is being set up: the connection stands, the request
// does not follow.
func TestACallThatEndsBeforeTheRequestIsNotSent(t *testing.T) {
	t.Parallel()
	world := simulator.New(simulator.Config{})
	server := httptest.NewUnstartedServer(world)
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		config := trusting(server)
		config.VerifyConnection = func(tls.ConnectionState) error { cancel(); return nil }
		c := client(t, server.URL, func(cfg *juxinli.Config) { cfg.TLS = config })
		_, err := c.Collect(ctx, request("246810"))
		require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	}
	require.Empty(t, world.Requests())
}

// A server may close a connection that it promised to keep. net/http repeats
// what it can on such a connection; here each request has a connection of its own.
func TestAConnectionThatTheServerDropsIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	var requests, connections atomic.Int32
	address := raw(t, func(c net.Conn) {
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
	c := client(t, "http://"+address)
	_, err := c.Collect(t.Context(), request("246810"))
	require.NoError(t, err)
	_, err = c.Collect(t.Context(), request("246810"))
	require.ErrorIs(t, err, juxinli.ErrBroken)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
	require.EqualValues(t, 2, requests.Load())
	require.EqualValues(t, 2, connections.Load())
}

func TestThroughAProxy(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	address := raw(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err == nil && r.Method == http.MethodConnect {
			asked.Add(1)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 403 246810\r\n\r\n")
	})
	through := func(address string) *juxinli.Client {
		return client(t, "https://no-such-host.invalid", func(cfg *juxinli.Config) {
			cfg.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: address})
		})
	}
	_, err := through(address).Collect(t.Context(), request("246810"))
	require.ErrorIs(t, err, juxinli.ErrBroken)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent, "bytes went to the proxy")
	requireDiscreet(t, err)
	require.EqualValues(t, 1, asked.Load())
	_, err = through("127.0.0.1:1").Collect(t.Context(), request("246810"))
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
}

// trusting is a TLS configuration that trusts the server.
func trusting(server *httptest.Server) *tls.Config {
	return server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
}

// raw is a TCP server without HTTP. It returns its address.
func raw(t *testing.T, serve func(net.Conn)) string {
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
