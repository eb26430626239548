package carrierfsm_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
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
