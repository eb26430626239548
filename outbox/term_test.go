package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestACommitOfThisProcessIsDeliveredAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := new(recorder)
		b := newBench(t)
		defer running(t, dispatcher(b, r.handle).Run)()
		defer running(t, b.Machine.Run)()
		pass(300 * time.Millisecond) // some time between two polls
		b.Reach()
		b.Upstream.Then(fsmtest.After(200*time.Millisecond, fsmtest.Code("10002"))) // the commit of the intent has no transition to deliver
		b.Must(b.Password("246810"))
		committed := time.Now()
		synctest.Wait()
		require.Equal(t, plain, r.got())
		require.Equal(t, committed, r.times("v1/3")[0])
		pass(time.Hour)
		require.Equal(t, carrierfsm.CaptchaExpired, b.Events()[3])
		want := []string{"v1/1", "v1/2", "v1/3", "v1/4", "v1/5"}
		require.Equal(t, want[:len(b.Events())], r.got(), "each once, in order")
	})
}

func TestACommitOfAnotherReplicaIsDeliveredWithinAPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := new(recorder)
		b := newBench(t)
		defer running(t, dispatcher(b.Replica(), r.handle).Run)()
		synctest.Wait()
		b.Reach("10002")
		pass(time.Second)
		synctest.Wait()
		require.Equal(t, plain, r.got())
	})
}

func TestAnotherReplicaContinuesWhereALeaseWasReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := new(recorder), new(recorder)
		b := newBench(t)
		stopOne := running(t, dispatcher(b, one.handle).Run)
		synctest.Wait()
		defer running(t, dispatcher(b.Replica(), two.handle).Run)()
		b.Must(b.Apply())
		pass(time.Minute)
		require.Empty(t, two.got(), "one holds the lease at a time")
		stopOne()
		b.Upstream.Then(fsmtest.Code("10002"))
		b.Must(b.Password("246810"))
		pass(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"v1/1", "v1/2"}, one.got())
		require.Equal(t, []string{"v1/3"}, two.got(), "Run releases the lease when it ends")
	})
}

func TestAnotherReplicaContinuesWhereTheLeaseOfADeadOneExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &detachable{Store: memory.New()}
		one, two := new(recorder), new(recorder)
		b := newBench(t, store)
		second := b.Replica(func(c *carrierfsm.Config) { c.Store = store.Store })
		defer running(t, dispatcher(b, one.handle).Run)()
		synctest.Wait()
		defer running(t, dispatcher(second, two.handle).Run)()
		store.detach()
		b.Reach("10002")
		synctest.Wait()
		first := one.got() // of the one batch that it had read
		require.NotEmpty(t, first, "delivered, but the cursor could not be advanced")
		require.Equal(t, plain[:len(first)], first)
		pass(14 * time.Second)
		require.Empty(t, two.got(), "the lease lasts")
		pass(3 * time.Second)
		synctest.Wait()
		require.Equal(t, plain, two.got(), "twice rather than never")
		require.Equal(t, first, one.got(), "nothing is delivered without the lease")
	})
}

func TestALeaseThatCantBeRenewedIsUsedUntilItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &detachable{Store: memory.New()}
		r := new(recorder)
		b := newBench(t, store)
		defer running(t, dispatcher(b, r.handle).Run)()
		synctest.Wait()
		store.detach()
		pass(11 * time.Second) // two renewals have failed
		b.Reach("10002")
		synctest.Wait()
		require.Contains(t, r.got(), plain[0])
	})
}

func TestNothingIsDeliveredAfterTheEndOfALeaseThatCouldNotBeRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &detachable{Store: memory.New()}
		r := new(recorder)
		b := newBench(t, store)
		defer running(t, dispatcher(b, r.handle).Run)()
		synctest.Wait()
		store.detach()
		pass(20 * time.Second)
		b.Reach("10002")
		pass(time.Minute)
		require.Empty(t, r.got())
	})
}

func TestANewCursorBeginsAtStart(t *testing.T) {
	t.Parallel()
	for start, want := range map[outbox.Start][]string{
		outbox.FromBeginning: {"v1/1", "v1/2", "v1/3", "v1/4"},
		outbox.FromNow:       {"v1/4"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := new(recorder)
			b := newBench(t)
			b.Reach("10002")
			d := dispatcher(b, r.handle, func(c *outbox.Config) { c.Starts = map[string]outbox.Start{"notify": start} })
			stop := running(t, d.Run)
			synctest.Wait()
			stop()
			b.Must(b.Cancel())
			defer running(t, d.Run)()
			synctest.Wait()
			require.Equal(t, want, r.got())
		})
	}
}

// failingAdvance is a store whose first calls of Advance fail.
type failingAdvance struct {
	*memory.Store
	left atomic.Int32
}

func (s *failingAdvance) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if s.left.Add(-1) >= 0 {
		return errors.New("the store fails")
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}

func TestADeliveryIsNotRepeatedWhileOnlyAdvanceFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &failingAdvance{Store: memory.New()}
		store.left.Store(3)
		r := new(recorder)
		b := newBench(t, store)
		b.Reach("10002")
		defer running(t, dispatcher(b, r.handle).Run)()
		pass(10 * time.Second)
		require.Negative(t, store.left.Load(), "the cursor was advanced in the end")
		require.Equal(t, plain, r.got())
	})
}

// lostLease returns ErrLeaseLost once, when the result of a retry is written.
type lostLease struct {
	*memory.Store
	retries, releases atomic.Int32
}

func (s *lostLease) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if n == 0 && s.retries.Add(1) == 1 {
		return outbox.ErrLeaseLost
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}

func (s *lostLease) Release(ctx context.Context, l outbox.Lease) error {
	s.releases.Add(1)
	return s.Store.Release(ctx, l)
}

func TestALeaseThatIsLostDuringARetryEndsTheTerm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &lostLease{Store: memory.New()}
		r := failing(func(_ carrierfsm.Transition, n int) error {
			if n == 1 {
				return errHandler
			}
			return nil
		})
		b := newBench(t, store)
		d := dispatcher(b, r.handle)
		store.releases.Store(0) // that of New
		defer running(t, d.Run)()
		b.Reach("10002")
		for store.retries.Load() == 0 {
			pass(100 * time.Millisecond)
		}
		synctest.Wait()
		require.Equal(t, int32(1), store.releases.Load())
	})
}

// failingHistory is a store whose History fails until some time. It counts the
// reads of parked rows.
type failingHistory struct {
	*memory.Store
	until time.Time
	reads atomic.Int32
}

func (s *failingHistory) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	if time.Now().Before(s.until) {
		return nil, errors.New("down")
	}
	return s.Store.History(ctx, id, after, limit)
}

func (s *failingHistory) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	s.reads.Add(1)
	return s.Store.Parked(ctx, q)
}

func TestFullPagesOfParkedRowsAreNotReadInALoopWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &failingHistory{Store: memory.New(), until: time.Now().Add(time.Minute)}
		var rows []outbox.Parked
		for i := range 450 { // more than two pages
			rows = append(rows, outbox.Parked{Handler: "notify", ID: fmt.Sprintf("w%d", i), Step: 1, Upto: 1, Next: time.Now(), Version: 1})
		}
		require.NoError(t, store.Park(context.Background(), rows))
		defer running(t, dispatcher(newBench(t, store), new(recorder).handle).Run)()
		pass(59 * time.Second)
		require.LessOrEqual(t, store.reads.Load(), int32(61), "one read a poll")
		pass(2 * time.Second)
		synctest.Wait()
		left, err := store.Store.Parked(context.Background(), outbox.ParkedQuery{})
		require.NoError(t, err)
		require.Empty(t, left, "their entries were purged")
	})
}

func TestDeliverKeepsItsLeaseForAsLongAsItDelivers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Reach()
		one := new(recorder)
		slow := dispatcher(b, func(ctx context.Context, tr carrierfsm.Transition) error {
			pass(20 * time.Second) // more than Config.LeaseTTL
			return one.handle(ctx, tr)
		})
		done := make(chan error)
		go func() {
			_, err := slow.Deliver(context.Background())
			done <- err
		}()
		pass(18 * time.Second)
		two := new(recorder)
		n, err := dispatcher(b.Replica(), two.handle).Deliver(context.Background())
		require.NoError(t, err)
		require.Zero(t, n, "the lease is renewed meanwhile")
		require.NoError(t, <-done)
		require.Equal(t, []string{"v1/1", "v1/2"}, one.got())
	})
}
