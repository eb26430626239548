package carrierfsm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestACatchUpThatIsStoppedGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		d := new(diary)
		d.set(func(tr carrierfsm.Transition, n int) error {
			switch {
			case tr.Step == 1 && n == 1:
				return errors.New("not now")
			case tr.Step == 2 && n == 1:
				cancel() // while it catches up
			}
			return nil
		})
		b := handled(t, d.handle)
		b.Reach("10002")
		require.NoError(t, b.Machine.Run(ctx))
		require.Equal(t, []string{"v1/1", "v1/1", "v1/2"}, d.got())
		stop := running(t, b.Machine)
		defer stop()
		pass(10 * time.Second)
		require.Equal(t, []string{"v1/1", "v1/1", "v1/2", "v1/3"}, d.got())
	})
}

func TestDeliverGoesOnUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := new(diary)
	b := handled(t, d.handle)
	const many = 210 // more than two pages of transitions
	for i := range many {
		v, err := b.Machine.Create(ctx, carrierfsm.NewVerification{ID: fmt.Sprintf("w%d", i)})
		require.NoError(t, err)
		_, err = b.Machine.Submit(ctx, v.ID, application(0))
		require.NoError(t, err)
	}
	n, err := b.Machine.Deliver(ctx)
	require.NoError(t, err)
	require.Equal(t, 2*many, n)
}

func TestARetryIsWithinAQuarterOfItsInterval(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	now := time.Now()
	d := &diary{fail: func(carrierfsm.Transition, int) error { return errors.New("never") }}
	b := handled(t, d.handle, func(c *carrierfsm.Config) {
		c.Now = func() time.Time { return now }
		c.Delivery.RetryMin, c.Delivery.RetryMax = 100*time.Second, 100*time.Second // may be equal
	})
	b.Reach("10002")
	var least, most time.Duration
	for range 60 {
		_, err := b.Machine.Deliver(ctx)
		require.ErrorContains(t, err, "never")
		rows, err := b.Machine.Parked(ctx, carrierfsm.ParkedQuery{})
		require.NoError(t, err)
		wait := rows[0].Next.Sub(now)
		require.InDelta(t, 100, wait.Seconds(), 25.1)
		least, most = min(least, wait-100*time.Second), max(most, wait-100*time.Second)
		now = rows[0].Next
	}
	require.Negative(t, least, "earlier too")
	require.Positive(t, most, "and later")
}

func TestAReplayOfWhatIsParkedTellsWhoWantedIt(t *testing.T) {
	t.Parallel()
	ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
	d := &diary{fail: func(carrierfsm.Transition, int) error { return errors.New("never") }}
	b := handled(t, d.handle, func(c *carrierfsm.Config) { c.Store = memory.New() })
	b.Reach("10002")
	_, err := b.Machine.Deliver(ctx)
	require.ErrorContains(t, err, "never")
	require.NoError(t, b.Machine.Replay(ctx, "diary", "v1", 1))
	rows, err := b.Machine.Parked(ctx, carrierfsm.ParkedQuery{})
	require.NoError(t, err)
	require.Contains(t, rows[0].Why, "li.wei")
}

func TestAReplayTellsWhoAskedForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
		d := new(diary)
		d.fail = func(_ carrierfsm.Transition, n int) error {
			if n > 1 {
				return errors.New("not again")
			}
			return nil
		}
		b := handled(t, d.handle)
		stop := running(t, b.Machine)
		b.Reach("10002")
		synctest.Wait()
		stop()
		require.NoError(t, b.Machine.Replay(ctx, "diary", "v1", 2))
		why := func() string {
			rows, err := b.Machine.Parked(ctx, carrierfsm.ParkedQuery{})
			require.NoError(t, err)
			return rows[0].Why
		}
		require.Equal(t, "by li.wei", why())
		_, err := b.Machine.Deliver(ctx)
		require.Error(t, err)
		require.Equal(t, "error", why(), "what fails again says so")
	})
}

// Handing one transition to a handler, from a store in memory.
func BenchmarkDelivery(b *testing.B) {
	ctx, page := context.Background(), 0
	var m *carrierfsm.Machine
	b.ReportAllocs()
	for b.Loop() {
		if page == 0 {
			b.StopTimer()
			m, page = undelivered(b, 1000), 1000
			b.StartTimer()
			if _, err := m.Deliver(ctx); err != nil {
				b.Fatal(err)
			}
		}
		page--
	}
}

// undelivered is a machine with so many transitions that its handler has not had.
func undelivered(b *testing.B, n int) *carrierfsm.Machine {
	b.Helper()
	ctx := context.Background()
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: memory.New(), Upstream: fsmtest.Instant{},
		Handlers: map[string]carrierfsm.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }},
	})
	if err != nil {
		b.Fatal(err)
	}
	for range n {
		v, err := m.Create(ctx, carrierfsm.NewVerification{})
		if err == nil {
			_, err = m.Submit(ctx, v.ID, carrierfsm.Cancel{})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return m
}
