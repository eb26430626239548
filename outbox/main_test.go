package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// No test may leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pass lets the time of a synctest bubble pass.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the time is fake

// running calls run until the returned function is called.
func running(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

// newBench returns a Bench with the real time, on this store or one in memory.
func newBench(t *testing.T, store ...carrierfsm.Store) *fsmtest.Bench {
	t.Helper()
	cfg := carrierfsm.Config{Now: time.Now}
	if len(store) > 0 {
		cfg.Store = store[0]
	}
	return fsmtest.NewWith(t, cfg)
}

// dispatcher returns a dispatcher with the handler "notify".
func dispatcher(b *fsmtest.Bench, h outbox.Handler, change ...func(*outbox.Config)) *outbox.Dispatcher {
	cfg := outbox.Config{Handlers: map[string]outbox.Handler{"notify": h}}
	for _, f := range change {
		f(&cfg)
	}
	if cfg.Starts == nil {
		cfg.Starts = make(map[string]outbox.Start)
		for name := range cfg.Handlers {
			cfg.Starts[name] = outbox.FromBeginning
		}
	}
	return b.Dispatcher(cfg)
}

// parked returns the first page of the parked rows.
func parked(t *testing.T, d *outbox.Dispatcher) []outbox.Parked {
	t.Helper()
	rows, err := d.Parked(context.Background(), outbox.ParkedQuery{})
	require.NoError(t, err)
	return rows
}

// plain are the transitions of a plain verification up to its code.
var plain = []string{"v1/1", "v1/2", "v1/3"}

// recorder is a handler that records its calls.
type recorder struct {
	mu    sync.Mutex
	calls []call
	count map[string]int // by transition
	fail  func(t carrierfsm.Transition, n int) error
}

// call is one call of a handler.
type call struct {
	transition string // "id/step"
	at         time.Time
}

// failing returns a recorder that returns what fail returns. n counts the calls
// for the transition, from 1.
func failing(fail func(t carrierfsm.Transition, n int) error) *recorder {
	return &recorder{fail: fail}
}

var errHandler = errors.New("not now")

func (r *recorder) handle(_ context.Context, t carrierfsm.Transition) error {
	transition := fmt.Sprintf("%s/%d", t.ID, t.Step)
	r.mu.Lock()
	r.calls = append(r.calls, call{transition, time.Now()})
	if r.count == nil {
		r.count = make(map[string]int)
	}
	r.count[transition]++
	n, fail := r.count[transition], r.fail
	r.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(t, n)
}

// heal ends the failures.
func (r *recorder) heal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = nil
}

// got returns the transitions in the order of the calls.
func (r *recorder) got() (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		list = append(list, c.transition)
	}
	return list
}

// times returns when the handler was called for a transition.
func (r *recorder) times(transition string) (list []time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		if c.transition == transition {
			list = append(list, c.at)
		}
	}
	return list
}

// detachable is a store in memory whose leases and cursors a dispatcher can't
// write any more once it is detached, as if its process had died.
type detachable struct {
	*memory.Store
	mu   sync.Mutex
	gone bool
}

func (s *detachable) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return errors.New("the connection is gone")
	}
	return nil
}

func (s *detachable) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
}

func (s *detachable) attach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = false
}

func (s *detachable) Acquire(ctx context.Context, name, owner string, ttl time.Duration, start outbox.Start) (outbox.Lease, error) {
	if err := s.check(); err != nil {
		return outbox.Lease{}, err
	}
	return s.Store.Acquire(ctx, name, owner, ttl, start)
}

func (s *detachable) Release(ctx context.Context, l outbox.Lease) error {
	if err := s.check(); err != nil {
		return err
	}
	return s.Store.Release(ctx, l)
}

func (s *detachable) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if err := s.check(); err != nil {
		return err
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}
