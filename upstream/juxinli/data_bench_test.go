package juxinli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
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

// archive is a simulator with one person who is through, and the data calls in front of it.
type archive struct {
	*juxinli.Data
	world *simulator.Server
	token carrierfsm.Secret
	clock *clock
}

// clock is one that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newClock() *clock { return &clock{now: time.Unix(1_900_000_000, 0).UTC()} }

// data makes data calls that try again at once.
func data(tb testing.TB, url string, set ...func(*juxinli.DataConfig)) *juxinli.Data {
	tb.Helper()
	cfg := juxinli.DataConfig{ClientSecret: carrierfsm.NewSecret(clientSecret), RetryPause: 1}
	for _, f := range set {
		f(&cfg)
	}
	d, err := client(tb, url).Data(cfg)
	require.NoError(tb, err)
	return d
}

// archived opens an archive whose person is at the carrier of this key.
func archived(tb testing.TB, key string, set ...func(*juxinli.DataConfig)) *archive {
	tb.Helper()
	a := &archive{clock: newClock()}
	a.world = simulator.New(simulator.Config{Now: a.clock.Now})
	server := httptest.NewServer(a.world)
	tb.Cleanup(server.Close)
	a.Data = data(tb, server.URL, append([]func(*juxinli.DataConfig){func(cfg *juxinli.DataConfig) { cfg.Now = a.clock.Now }}, set...)...)
	a.token = through(tb, client(tb, server.URL), a.world, key)
	return a
}

// through lets the person of a carrier do all that is asked, and returns the token.
func through(tb testing.TB, c *juxinli.Client, world *simulator.Server, key string) carrierfsm.Secret {
	tb.Helper()
	person := personOf(tb, key)
	receipt, err := c.Apply(tb.Context(), carrierfsm.Application{Form: form(person)})
	require.NoError(tb, err)
	r := carrierfsm.Request{
		Input: carrierfsm.InputPassword, Token: receipt.Token, Website: receipt.Source.Website, Account: person.Phone,
		Password: carrierfsm.NewSecret(person.Password),
	}
	reply, err := c.Collect(tb.Context(), r)
	require.NoError(tb, err)
	if reply.Code == "10002" {
		r.Input, r.Captcha = carrierfsm.InputCaptcha, carrierfsm.NewSecret(world.Inbox(person.Phone)[0].Code)
		reply, err = c.Collect(tb.Context(), r)
		require.NoError(tb, err)
	}
	require.Equal(tb, carrierfsm.ProcessCode("10008"), reply.Code)
	return carrierfsm.NewSecret(receipt.Token)
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

// asked is how often the simulator was asked for a path.
func (a *archive) asked(path string) (n int) {
	for _, r := range a.world.Requests() {
		if r.Path == path {
			n++
		}
	}
	return n
}

// counted is a server that answers each path thus, and counts.
type counted struct {
	*httptest.Server
	mu    sync.Mutex
	count map[string]int
}

func counting(tb testing.TB, answer func(path string, n int) string) *counted {
	tb.Helper()
	s := &counted{count: make(map[string]int)}
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

func (s *counted) asked(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[path]
}
