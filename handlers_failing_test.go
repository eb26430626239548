package carrierfsm_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Handlers that fail, stores that fail, and what an operator does about it.

func TestAFailingHandlerIsTriedAgainAtGrowingIntervalsAndOthersGoOn(t *testing.T) {
	t.Parallel()
	ways := map[string]func(t *testing.T){
		"error":   func(*testing.T) {},
		"panic":   func(*testing.T) { panic("no") },
		"timeout": func(*testing.T) { pass(2 * time.Second) },
		"goexit":  func(*testing.T) { runtime.Goexit() },
	}
	for way, fails := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &diary{fail: func(tr carrierfsm.Transition, n int) error {
					if tr.ID == "v1" && tr.Step == 2 && n <= 4 {
						fails(t)
						return errors.New("not now")
					}
					return nil
				}}
				b := handled(t, d.handle, func(c *carrierfsm.Config) { c.Delivery.Timeout = time.Second })
				stop := running(t, b.Machine)
				defer stop()
				b.Reach("10002")
				b.Create(carrierfsm.NewVerification{ID: "other"}).Reach()
				pass(1500 * time.Millisecond)
				synctest.Wait()
				require.Subset(t, d.got(), []string{"other/1", "other/2"}, "others go on")
				require.NotContains(t, d.got(), "v1/3", "the later step waits")
				rows, err := b.Machine.Parked(context.Background(), carrierfsm.ParkedQuery{})
				require.NoError(t, err)
				require.Len(t, rows, 1)
				require.Equal(t, 2, rows[0].Step)
				require.Equal(t, 3, rows[0].Upto)
				require.Equal(t, strings.Replace(way, "goexit", "panic", 1), rows[0].Why)
				pass(time.Minute)
				synctest.Wait()
				require.Equal(t, []string{"v1/1", "v1/2", "v1/2", "v1/2", "v1/2", "v1/2", "v1/3"}, only(d.got(), "v1"))
				at := d.times("v1/2")
				require.Greater(t, at[4].Sub(at[3]), 2*at[1].Sub(at[0])-time.Second, "intervals grow")
				rows, err = b.Machine.Parked(context.Background(), carrierfsm.ParkedQuery{})
				require.NoError(t, err)
				require.Empty(t, rows)
			})
		})
	}
}

// only are the deliveries of one verification.
func only(list []string, id string) (kept []string) {
	for _, what := range list {
		if strings.HasPrefix(what, id+"/") {
			kept = append(kept, what)
		}
	}
	return kept
}

func TestWhatComesWhileAVerificationIsParkedWaitsItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{fail: func(tr carrierfsm.Transition, n int) error {
			if tr.Step == 1 && n <= 3 {
				return errors.New("not now")
			}
			return nil
		}}
		b := handled(t, d.handle)
		stop := running(t, b.Machine)
		defer stop()
		b.Must(b.Submit(application(0)))
		synctest.Wait()
		b.Upstream.Then(fsmtest.Code("10002"))
		b.Must(b.Password("246810"))
		pass(20 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"v1/1", "v1/1", "v1/1", "v1/1", "v1/2", "v1/3"}, d.got())
	})
}

func TestAttemptsAreThoseOfThePresentStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{fail: func(tr carrierfsm.Transition, n int) error {
			if n <= 3 {
				return errors.New("not now")
			}
			return nil
		}}
		b := handled(t, d.handle)
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10002")
		for ; len(d.times("v1/2")) < 3; pass(100 * time.Millisecond) {
			synctest.Wait()
			rows, err := b.Machine.Parked(context.Background(), carrierfsm.ParkedQuery{})
			require.NoError(t, err)
			want := len(d.times(fmt.Sprintf("v1/%d", rows[0].Step)))
			require.Equal(t, want, rows[0].Attempts)
		}
	})
}

func TestReplayHasStepsDeliveredAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		d := new(diary)
		b := handled(t, d.handle)
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10002")
		synctest.Wait()
		require.NoError(t, b.Machine.Replay(ctx, "diary", "v1", 2))
		pass(time.Second)
		synctest.Wait()
		require.Equal(t, append(slices.Clone(plain), "v1/2", "v1/3"), d.got())
		require.NoError(t, b.Machine.Replay(ctx, "diary", "v1", 0))
		pass(time.Second)
		synctest.Wait()
		require.Equal(t, append(append(slices.Clone(plain), "v1/2", "v1/3"), plain...), d.got())
		require.ErrorIs(t, b.Machine.Replay(ctx, "diary", "v1", 4), carrierfsm.ErrNotFound)
		require.ErrorIs(t, b.Machine.Replay(ctx, "diary", "v2", 1), carrierfsm.ErrNotFound)
		require.ErrorIs(t, b.Machine.Replay(ctx, "dairy", "v1", 1), carrierfsm.ErrInvalid)
	})
}

func TestReplayOfAParkedVerificationTriesItAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		broken := true
		d := new(diary)
		d.fail = func(carrierfsm.Transition, int) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if broken {
				return errors.New("not now")
			}
			return nil
		}
		b := handled(t, d.handle)
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10002")
		pass(40 * time.Minute)
		rows, err := b.Machine.Parked(ctx, carrierfsm.ParkedQuery{Handler: "diary"})
		require.NoError(t, err)
		require.Greater(t, rows[0].Attempts, 8, "without an end")
		require.LessOrEqual(t, time.Until(rows[0].Next), 13*time.Minute)
		d.mu.Lock()
		broken = false
		d.mu.Unlock()
		require.NoError(t, b.Machine.Replay(ctx, "diary", "v1", 99), "a parked one needs no step")
		pass(time.Second)
		synctest.Wait()
		rows, err = b.Machine.Parked(ctx, carrierfsm.ParkedQuery{})
		require.NoError(t, err)
		require.Empty(t, rows)
	})
}

func TestAnEntryThatCantBeOpenedParksItsVerification(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Sealer: sealerOf(t, "k1")})
		b.Reach("10002")
		blind := b.Replica(handler(d.handle), func(c *carrierfsm.Config) { c.Sealer = nil })
		stop := running(t, blind.Machine)
		defer stop()
		synctest.Wait()
		require.Empty(t, d.got())
		rows, err := b.Machine.Parked(context.Background(), carrierfsm.ParkedQuery{})
		require.NoError(t, err)
		require.Equal(t, "unreadable", rows[0].Why)
	})
}

func TestCursorsTellHowFarAHandlerHasCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		b := handled(t, d.handle)
		stop := running(t, b.Machine)
		b.Reach("10002")
		synctest.Wait()
		list, err := b.Machine.Cursors(context.Background())
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, "diary", list[0].Name)
		require.True(t, list[0].Behind.IsZero())
		require.NotEmpty(t, list[0].Owner)
		stop()
		b.Must(b.Submit(carrierfsm.Cancel{}))
		list, err = b.Machine.Cursors(context.Background())
		require.NoError(t, err)
		require.Empty(t, list[0].Owner)
		require.Equal(t, time.Now().UTC(), list[0].Behind)
	})
}

func TestHandlersNeedAnOutboxAndAName(t *testing.T) {
	t.Parallel()
	h := func(context.Context, carrierfsm.Transition) error { return nil }
	for name, c := range map[string]struct {
		set  func(*carrierfsm.Config)
		want error
	}{
		"no outbox":   {func(c *carrierfsm.Config) { c.Store = struct{ carrierfsm.Store }{memory.New()} }, carrierfsm.ErrNoOutbox},
		"no name":     {func(c *carrierfsm.Config) { c.Handlers[""] = h }, carrierfsm.ErrInvalid},
		"a space":     {func(c *carrierfsm.Config) { c.Handlers["a b"] = h }, carrierfsm.ErrInvalid},
		"a long name": {func(c *carrierfsm.Config) { c.Handlers[strings.Repeat("x", 129)] = h }, carrierfsm.ErrInvalid},
		"nil":         {func(c *carrierfsm.Config) { c.Handlers["nil"] = nil }, carrierfsm.ErrInvalid},
		"start":       {func(c *carrierfsm.Config) { c.Delivery.Start = 7 }, carrierfsm.ErrInvalid},
		"negative":    {func(c *carrierfsm.Config) { c.Delivery.Workers = -1 }, carrierfsm.ErrInvalid},
		"retries":     {func(c *carrierfsm.Config) { c.Delivery.RetryMin, c.Delivery.RetryMax = 2, 1 }, carrierfsm.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := carrierfsm.Config{Store: memory.New(), Upstream: fsmtest.NewUpstream(), Handlers: map[string]carrierfsm.Handler{"ok": h}}
			c.set(&cfg)
			_, err := carrierfsm.New(cfg)
			require.ErrorIs(t, err, c.want)
		})
	}
	m, err := carrierfsm.New(carrierfsm.Config{Store: struct{ carrierfsm.Store }{memory.New()}, Upstream: fsmtest.NewUpstream()})
	require.NoError(t, err, "without handlers any store will do")
	_, err = m.Cursors(context.Background())
	require.ErrorIs(t, err, carrierfsm.ErrNoOutbox)
	_, err = m.Parked(context.Background(), carrierfsm.ParkedQuery{})
	require.ErrorIs(t, err, carrierfsm.ErrNoOutbox)
	require.ErrorIs(t, m.Replay(context.Background(), "h", "v1", 1), carrierfsm.ErrNoOutbox)
}

func TestAStoreThatFailsIsToldOnceAndHandlersGoOnAfterwards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		var mu sync.Mutex
		failing := &flaky{Store: memory.New(), until: time.Now().Add(time.Minute)}
		d := new(diary)
		b := handled(t, d.handle, func(c *carrierfsm.Config) {
			c.Store, c.Logger = failing, slog.New(slog.NewTextHandler(&lockedWriter{w: &log, mu: &mu}, nil))
		})
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10002")
		pass(2 * time.Minute)
		synctest.Wait()
		require.Equal(t, plain, d.got())
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, 1, strings.Count(log.String(), "held up"), log.String())
	})
}

// flaky can't be read by handlers for some time.
type flaky struct {
	*memory.Store
	until time.Time
}

func (s *flaky) Pending(ctx context.Context, l carrierfsm.Lease, limit int) (carrierfsm.Batch, error) {
	if time.Now().Before(s.until) {
		return carrierfsm.Batch{}, errors.New("down")
	}
	return s.Store.Pending(ctx, l, limit)
}

type lockedWriter struct {
	w  *strings.Builder
	mu *sync.Mutex
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestDeliverCallsHandlersOnceForAllThatIsThere(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := &diary{fail: func(tr carrierfsm.Transition, n int) error {
		if tr.Step == 2 && n == 1 {
			return errors.New("not now")
		}
		return nil
	}}
	now := time.Now()
	b := handled(t, d.handle, func(c *carrierfsm.Config) { c.Now = func() time.Time { return now } })
	b.Reach("10002")
	n, err := b.Machine.Deliver(ctx)
	require.ErrorContains(t, err, "not now")
	require.Equal(t, 1, n)
	n, err = b.Machine.Deliver(ctx)
	require.NoError(t, err)
	require.Zero(t, n, "its time has not come")
	now = now.Add(2 * time.Second)
	n, err = b.Machine.Deliver(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []string{"v1/1", "v1/2", "v1/2", "v1/3"}, d.got())
}

func TestDeliverLeavesAHandlerToItsLeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, other := new(diary), new(diary)
		b := handled(t, d.handle)
		second := b.Replica(handler(other.handle))
		stop := running(t, b.Machine)
		defer stop()
		synctest.Wait()
		b.Reach("10002")
		n, err := second.Machine.Deliver(context.Background())
		require.NoError(t, err)
		require.Zero(t, n)
		synctest.Wait()
		require.Equal(t, plain, d.got())
	})
}

func TestDeliverTellsWhatTheStoreFails(t *testing.T) {
	t.Parallel()
	b := handled(t, new(diary).handle, func(c *carrierfsm.Config) {
		c.Store = &flaky{Store: memory.New(), until: time.Now().Add(time.Hour)}
	})
	b.Reach("10002")
	_, err := b.Machine.Deliver(context.Background())
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	rows, err := b.Machine.Cursors(context.Background())
	require.NoError(t, err)
	require.Empty(t, rows[0].Owner, "the lease is given back")
}
