package carrierfsm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// storeWith wraps every commit of a store.
type storeWith struct {
	carrierfsm.Store
	commit func(commit func() error) error
}

func (s storeWith) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.commit(func() error { return s.Store.Commit(ctx, r, e...) })
}

// failing is a store whose reads of several records fail.
type failing struct{ carrierfsm.Store }

func (failing) Due(context.Context, time.Time, carrierfsm.PageKey, int) ([]carrierfsm.Record, error) {
	return nil, errors.New("the store is away")
}

// committing is a replica whose commits are wrapped. It needs no password with a
// code: another one holds that.
func committing(b *fsmtest.Bench, commit func(commit func() error) error) *fsmtest.Bench {
	return b.Replica(func(c *carrierfsm.Config) {
		c.Store = storeWith{Store: c.Store, commit: commit}
		c.CaptchaWithoutPassword = true
	})
}

func TestAnOutcomeIsStoredOnceTheStoreIsBack(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		commits := 0
		m := committing(b, func(commit func() error) error {
			if commits++; commits > 1 && commits < 8 {
				return errors.New("the disk is full")
			}
			return commit()
		})
		b.Upstream.Then(fsmtest.Code("10008"))
		require.Equal(t, carrierfsm.Done, b.Must(m.Captcha("500001")).State)
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
	})
}

func TestAnOutcomeThatCantBeStoredIsPendingAndThenUnknown(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		commits := 0
		m := committing(b, func(commit func() error) error {
			if commits++; commits > 1 {
				return errors.New("the disk is full")
			}
			return commit()
		})
		b.Upstream.Then(fsmtest.Code("10008"))
		_, err := m.Captcha("500001")
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.ErrorIs(t, err, carrierfsm.ErrStore)
		pass(time.Second)
		require.Equal(t, carrierfsm.OutcomeUnknown, b.Get().Prompt.Reason)
	})
}

func TestACommitWhoseAnswerWasLostIsRecognised(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		m := committing(b, func(commit func() error) error {
			if err := commit(); err != nil {
				return err
			}
			return errors.New("the connection was lost")
		})
		b.Upstream.Then(fsmtest.Code("10008"))
		require.Equal(t, carrierfsm.Done, b.Must(m.Captcha("500001")).State)
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
		require.Len(t, b.Events(), 4)
	})
}

// To the other replicas, a call that takes too long is one whose replica died.
func TestALateReplyStillFindsItsPlace(t *testing.T) {
	t.Parallel()
	cfg := carrierfsm.Config{Limits: carrierfsm.Limits{CodeLife: time.Hour}}
	atCode(t, cfg, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.IgnoreContext(fsmtest.After(10*time.Minute-time.Second, fsmtest.Code("10008"))))
		done := background(b, captcha(v, "500001"))
		pass(196 * time.Second)
		n, err := b.Replica().Machine.Settle(context.Background())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, carrierfsm.OutcomeUnknown, b.Get().Prompt.Reason)
		require.NoError(t, <-done)
		require.Empty(t, cmp.Diff([]carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.CollectionStarted}, latest(b, 2)))
		require.True(t, lastDetail(b).Late)
	})
}

// The clocks of replicas differ: a call gets 15 s beyond its 180.
func TestACallIsGivenUpOnceItsGraceIsOver(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.IgnoreContext(fsmtest.After(time.Hour, fsmtest.Code("10008"))))
		done := background(b, captcha(v, "500001"))
		other := b.Replica()
		for want, wait := range []time.Duration{195*time.Second - time.Microsecond, time.Microsecond} {
			pass(wait)
			n, err := other.Machine.Settle(context.Background())
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		require.NoError(t, <-done, "the late reply is still accepted")
	})
}

func TestALateReplyIsDroppedOnceSomethingNewerHappened(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.IgnoreContext(fsmtest.After(4*time.Minute, fsmtest.Code("10008"))))
		done := background(b, captcha(v, "500001"))
		pass(196 * time.Second)
		b.Get() // settles
		b.Upstream.Then(fsmtest.Code("10004"))
		b.Must(b.Captcha("500002"))
		require.ErrorIs(t, <-done, carrierfsm.ErrStale)
		require.Equal(t, []carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.CaptchaRejected}, latest(b, 2))
		require.EqualValues(t, 1, b.Machine.Stats().Dropped)
	})
}

// contested is a store in which another writer is always first.
type contested struct {
	carrierfsm.Store
	tries int
}

func (c *contested) Commit(context.Context, carrierfsm.Record, ...carrierfsm.Entry) error {
	c.tries++
	return carrierfsm.ErrConflict
}

func (c *contested) Erase(context.Context, carrierfsm.Record, ...carrierfsm.Entry) error {
	c.tries++
	return carrierfsm.ErrConflict
}

func TestWhatLosesEveryRaceGivesUpAfterSixteen(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, act := range map[string]func(*carrierfsm.Machine) error{
		"erase":  func(m *carrierfsm.Machine) error { return m.Erase(ctx, "v1") },
		"expire": func(m *carrierfsm.Machine) error { return m.Expire(ctx, "v1") },
		"reseal": func(m *carrierfsm.Machine) error { return m.Reseal(ctx, "v1") },
		"cancel": func(m *carrierfsm.Machine) error {
			_, err := m.Submit(ctx, "v1", carrierfsm.Cancel{})
			return err
		},
		"apply": func(m *carrierfsm.Machine) error {
			_, err := m.Submit(ctx, "v1", application(0))
			return err
		},
	} {
		store := &contested{}
		b := fsmtest.New(t).Replica(func(c *carrierfsm.Config) { store.Store, c.Store = c.Store, store })
		require.ErrorIs(t, act(b.Machine), carrierfsm.ErrConflict, name)
		require.Equal(t, 16, store.tries, name)
	}
}
