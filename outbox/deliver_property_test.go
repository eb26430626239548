package outbox_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// orderChecker is a handler that notes steps whose first call comes before that
// of an earlier step.
type orderChecker struct {
	mu    sync.Mutex
	last  map[string]int // by verification
	wrong []string
	calls int
	fails func(call int) bool
}

func (c *orderChecker) handle(_ context.Context, t carrierfsm.Transition) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls++; c.fails != nil && c.fails(c.calls) {
		return errHandler
	}
	if t.Step > c.last[t.ID]+1 {
		c.wrong = append(c.wrong, fmt.Sprintf("%s/%d after %d", t.ID, t.Step, c.last[t.ID]))
	}
	c.last[t.ID] = max(c.last[t.ID], t.Step)
	return nil
}

func (c *orderChecker) heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails = nil
}

// replica is one of several dispatchers on the same store.
type replica struct {
	store *detachable
	stop  func()
}

func startReplica(t *testing.T, base *memory.Store, h outbox.Handler) replica {
	t.Helper()
	s := &detachable{Store: base}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: s, Upstream: fsmtest.NewUpstream()})
	require.NoError(t, err)
	d, err := outbox.New(m, s, outbox.Config{
		PollInterval: 10 * time.Second, Handlers: map[string]outbox.Handler{"notify": h},
	})
	require.NoError(t, err)
	return replica{s, running(t, d.Run)}
}

func TestEveryStepIsHandledAndInOrderWhateverFails(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "failures")
		actions := rapid.SliceOfN(rapid.IntRange(0, 9), 5, 60).Draw(rt, "actions")
		synctest.Test(t, func(t *testing.T) {
			c := &orderChecker{last: make(map[string]int)}
			c.fails = func(call int) bool { return (seed>>(call%64))&1 == 1 }
			base := memory.New()
			replicas := make([]replica, 3)
			for i := range replicas {
				replicas[i] = startReplica(t, base, c.handle)
			}
			steps := make(map[string]int)
			for _, a := range actions {
				switch {
				case a < 6:
					addStep(t, base, steps, fmt.Sprintf("v%d", a%4))
				case a < 8:
					pass(time.Duration(a*a) * 100 * time.Millisecond)
				default: // one dies with its lease, or stops and releases it, and is replaced
					i := len(steps) % len(replicas)
					if a == 8 {
						replicas[i].store.detach()
					}
					replicas[i].stop()
					replicas[i] = startReplica(t, base, c.handle)
				}
			}
			c.heal()
			pass(30 * time.Minute) // leases expire, retries become due
			for _, r := range replicas {
				r.stop()
			}
			require.Empty(t, c.wrong, strings.Join(c.wrong, ", "))
			require.Equal(t, steps, c.last)
			rows, err := base.Parked(context.Background(), outbox.ParkedQuery{})
			require.NoError(t, err)
			require.Empty(t, rows)
		})
	})
}

// addStep commits one more transition of a verification.
func addStep(t *testing.T, s carrierfsm.Store, steps map[string]int, id string) {
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
