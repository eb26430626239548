package carrierfsm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Handlers: at least once, in order per verification, whatever fails.

// delivered is one call of a handler.
type delivered struct {
	what string // "id/step"
	at   time.Time
}

// diary is a handler that notes what it gets, and fails where it is told to.
type diary struct {
	mu    sync.Mutex
	notes []delivered
	fail  func(t carrierfsm.Transition, n int) error // n counts the calls for this transition, from 1
	calls map[string]int
}

func (d *diary) handle(_ context.Context, t carrierfsm.Transition) error {
	what := fmt.Sprintf("%s/%d", t.ID, t.Step)
	d.mu.Lock()
	d.notes = append(d.notes, delivered{what, time.Now()})
	if d.calls == nil {
		d.calls = make(map[string]int)
	}
	d.calls[what]++
	n, fail := d.calls[what], d.fail
	d.mu.Unlock()
	if fail != nil {
		return fail(t, n)
	}
	return nil
}

func (d *diary) set(fail func(carrierfsm.Transition, int) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

func (d *diary) got() (list []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.notes {
		list = append(list, n.what)
	}
	return list
}

// times are when a transition was delivered.
func (d *diary) times(what string) (list []time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.notes {
		if n.what == what {
			list = append(list, n.at)
		}
	}
	return list
}

// handled is a Bench with the real time whose machine has the handler "diary".
func handled(t *testing.T, h carrierfsm.Handler, change ...func(*carrierfsm.Config)) *fsmtest.Bench {
	t.Helper()
	cfg := carrierfsm.Config{Now: time.Now}
	for _, f := range append(change, handler(h)) {
		f(&cfg)
	}
	return fsmtest.NewWith(t, cfg)
}

// handler sets the handler "diary".
func handler(h carrierfsm.Handler) func(*carrierfsm.Config) {
	return func(c *carrierfsm.Config) { c.Handlers = map[string]carrierfsm.Handler{"diary": h} }
}

// plain are the transitions of a plain verification up to its code.
var plain = []string{"v1/1", "v1/2", "v1/3"}

func TestAHandlerGetsEveryTransitionOnceAndInOrderAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		b := handled(t, d.handle)
		stop := running(t, b.Machine)
		defer stop()
		pass(300 * time.Millisecond) // some time between two polls
		b.Reach()
		b.Upstream.Then(fsmtest.After(200*time.Millisecond, fsmtest.Code("10002"))) // the intent is looked at, and nothing found, before
		b.Must(b.Password("246810"))
		committed := time.Now()
		synctest.Wait()
		require.Equal(t, plain, d.got())
		require.Equal(t, committed, d.times("v1/3")[0], "a commit of this process wakes the handlers")
		pass(time.Hour)
		require.Equal(t, "captcha_expired", string(b.Events()[3]))
		require.Equal(t, append(slices.Clone(plain), "v1/4", "v1/5")[:len(b.Events())], d.got())
	})
}

func TestACommitOfAnotherReplicaIsDeliveredWithinAPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now})
		leader := b.Replica(handler(d.handle))
		stop := running(t, leader.Machine)
		defer stop()
		synctest.Wait()
		b.Reach("10002")
		pass(time.Second)
		synctest.Wait()
		require.Equal(t, plain, d.got())
	})
}

func TestATransitionBringsItsDetail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := make(chan carrierfsm.Transition, 3)
		b := handled(t, func(_ context.Context, t carrierfsm.Transition) error {
			got <- t
			return nil
		})
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10002")
		for _, want := range b.History() {
			require.Equal(t, want, <-got)
		}
	})
}

func TestAnotherReplicaGoesOnWhereTheLeaderStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := new(diary), new(diary)
		b := handled(t, one.handle)
		second := b.Replica(handler(two.handle))
		stopOne := running(t, b.Machine)
		synctest.Wait()
		stopTwo := running(t, second.Machine)
		defer stopTwo()
		b.Must(b.Submit(application(0)))
		pass(time.Minute)
		require.Empty(t, two.got(), "one leads at a time")
		stopOne()
		b.Upstream.Then(fsmtest.Code("10002"))
		b.Must(b.Password("246810"))
		pass(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"v1/1", "v1/2"}, one.got())
		require.Equal(t, []string{"v1/3"}, two.got(), "who stops gives its lease back")
	})
}

// lifeless is a store that a dead process can't reach any more.
type lifeless struct {
	*memory.Store
	mu   sync.Mutex
	dead bool
}

func (s *lifeless) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return errors.New("dead")
	}
	return nil
}

func (s *lifeless) die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
}

func (s *lifeless) Lead(ctx context.Context, name, owner string, lasts time.Duration, start carrierfsm.Start) (carrierfsm.Lease, error) {
	if err := s.check(); err != nil {
		return carrierfsm.Lease{}, err
	}
	return s.Store.Lead(ctx, name, owner, lasts, start)
}

func (s *lifeless) Resign(ctx context.Context, l carrierfsm.Lease) error {
	return errors.Join(s.check(), s.Store.Resign(ctx, carrierfsm.Lease{Name: l.Name, Fence: -1}))
}

func (s *lifeless) Advance(ctx context.Context, l carrierfsm.Lease, b carrierfsm.Batch, n int, rows []carrierfsm.Parked) error {
	if err := s.check(); err != nil {
		return err
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}

func TestADeadLeadersLeaseEndsAndNothingIsMissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		dying := &lifeless{Store: base}
		one, two := new(diary), new(diary)
		b := handled(t, one.handle, func(c *carrierfsm.Config) { c.Store = dying })
		second := b.Replica(handler(two.handle), func(c *carrierfsm.Config) { c.Store = base })
		stopOne := running(t, b.Machine)
		defer stopOne()
		synctest.Wait()
		stopTwo := running(t, second.Machine)
		defer stopTwo()
		dying.die()
		b.Reach("10002")
		synctest.Wait()
		first := one.got() // what was there when it looked
		require.NotEmpty(t, first, "delivered, but what came of it can't be stored")
		require.Equal(t, plain[:len(first)], first)
		pass(14 * time.Second)
		require.Empty(t, two.got(), "the lease lasts")
		pass(3 * time.Second)
		synctest.Wait()
		require.Equal(t, plain, two.got(), "again, rather than never")
		require.Equal(t, first, one.got(), "who has lost the lease delivers nothing more")
	})
}

func TestALeaderThatCantProlongItsLeaseLeadsUntilItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dying := &lifeless{Store: memory.New()}
		d := new(diary)
		b := handled(t, d.handle, func(c *carrierfsm.Config) { c.Store = dying })
		stop := running(t, b.Machine)
		defer stop()
		synctest.Wait()
		dying.die()
		pass(11 * time.Second) // it was to be prolonged twice
		b.Reach("10002")
		synctest.Wait()
		require.Contains(t, d.got(), plain[0])
	})
}

func TestALeaderThatCantProlongItsLeaseDeliversNothingMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dying := &lifeless{Store: memory.New()}
		d := new(diary)
		b := handled(t, d.handle, func(c *carrierfsm.Config) { c.Store = dying })
		stop := running(t, b.Machine)
		defer stop()
		synctest.Wait()
		dying.die()
		pass(20 * time.Second)
		b.Reach("10002")
		pass(time.Minute)
		require.Empty(t, d.got())
	})
}

func TestALateSubscriberBeginsWhereItIsTold(t *testing.T) {
	t.Parallel()
	for start, want := range map[carrierfsm.Start][]string{
		carrierfsm.FromBeginning: {"v1/1", "v1/2", "v1/3", "v1/4"},
		carrierfsm.FromNow:       {"v1/4"},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := new(diary)
			b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Delivery: carrierfsm.Delivery{Start: start}})
			b.Reach("10002")
			late := b.Replica(handler(d.handle))
			stop := running(t, late.Machine)
			synctest.Wait()
			stop()
			b.Must(b.Submit(carrierfsm.Cancel{}))
			stop = running(t, late.Machine)
			defer stop()
			synctest.Wait()
			require.Equal(t, want, d.got())
		})
	}
}

func TestRunWaitsForHandlersUnderWayAndNoLongerThanTheirTimeout(t *testing.T) {
	t.Parallel()
	for takes, waits := range map[time.Duration]time.Duration{
		10 * time.Second: 10 * time.Second,
		time.Hour:        30 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			begun := make(chan struct{}, 9)
			d := &diary{fail: func(carrierfsm.Transition, int) error {
				begun <- struct{}{}
				select {
				case <-time.After(takes):
				case <-release:
				}
				return nil
			}}
			defer close(release)
			b := handled(t, d.handle)
			stop := running(t, b.Machine)
			b.Reach("10002")
			<-begun
			asked := time.Now()
			stop()
			require.Equal(t, waits, time.Since(asked).Truncate(time.Millisecond))
			require.Equal(t, []string{"v1/1"}, d.got(), "nothing new is begun")
			d.set(nil)
			stop = running(t, b.Machine)
			defer stop()
			pass(time.Minute)
			require.Subset(t, d.got(), plain, "nor forgotten")
		})
	}
}
