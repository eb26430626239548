package carrierfsm_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

// No test may leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pass lets the time of a synctest bubble pass.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the time is fake

// application is the input that submits fsmtest's form at this step.
func application(step int) carrierfsm.Apply {
	return carrierfsm.Apply{Step: step, Form: fsmtest.Form(), Consent: fsmtest.Consent()}
}

// captcha is a code for the prompt of v, whatever is prompted for now.
func captcha(v carrierfsm.Verification, code string) carrierfsm.Captcha {
	return carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret(code)}
}

// background submits an input in the background of a synctest bubble, until that
// waits for its reply, and returns where its error will come.
func background(b *fsmtest.Bench, in carrierfsm.Input) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := b.Submit(in)
		done <- err
	}()
	synctest.Wait()
	return done
}

// latest are the last n events of the history.
func latest(b *fsmtest.Bench, n int) []carrierfsm.Event {
	events := b.Events()
	return events[max(0, len(events)-n):]
}

// lastDetail is the detail of the last transition.
func lastDetail(b *fsmtest.Bench) carrierfsm.Detail {
	history := b.History()
	return history[len(history)-1].Detail
}

// running runs a machine until the returned function is called.
func running(t *testing.T, m *carrierfsm.Machine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

func sealer(tb testing.TB) carrierfsm.Sealer {
	tb.Helper()
	s, err := seal.New(seal.Key{ID: "test", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(tb, err)
	return s
}

// machineOn is a machine with the time of the bubble, which it compares with the
// store's clock.
func machineOn(t *testing.T, store carrierfsm.Store, change ...func(*carrierfsm.Config)) *carrierfsm.Machine {
	t.Helper()
	c := carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()}
	for _, f := range change {
		f(&c)
	}
	m, err := carrierfsm.New(c)
	require.NoError(t, err)
	return m
}

// created creates verifications that are due after 30 min.
func created(t *testing.T, m *carrierfsm.Machine, n int) {
	t.Helper()
	for i := range n {
		_, err := m.Create(context.Background(), carrierfsm.NewVerification{ID: fmt.Sprintf("v%05d", i)})
		require.NoError(t, err)
	}
}

// live is how many verifications have not ended.
func live(t *testing.T, store carrierfsm.Store) int {
	t.Helper()
	list, err := store.List(context.Background(), carrierfsm.Query{States: []carrierfsm.State{carrierfsm.Created}, Limit: 100_000})
	require.NoError(t, err)
	return len(list)
}

// slowApply is an upstream that takes so long for a form.
type slowApply struct {
	fsmtest.Instant
	takes time.Duration
}

func (u slowApply) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	pass(u.takes)
	return u.Instant.Apply(ctx, a)
}

// submitting returns a machine, and a function with which people begin to submit on it.
// Each is under way for as long as upstream takes.
func submitting(t *testing.T, store carrierfsm.Store, takes time.Duration) (m *carrierfsm.Machine, submit func(people int)) {
	t.Helper()
	m = machineOn(t, store, func(c *carrierfsm.Config) { c.Upstream = slowApply{takes: takes} })
	return m, func(people int) {
		for i := range people {
			in := carrierfsm.NewVerification{ID: fmt.Sprintf("person-%d", i)}
			go func() { _, _ = m.Begin(context.Background(), in, application(0)) }()
		}
		synctest.Wait()
	}
}
