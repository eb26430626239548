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

func withHandler(name string, h carrierfsm.Handler) func(*carrierfsm.Config) {
	return func(c *carrierfsm.Config) { c.Handlers = map[string]carrierfsm.Handler{name: h} }
}

// plain are the transitions of a plain verification up to its code.
var plain = []string{"v1/1", "v1/2", "v1/3"}

func TestAHandlerGetsEveryTransitionOnceAndInOrderAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		b := newBench(t, withHandler("diary", d.handle))
		stop := running(t, b.Machine)
		defer stop()
		pass(300 * time.Millisecond) // some time between two polls
		v := b.at()
		b.up.thenTake(200*time.Millisecond, reply("10002")) // the intent is looked at, and nothing found, before
		b.must(b.password(v, "246810"))
		committed := time.Now()
		synctest.Wait()
		require.Equal(t, plain, d.got())
		require.Equal(t, committed, d.times("v1/3")[0], "a commit of this process wakes the handlers")
		pass(time.Hour)
		require.Equal(t, "captcha_expired", string(b.events()[3]))
		require.Equal(t, append(slices.Clone(plain), "v1/4", "v1/5")[:len(b.events())], d.got())
	})
}

func TestACommitOfAnotherReplicaIsDeliveredWithinAPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		b := newBench(t)
		leader := b.another(withHandler("diary", d.handle))
		stop := running(t, leader)
		defer stop()
		synctest.Wait()
		b.at("10002")
		pass(time.Second)
		synctest.Wait()
		require.Equal(t, plain, d.got())
	})
}

func TestATransitionBringsItsDetail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := make(chan carrierfsm.Transition, 3)
		b := newBench(t, withHandler("h", func(_ context.Context, t carrierfsm.Transition) error {
			got <- t
			return nil
		}))
		stop := running(t, b.Machine)
		defer stop()
		b.at("10002")
		history, err := b.History(context.Background(), b.id)
		require.NoError(t, err)
		for _, want := range history {
			require.Equal(t, want, <-got)
		}
	})
}

func TestAnotherReplicaGoesOnWhereTheLeaderStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := new(diary), new(diary)
		b := newBench(t, withHandler("diary", one.handle))
		second := b.another(withHandler("diary", two.handle))
		stopOne := running(t, b.Machine)
		synctest.Wait()
		stopTwo := running(t, second)
		defer stopTwo()
		b.must(b.Submit(context.Background(), b.id, application(0)))
		pass(time.Minute)
		require.Empty(t, two.got(), "one leads at a time")
		stopOne()
		b.up.then(reply("10002"))
		b.must(b.password(b.must(b.Get(context.Background(), b.id)), "246810"))
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
		b := newBench(t, withHandler("diary", one.handle), func(c *carrierfsm.Config) { c.Store = dying })
		second := b.another(withHandler("diary", two.handle), func(c *carrierfsm.Config) { c.Store = base })
		stopOne := running(t, b.Machine)
		defer stopOne()
		synctest.Wait()
		stopTwo := running(t, second)
		defer stopTwo()
		dying.die()
		b.at("10002")
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
		b := newBench(t, withHandler("diary", d.handle), func(c *carrierfsm.Config) { c.Store = dying })
		stop := running(t, b.Machine)
		defer stop()
		synctest.Wait()
		dying.die()
		pass(11 * time.Second) // it was to be prolonged twice
		b.at("10002")
		synctest.Wait()
		require.Contains(t, d.got(), plain[0])
	})
}

func TestALeaderThatCantProlongItsLeaseDeliversNothingMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dying := &lifeless{Store: memory.New()}
		d := new(diary)
		b := newBench(t, withHandler("diary", d.handle), func(c *carrierfsm.Config) { c.Store = dying })
		stop := running(t, b.Machine)
		defer stop()
		synctest.Wait()
		dying.die()
		pass(20 * time.Second)
		b.at("10002")
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
			b := newBench(t, func(c *carrierfsm.Config) { c.Delivery.Start = start })
			b.at("10002")
			late := b.another(withHandler("late", d.handle))
			stop := running(t, late)
			synctest.Wait()
			stop()
			b.must(b.Submit(context.Background(), b.id, carrierfsm.Cancel{}))
			stop = running(t, late)
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
			b := newBench(t, withHandler("slow", d.handle))
			stop := running(t, b.Machine)
			b.at("10002")
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
