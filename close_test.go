package carrierfsm_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestCloseWaitsForWhatIsUnderWayAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- b.Machine.Close(context.Background()) }()
		synctest.Wait()
		_, err := b.Captcha("500002")
		require.ErrorIs(t, err, carrierfsm.ErrClosed)
		require.NoError(t, <-done)
		require.NoError(t, <-closed)
		require.Zero(t, b.Machine.Stats().InFlight)
		r, err := b.Store.Load(context.Background(), v.ID)
		require.NoError(t, err)
		require.Equal(t, carrierfsm.Done, r.State)
	})
}

func TestAfterCloseEveryMethodReturnsErrClosed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.New(t)
	require.NoError(t, b.Machine.Close(ctx))
	for name, err := range everyMethod(ctx, b.Machine, b.ID) {
		require.ErrorIs(t, err, carrierfsm.ErrClosed, name)
		require.NotErrorIs(t, err, carrierfsm.ErrStore, name)
	}
	require.ErrorIs(t, b.Machine.Run(ctx), carrierfsm.ErrClosed)
	require.NoError(t, b.Machine.Close(ctx), "closing again is no error")
}

func TestOnAClosedStoreEveryMethodReturnsErrClosed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := memory.New()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store})
	require.NoError(t, store.Close())
	for name, err := range everyMethod(ctx, b.Machine, b.ID) {
		require.ErrorIs(t, err, carrierfsm.ErrClosed, name)
		require.NotErrorIs(t, err, carrierfsm.ErrStore, name)
	}
}

// everyMethod calls every method of a machine that can fail, and returns the errors.
func everyMethod(ctx context.Context, m *carrierfsm.Machine, id string) map[string]error {
	errs := make(map[string]error)
	_, errs["Create"] = m.Create(ctx, carrierfsm.NewVerification{})
	_, errs["Get"] = m.Get(ctx, id)
	_, errs["Read"] = m.Read(ctx, id)
	_, errs["History"] = m.History(ctx, id)
	_, errs["List"] = m.List(ctx, carrierfsm.Query{})
	_, errs["Overdue"] = m.Overdue(ctx, 0, carrierfsm.PageKey{}, 0)
	_, errs["Submit"] = m.Submit(ctx, id, application(0))
	_, errs["Submit Cancel"] = m.Submit(ctx, id, carrierfsm.Cancel{})
	_, _, errs["Purge"] = m.Purge(ctx, time.Now())
	_, errs["Settle"] = m.Settle(ctx)
	errs["Ready"] = m.Ready(ctx)
	errs["Expire"] = m.Expire(ctx, id)
	errs["Erase"] = m.Erase(ctx, id)
	errs["Reseal"] = m.Reseal(ctx, id)
	return errs
}

func TestRunEndsWhenTheMachineOrItsStoreIsClosed(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*carrierfsm.Machine, *memory.Store) error{
		"machine": func(m *carrierfsm.Machine, _ *memory.Store) error { return m.Close(context.Background()) },
		"store":   func(_ *carrierfsm.Machine, s *memory.Store) error { return s.Close() },
	} {
		synctest.Test(t, func(t *testing.T) {
			store := memory.New()
			b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Now: time.Now})
			ended := make(chan error, 1)
			go func() { ended <- b.Machine.Run(context.Background()) }()
			synctest.Wait()
			require.Empty(t, ended)
			require.NoError(t, end(b.Machine, store))
			require.ErrorIs(t, <-ended, carrierfsm.ErrClosed, name)
		})
	}
}

func TestWhenCloseGivesUpWaitingCallersAreReleasedAndTheirOutcomeIsStored(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		begun := time.Now()
		done := background(b, captcha(v, "500001"))
		synctest.Wait()
		short, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, b.Machine.Close(short), context.DeadlineExceeded)
		err := <-done
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.ErrorIs(t, err, carrierfsm.ErrClosed)
		require.Equal(t, time.Second, time.Since(begun))
		require.NoError(t, b.Machine.Close(context.Background()), "goes on waiting")
		r, err := b.Store.Load(context.Background(), v.ID)
		require.NoError(t, err)
		require.Equal(t, carrierfsm.Done, r.State)
	})
}

func TestASubmissionWhoseStoreIsClosedMeanwhileEndsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Now: time.Now})
		v := b.Reach("10002")
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		begun := time.Now()
		done := background(b, captcha(v, "500001"))
		synctest.Wait()
		require.NoError(t, store.Close())
		err := <-done
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.ErrorIs(t, err, carrierfsm.ErrClosed)
		require.Equal(t, time.Minute, time.Since(begun), "a closed store is not tried again")
	})
}

func TestASubmissionThatWaitsForAPlaceIsRefusedByClose(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{MaxInFlight: 1}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		synctest.Wait()
		waiting := background(b.Create(carrierfsm.NewVerification{}), application(0))
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- b.Machine.Close(context.Background()) }()
		require.ErrorIs(t, <-waiting, carrierfsm.ErrClosed)
		require.Empty(t, closed)
		require.NoError(t, <-done)
		require.NoError(t, <-closed)
	})
}

// Whatever is closed first, while people submit and both Runs are running: every
// call returns, with its result or with ErrClosed, and an acknowledged creation is
// stored.
func TestClosingInAnyOrderIsSafe(t *testing.T) {
	t.Parallel()
	const rounds, people = 30, 4
	for round := range rounds {
		store := memory.New()
		m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.Instant{}, PollInterval: time.Millisecond})
		require.NoError(t, err)
		d, err := outbox.New(m, store, outbox.Config{
			Handlers:     map[string]outbox.Handler{"h": func(context.Context, carrierfsm.Transition) error { return nil }},
			PollInterval: time.Millisecond,
		})
		require.NoError(t, err)
		running, stop := context.WithCancel(context.Background())
		var all sync.WaitGroup
		for _, run := range []func(context.Context) error{m.Run, d.Run} {
			all.Go(func() {
				if err := run(running); err != nil && !errors.Is(err, carrierfsm.ErrClosed) {
					t.Errorf("Run returned %v", err)
				}
			})
		}
		for range people {
			all.Go(func() {
				err := plainRun(m)
				for err == nil {
					err = plainRun(m)
				}
				if !errors.Is(err, carrierfsm.ErrClosed) {
					t.Errorf("a call returned %v", err)
				}
			})
		}
		steps := []func(){
			stop,
			func() {
				ended, cancel := context.WithCancel(context.Background())
				cancel() // Close waits for nothing
				_ = m.Close(ended)
			},
			func() { _ = store.Close() },
		}
		for i := range steps { // each order comes five times
			order := [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}[round%6]
			steps[order[i]]()
		}
		all.Wait()
		require.NoError(t, m.Close(context.Background()))
	}
}

// plainRun runs one verification from created to done.
func plainRun(m *carrierfsm.Machine) error {
	ctx := context.Background()
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	if err == nil {
		v, err = m.Submit(ctx, v.ID, application(0))
	}
	if err == nil {
		v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
	}
	if err == nil {
		_, err = m.Submit(ctx, v.ID, captcha(v, "500001"))
	}
	return err
}
