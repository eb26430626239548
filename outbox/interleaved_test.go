package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// tally counts the calls for each transition.
type tally struct {
	mu    sync.Mutex
	calls map[string]int
}

func (c *tally) add(t carrierfsm.Transition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = make(map[string]int)
	}
	c.calls[fmt.Sprintf("%s/%d", t.ID, t.Step)]++
}

// Where the transitions of verifications alternate, several workers come to one verification.
// Each transition is delivered once, none is left, and those of one verification stay in order.
func TestInterleavedTransitionsAreDeliveredOnceAndInOrder(t *testing.T) {
	t.Parallel()
	const steps = 45
	for _, verifications := range []int{2, 4, 8, 31} {
		for _, takes := range []time.Duration{0, time.Millisecond} {
			for _, once := range []bool{true, false} {
				t.Run(fmt.Sprintf("%d verifications, calls of %s, Deliver %v", verifications, takes, once), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						store := memory.New()
						b := newBench(t, store)
						written, want := make(map[string]int), make(map[string]int)
						for step := range steps {
							for v := range verifications {
								addStep(t, store, written, fmt.Sprint("w", v))
								want[fmt.Sprintf("w%d/%d", v, step+1)] = 1
							}
						}
						var got tally
						latest, inOrder := make(map[string]int), true
						d := dispatcher(b, func(_ context.Context, tr carrierfsm.Transition) error {
							got.add(tr)
							pass(takes)
							got.mu.Lock()
							defer got.mu.Unlock()
							inOrder = inOrder && tr.Step == latest[tr.ID]+1
							latest[tr.ID] = tr.Step
							return nil
						})
						if once {
							n, err := d.Deliver(t.Context())
							require.NoError(t, err)
							require.Equal(t, steps*verifications, n)
						} else {
							stop := running(t, d.Run)
							pass(time.Minute)
							stop()
						}
						require.Equal(t, want, got.calls)
						require.True(t, inOrder)
					})
				})
			}
		}
	}
}

// delayed is a store whose parked rows take time to be read and written.
type delayed struct{ *memory.Store }

func (s delayed) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	rows, err := s.Store.Parked(ctx, q)
	pass(20 * time.Millisecond)
	return rows, err
}

func (s delayed) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	pass(5 * time.Millisecond)
	return s.Store.Advance(ctx, l, b, n, rows)
}

// A verification that was parked in an earlier term is retried, and the call is slow. Until the
// result of that call is committed it is not taken for the call of a replica that died.
func TestASlowCallOfTheTermIsNotTakenForThatOfADeadReplica(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		b := newBench(t, store)
		create(t, b, "w", 700) // more than are read at once
		failing := func(context.Context, carrierfsm.Transition) error { return errors.New("it fails") }
		stop := running(t, dispatcher(b, failing).Run)
		pass(3 * time.Second)
		stop()
		pass(time.Minute)
		var got tally
		d := dispatcher(b.Replica(func(c *carrierfsm.Config) { c.Store = delayed{store} }), func(_ context.Context, tr carrierfsm.Transition) error {
			got.add(tr)
			pass(3 * time.Second)
			return nil
		})
		stop = running(t, d.Run)
		pass(20 * time.Minute)
		stop()
		want := make(map[string]int)
		for i := range 700 {
			want[fmt.Sprintf("w%d/1", i)] = 1
		}
		require.Equal(t, want, got.calls)
	})
}
