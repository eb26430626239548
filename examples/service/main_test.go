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

// What tests share: the browser, and a PostgreSQL server.
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

// world is a simulated aggregator outside of the service, with what it saw.
type world struct {
	*simulator.Server
	url  string
	gate sync.RWMutex // held: requests wait
}

func newWorld(t *testing.T) *world {
	w := &world{Server: simulator.New(simulator.Config{ResendAfter: time.Second})}
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

// hold lets requests wait until release is called, at the test's end at the latest.
func (w *world) hold(t *testing.T) (release func()) {
	w.gate.Lock()
	release = sync.OnceFunc(w.gate.Unlock)
	t.Cleanup(release)
	return release
}

// customer has an account with the carrier of this key.
func customer(t *testing.T, carrier string) simulator.Person {
	for i, c := range simulator.Carriers() {
		if c.Key == carrier {
			return simulator.People()[i]
		}
	}
	t.Fatalf("no carrier %q", carrier)
	return simulator.Person{}
}

// code is the latest that a person got.
func (w *world) code(t *testing.T, p simulator.Person) string {
	inbox := w.Inbox(p.Phone)
	require.NotEmpty(t, inbox, "no text came")
	return inbox[len(inbox)-1].Code
}

// running is a service that runs.
type running struct {
	t    *testing.T
	url  string
	log  *locked
	stop func()

	console, password string // of the operators, where there is one
}

// testing options: nothing that waits for long, and no limits in the way.
func quick(w *world) options {
	o := standard()
	o.addr, o.org, o.store, o.level = "127.0.0.1:0", "DEMO", "memory", slog.LevelDebug
	o.allowance = allowance{burst: 1e6, perSecond: 1e6}
	o.machine.ResendAfter = time.Second
	if w != nil {
		o.upstream = w.url
	}
	return o
}

// onFile keeps the verifications in a file of the test.
func (o options) onFile(t *testing.T) options {
	o.store = "sqlite:" + filepath.Join(t.TempDir(), "service.db")
	return o
}

// start starts the service as main does, and stops it with the test.
func start(t *testing.T, o options) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	r := &running{t: t, log: &locked{}}
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
	r.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(r.stop)
	return r
}

// locked is a log that several goroutines write.
type locked struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
