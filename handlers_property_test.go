package carrierfsm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// firsts notes what was handled, and sees that each step follows the one
// before when it is handled for the first time.
type firsts struct {
	mu      sync.Mutex
	last    map[string]int
	wrong   []string
	calls   int
	failing func(call int) bool
}

func (f *firsts) handle(_ context.Context, t carrierfsm.Transition) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls++; f.failing != nil && f.failing(f.calls) {
		return errors.New("not now")
	}
	if t.Step > f.last[t.ID]+1 {
		f.wrong = append(f.wrong, fmt.Sprintf("%s/%d after %d", t.ID, t.Step, f.last[t.ID]))
	}
	f.last[t.ID] = max(f.last[t.ID], t.Step)
	return nil
}

// heal ends the failing.
func (f *firsts) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = nil
}

// mortal is one replica that runs handlers on a store of many.
type mortal struct {
	store *lifeless
	stop  func()
}

func TestWhateverFailsEveryStepIsHandledAndInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "failures")
		actions := rapid.SliceOfN(rapid.IntRange(0, 9), 5, 60).Draw(rt, "actions")
		synctest.Test(t, func(t *testing.T) {
			f := &firsts{last: make(map[string]int)}
			f.failing = func(call int) bool { return (seed>>(call%64))&1 == 1 }
			base := memory.New()
			replicas := make([]mortal, 3)
			for i := range replicas {
				replicas[i] = start(t, base, f)
			}
			steps := make(map[string]int)
			for _, a := range actions {
				switch {
				case a < 6:
					grow(t, base, steps, fmt.Sprintf("v%d", a%4))
				case a < 8:
					pass(time.Duration(a*a) * 100 * time.Millisecond)
				default: // one dies with its lease, or stops in good order, and is replaced
					i := len(steps) % len(replicas)
					if a == 8 {
						replicas[i].store.die()
					}
					replicas[i].stop()
					replicas[i] = start(t, base, f)
				}
			}
			f.heal()
			pass(30 * time.Minute) // leases end, retries come round
			for _, r := range replicas {
				r.stop()
			}
			require.Empty(t, f.wrong, strings.Join(f.wrong, ", "))
			require.Equal(t, steps, f.last)
			rows, err := base.Parked(context.Background(), carrierfsm.ParkedQuery{})
			require.NoError(t, err)
			require.Empty(t, rows)
		})
	})
}

func start(t *testing.T, base *memory.Store, f *firsts) mortal {
	t.Helper()
	s := &lifeless{Store: base}
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: s, Upstream: fsmtest.NewUpstream(), PollInterval: 10 * time.Second,
		Handlers: map[string]carrierfsm.Handler{"firsts": f.handle},
	})
	require.NoError(t, err)
	return mortal{s, running(t, m)}
}

// grow gives a verification one more step.
func grow(t *testing.T, s carrierfsm.Store, steps map[string]int, id string) {
	t.Helper()
	ctx := context.Background()
	if steps[id] == 0 {
		require.NoError(t, s.Create(ctx, carrierfsm.Record{ID: id, State: carrierfsm.Created, Version: 1}))
	}
	r, err := s.Load(ctx, id)
	require.NoError(t, err)
	r.Version++
	r.Step++
	steps[id] = r.Step
	require.NoError(t, s.Commit(ctx, r, carrierfsm.Entry{
		ID: id, Step: r.Step, From: carrierfsm.Created, Event: carrierfsm.OutcomeUnknown, To: carrierfsm.Created, At: time.Now(),
	}))
}
