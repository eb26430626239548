package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

func TestATransitionHasItsDetail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := make(chan carrierfsm.Transition, 3)
		b := newBench(t)
		defer running(t, dispatcher(b, func(_ context.Context, t carrierfsm.Transition) error {
			got <- t
			return nil
		}).Run)()
		b.Reach("10002")
		for _, want := range b.History() {
			require.Equal(t, want, <-got)
		}
	})
}

// A handler may start goroutines of its own that end with the context.
func TestTheContextOfAHandlerEndsWithIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Reach()
	var during []error
	var handled []context.Context
	_, err := dispatcher(b, func(ctx context.Context, _ carrierfsm.Transition) error {
		during, handled = append(during, ctx.Err()), append(handled, ctx)
		return nil
	}).Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, []error{nil, nil}, during)
	for _, ctx := range handled {
		require.ErrorIs(t, ctx.Err(), context.Canceled)
	}
}

func TestTheTransitionOfAReportIsDelivered(t *testing.T) {
	t.Parallel()
	reports := new(fsmtest.Reports)
	reports.Then(carrierfsm.ReportStateReady)
	b := fsmtest.NewWith(t, carrierfsm.Config{Reporter: reports})
	b.Reach("10008")
	b.Clock.Advance(time.Hour)
	b.Settle()
	require.Equal(t, carrierfsm.ReportReady, b.Events()[3])
	r := new(recorder)
	_, err := dispatcher(b, r.handle).Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, []string{"v1/1", "v1/2", "v1/3", "v1/4"}, r.got())
}

func TestAFailingHandlerIsRetriedAtGrowingIntervalsAndOtherVerificationsContinue(t *testing.T) {
	t.Parallel()
	ways := map[string]func(){
		"error":   func() {},
		"panic":   func() { panic("no") },
		"timeout": func() { pass(2 * time.Second) },
		"goexit":  runtime.Goexit,
	}
	for way, fails := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := failing(func(tr carrierfsm.Transition, n int) error {
					if tr.ID == "v1" && tr.Step == 2 && n <= 4 {
						fails()
						return errHandler
					}
					return nil
				})
				b := newBench(t)
				d := dispatcher(b, r.handle, func(c *outbox.Config) { c.Timeout = time.Second })
				defer running(t, d.Run)()
				b.Reach("10002")
				b.Create(carrierfsm.NewVerification{ID: "other"}).Reach()
				pass(1500 * time.Millisecond)
				synctest.Wait()
				require.Subset(t, r.got(), []string{"other/1", "other/2"})
				require.NotContains(t, r.got(), "v1/3", "the later step waits")
				rows := parked(t, d)
				require.Len(t, rows, 1)
				require.Equal(t, 2, rows[0].Step)
				require.Equal(t, 3, rows[0].Upto)
				require.Equal(t, strings.Replace(way, "goexit", "panic", 1), rows[0].Why)
				pass(time.Minute)
				synctest.Wait()
				require.Equal(t, []string{"v1/1", "v1/2", "v1/2", "v1/2", "v1/2", "v1/2", "v1/3"}, only(r.got(), "v1"))
				at := r.times("v1/2")
				require.Greater(t, at[4].Sub(at[3]), 2*at[1].Sub(at[0])-time.Second, "intervals grow")
				require.Empty(t, parked(t, d))
			})
		})
	}
}

// only returns the calls for one verification.
func only(list []string, id string) []string {
	return slices.DeleteFunc(list, func(transition string) bool { return !strings.HasPrefix(transition, id+"/") })
}

func TestATransitionOfAParkedVerificationWaitsItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := failing(func(tr carrierfsm.Transition, n int) error {
			if tr.Step == 1 && n <= 3 {
				return errHandler
			}
			return nil
		})
		b := newBench(t)
		defer running(t, dispatcher(b, r.handle).Run)()
		b.Must(b.Apply())
		synctest.Wait()
		b.Upstream.Then(fsmtest.Code("10002"))
		b.Must(b.Password("246810"))
		pass(20 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"v1/1", "v1/1", "v1/1", "v1/1", "v1/2", "v1/3"}, r.got())
	})
}

func TestAttemptsCountsThoseOfThePresentStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := failing(func(_ carrierfsm.Transition, n int) error {
			if n <= 3 {
				return errHandler
			}
			return nil
		})
		b := newBench(t)
		d := dispatcher(b, r.handle)
		defer running(t, d.Run)()
		b.Reach("10002")
		for ; len(r.times("v1/2")) < 3; pass(100 * time.Millisecond) {
			synctest.Wait()
			row := parked(t, d)[0]
			require.Len(t, r.times(fmt.Sprintf("v1/%d", row.Step)), row.Attempts)
		}
	})
}

func TestARetryIsWithinAQuarterOfItsInterval(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	now := time.Now()
	r := failing(func(carrierfsm.Transition, int) error { return errHandler })
	b := newBench(t)
	d := dispatcher(b, r.handle, func(c *outbox.Config) {
		c.Now = func() time.Time { return now }
		c.RetryMin, c.RetryMax = 100*time.Second, 100*time.Second // may be equal
	})
	b.Reach("10002")
	var least, most time.Duration
	for range 60 {
		_, err := d.Deliver(ctx)
		require.ErrorIs(t, err, errHandler)
		next := parked(t, d)[0].Next
		wait := next.Sub(now)
		require.InDelta(t, 100, wait.Seconds(), 25.1)
		least, most = min(least, wait-100*time.Second), max(most, wait-100*time.Second)
		now = next
	}
	require.Negative(t, least, "some are earlier")
	require.Positive(t, most, "and some later")
}

func TestARetryThatIsStoppedContinuesAtItsStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		r := failing(func(tr carrierfsm.Transition, n int) error {
			switch {
			case tr.Step == 1 && n == 1:
				return errHandler
			case tr.Step == 2 && n == 1:
				cancel() // during the retry
			}
			return nil
		})
		b := newBench(t)
		d := dispatcher(b, r.handle)
		b.Reach("10002")
		require.NoError(t, d.Run(ctx))
		require.Equal(t, []string{"v1/1", "v1/1", "v1/2"}, r.got())
		defer running(t, d.Run)()
		pass(10 * time.Second)
		require.Equal(t, []string{"v1/1", "v1/1", "v1/2", "v1/3"}, r.got())
	})
}

func TestAnUnreadableEntryParksItsVerification(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sealer, err := seal.New(seal.Key{ID: "k1", Key: carrierfsm.NewSecret(strings.Repeat("k", 32))})
		require.NoError(t, err)
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Sealer: sealer})
		b.Reach("10002")
		r := new(recorder)
		d := dispatcher(b.Replica(func(c *carrierfsm.Config) { c.Sealer = nil }), r.handle)
		defer running(t, d.Run)()
		synctest.Wait()
		require.Empty(t, r.got())
		require.Equal(t, "unreadable", parked(t, d)[0].Why)
	})
}

// lostAnswer loses the answer to the write that ends a parked row, once.
type lostAnswer struct {
	*memory.Store
	meanwhile func() // is called before the error is returned
}

func (s *lostAnswer) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	err := s.Store.Advance(ctx, l, b, n, rows)
	if meanwhile := s.meanwhile; meanwhile != nil && err == nil && n == 0 && rows[0].Step > rows[0].Upto {
		s.meanwhile = nil
		meanwhile()
		return errors.New("the answer was lost")
	}
	return err
}

func TestARepeatedWriteDoesNotEndALaterParkedRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := failing(func(tr carrierfsm.Transition, n int) error {
			if n == 1 && (tr.Step == 1 || tr.Step == 3) {
				return errHandler
			}
			return nil
		})
		store := &lostAnswer{Store: memory.New()}
		b := newBench(t, store)
		d := dispatcher(b, r.handle)
		store.meanwhile = func() {
			b.Upstream.Then(fsmtest.Code("10002"))
			b.Must(b.Password("246810"))
			for range 100 {
				if rows := parked(t, d); len(rows) == 1 {
					require.Equal(t, 3, rows[0].Step)
					return
				}
				pass(time.Millisecond)
			}
			require.Fail(t, "the third step was not parked")
		}
		defer running(t, d.Run)()
		b.Must(b.Apply())
		pass(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"v1/1", "v1/1", "v1/2", "v1/3", "v1/3"}, r.got())
	})
}

// What a handler panics with may be personal. The log has its type and where it was.
func TestWhatAHandlerPanicsWithIsNotLogged(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"string": "the person 13800138000", "*errors.errorString": errors.New("the person 13800138000"), "struct { Phone string }": struct{ Phone string }{"13800138000"},
	} {
		var log bytes.Buffer
		b := newBench(t)
		b.Must(b.Apply())
		d := dispatcher(b, func(context.Context, carrierfsm.Transition) error { panic(value) }, func(c *outbox.Config) {
			c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
		})
		_, err := d.Deliver(context.Background())
		require.NotContains(t, fmt.Sprint(err)+log.String()+fmt.Sprintf("%+v", parked(t, d)), "13800138000")
		require.Contains(t, log.String(), "panicked with a "+name+" at ")
		require.Contains(t, log.String(), "TestWhatAHandlerPanicsWithIsNotLogged", "the function that panicked")
		require.Contains(t, log.String(), "deliver_test.go:")
	}
}

func TestDeliverCallsOneHandlerAfterTheOtherInTheOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	create(t, b, "v-", 1)
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	var called []string
	cfg := outbox.Config{Handlers: make(map[string]outbox.Handler), Starts: make(map[string]outbox.Start)}
	for _, name := range names {
		cfg.Starts[name] = outbox.FromBeginning
		cfg.Handlers[name] = func(context.Context, carrierfsm.Transition) error {
			called = append(called, name)
			return nil
		}
	}
	_, err := b.Dispatcher(cfg).Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, names, called)
}
