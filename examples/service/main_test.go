package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// The tests share a browser and a PostgreSQL server.
var (
	browser browsertest.Shared
	server  pgtest.Shared
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(browser.Around(m), goleak.Cleanup(func(code int) {
		if err := server.Close(); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// aggregator is a simulated aggregator outside of the service.
type aggregator struct {
	*simulator.Server
	url  string
	gate sync.RWMutex // while it is locked, requests wait
}

func newAggregator(t *testing.T) *aggregator {
	w := &aggregator{Server: simulator.New(simulator.Config{ResendAfter: time.Second})}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.gate.RLock()
		defer w.gate.RUnlock()
		w.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() {
		w.Close()
		server.Close()
	})
	w.url = server.URL
	return w
}

// block makes requests wait until release is called, or the test ends.
func (w *aggregator) block(t *testing.T) (release func()) {
	w.gate.Lock()
	release = sync.OnceFunc(w.gate.Unlock)
	t.Cleanup(release)
	return release
}

// personAt returns the person with an account at a carrier.
func personAt(t *testing.T, carrier string) simulator.Person {
	for i, c := range simulator.Carriers() {
		if c.Key == carrier {
			return simulator.People()[i]
		}
	}
	t.Fatalf("no carrier %q", carrier)
	return simulator.Person{}
}

// code returns the latest code that a person received.
func (w *aggregator) code(t *testing.T, p simulator.Person) string {
	inbox := w.Inbox(p.Phone)
	require.NotEmpty(t, inbox, "no message was received")
	return inbox[len(inbox)-1].Code
}

// testService is a running service.
type testService struct {
	t    *testing.T
	url  string
	log  *syncBuffer
	stop func()

	policy            string // the version of the consent
	console, password string // the console's URL and password, if it is enabled
	metrics           string // the URL of /metrics, if it is enabled
}

// testOptions returns options with short waits and without rate limits.
func testOptions(w *aggregator) options {
	o := defaultOptions()
	o.addr, o.org, o.store, o.level = "127.0.0.1:0", "DEMO", "memory", slog.LevelDebug
	o.allowance = rateLimit{burst: 1e6, perSecond: 1e6}
	o.machine.ResendAfter = time.Second
	if w != nil {
		o.upstream, o.host = w.url, "testdata/host.json"
	}
	return o
}

// onSQLite sets a store in a file of the test.
func (o options) onSQLite(t *testing.T) options {
	o.store = "sqlite:" + filepath.Join(t.TempDir(), "service.db")
	return o
}

// start starts the service as main does, and stops it with the test.
func start(t *testing.T, o options) *testService {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	owner, err := openHost(o)
	require.NoError(t, err)
	r := &testService{t: t, log: &syncBuffer{}, policy: owner.ConsentVersion}
	ended := make(chan error, 1)
	go func() {
		err := serve(ctx, o, in, slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: o.level})))
		_ = in.CloseWithError(fmt.Errorf("ended: %w", err))
		ended <- err
	}()
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	r.url = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "Open "), "/")
	if o.console != "" {
		line, err = lines.ReadString('\n')
		require.NoError(t, err)
		_, err = fmt.Sscanf(line, "Operators open %s as operator, password %s\n", &r.console, &r.password)
		require.NoError(t, err)
	}
	if o.metrics != "" {
		line, err = lines.ReadString('\n')
		require.NoError(t, err)
		r.metrics = strings.TrimSpace(strings.TrimPrefix(line, "Prometheus reads "))
	}
	r.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(r.stop)
	return r
}

// syncBuffer is a buffer that is safe for concurrent use.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *syncBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *syncBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
