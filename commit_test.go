package carrierfsm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// away is a store whose reads of one record fail while it is set, and whose
// commits are wrapped.
type away struct {
	storeWith
	unreadable *bool
}

func (s away) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if *s.unreadable {
		return carrierfsm.Record{}, errors.New("the connection was lost")
	}
	return s.Store.Load(ctx, id)
}

// The answer of a commit is lost, and so is that of the read-back. The same
// commit is tried again, and the store has it already.
func TestARetriedCommitThatMeetsItselfIsNoConflict(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		commits, unreadable := 0, false
		m := b.Replica(func(c *carrierfsm.Config) {
			c.CaptchaWithoutPassword = true
			c.Store = away{storeWith{Store: c.Store, commit: func(commit func() error) error {
				commits++
				err := commit()
				switch commits {
				case 2: // of the outcome
					unreadable = true
					require.NoError(t, err)
					return errors.New("the connection was lost")
				case 3:
					unreadable = false
					require.ErrorIs(t, err, carrierfsm.ErrConflict)
				}
				return err
			}}, &unreadable}
		})
		b.Upstream.Then(fsmtest.Code("10008"))
		require.Equal(t, carrierfsm.Done, b.Must(m.Captcha("500001")).State)
		require.Equal(t, 3, commits)
		require.Zero(t, m.Machine.Stats().Dropped)
		require.Equal(t, []carrierfsm.Event{carrierfsm.CaptchaRequested, carrierfsm.CollectionStarted}, latest(b, 2))
	})
}

// The caller leaves while a commit is under way, and its answer is lost with the
// caller. The record is read back all the same.
func TestAReadBackDoesNotEndWithItsCallersContext(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(ctx context.Context, m *carrierfsm.Machine) error{
		"expire": func(ctx context.Context, m *carrierfsm.Machine) error { return m.Expire(ctx, "v1") },
		"reseal": func(ctx context.Context, m *carrierfsm.Machine) error { return m.Reseal(ctx, "v1") },
		"cancel": func(ctx context.Context, m *carrierfsm.Machine) error {
			_, err := m.Submit(ctx, "v1", carrierfsm.Cancel{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, leave := context.WithCancel(context.Background())
			b := fsmtest.New(t)
			before := b.Record().Version
			m := committing(b, func(commit func() error) error {
				require.NoError(t, commit())
				leave()
				return ctx.Err()
			})
			require.NoError(t, act(ctx, m.Machine))
			require.Equal(t, before+1, b.Record().Version)
		})
	}
}

// The intent was committed: the call is made, though its caller has left.
func TestAnIntentWhoseCallerLeftIsReadBackAndSent(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		ctx, leave := context.WithCancel(context.Background())
		commits := 0
		m := committing(b, func(commit func() error) error {
			err := commit()
			if commits++; commits == 1 {
				leave()
				return ctx.Err()
			}
			return err
		})
		b.Upstream.Then(fsmtest.After(time.Second, fsmtest.Code("10008")))
		_, err := m.Machine.Submit(ctx, b.ID, captcha(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		pass(2 * time.Second)
		require.Equal(t, carrierfsm.Done, b.Get().State)
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
	})
}

// reading is a store that returns an error and still reads what it was given, as
// one does that has queued the write for others to do.
type reading struct {
	carrierfsm.Store
	err         error
	given, want [][]byte
}

func (s *reading) Commit(_ context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	s.given, s.want = append(s.given, r.Body), append(s.want, bytes.Clone(r.Body))
	for _, e := range entries {
		s.given, s.want = append(s.given, e.Detail), append(s.want, bytes.Clone(e.Detail))
	}
	return s.err
}

// What a store was given is not written over after its error: it would be one
// person's values in another's record.
func TestWhatAStoreWasGivenStaysAsItIsAfterItsError(t *testing.T) {
	t.Parallel()
	for name, sealed := range map[string]bool{"plain": false, "sealed": true} {
		for _, failure := range []error{errors.New("the disk is full"), context.Canceled, carrierfsm.ErrConflict} {
			t.Run(name+", "+failure.Error(), func(t *testing.T) {
				t.Parallel()
				cfg := carrierfsm.Config{}
				if sealed {
					cfg.Sealer = sealer(t)
				}
				b := fsmtest.NewWith(t, cfg)
				store := &reading{err: failure}
				failing := b.Replica(func(c *carrierfsm.Config) { store.Store, c.Store = c.Store, store })
				for i := range 20 {
					_ = failing.Machine.Expire(context.Background(), b.ID)
					other := b.Create(carrierfsm.NewVerification{ID: fmt.Sprintf("other-%d", i)})
					other.Reach("10002")
				}
				require.GreaterOrEqual(t, len(store.given), 40)
				require.Equal(t, store.want, store.given)
			})
		}
	}
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

// An id that was purged and used again has a record of the same version. What was
// read of the old one is not committed to it.
func TestACommitReplacesOnlyTheRecordThatWasRead(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.New(t)
	var errs []error
	m := committing(b, func(commit func() error) error {
		if len(errs) == 0 {
			remake(ctx, t, b)
		}
		errs = append(errs, commit())
		return errs[len(errs)-1]
	})
	b.Must(m.Apply())
	require.Equal(t, []error{carrierfsm.ErrConflict, nil, nil}, errs, "the intent is decided anew on the new record")
}

// remake erases, purges and creates the verification.
func remake(ctx context.Context, t *testing.T, b *fsmtest.Bench) {
	t.Helper()
	require.NoError(t, b.Machine.Erase(ctx, b.ID))
	n, _, err := b.Machine.Purge(ctx, b.Record().Updated.Add(time.Second))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	b.Must(b.Machine.Create(ctx, carrierfsm.NewVerification{ID: b.ID}))
}

func TestAReplyToAPurgedVerificationIsNotTakenForOneOfTheSameID(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(3*time.Second, fsmtest.Code("10008")))
		old := background(b, captcha(v, "500001"))
		version := b.Record().Version
		pass(time.Second)
		remake(context.Background(), t, b)
		v = b.Reach("10002")
		b.Upstream.Then(fsmtest.After(10*time.Second, fsmtest.Code("10004")))
		fresh := background(b, captcha(v, "500002"))
		require.Equal(t, version, b.Record().Version)
		require.ErrorIs(t, <-old, carrierfsm.ErrStale)
		require.NoError(t, <-fresh)
		require.Equal(t, []carrierfsm.Event{carrierfsm.CaptchaRequested, carrierfsm.CaptchaRejected}, latest(b, 2))
		require.EqualValues(t, 1, b.Machine.Stats().Dropped)
	})
}

func TestASubscriberToAShardIsNotifiedOfItsCommitsOnly(t *testing.T) {
	t.Parallel()
	store := twoShards(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store})
	notified := make(map[string]<-chan struct{})
	for _, name := range []string{"a", "b", "unknown"} {
		var cancel func()
		notified[name], cancel = b.Machine.SubscribeShard(name)
		defer cancel()
	}
	b.Must(b.Apply())
	own := store.Shards()[store.ShardOf(b.ID)].Name
	for name, c := range notified {
		require.Len(t, c, map[bool]int{true: 1}[name == own || name == "unknown"], name)
	}
}

func TestBothHalvesOfACommitIDAreRandom(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	first := b.Record().CommitID
	b.Must(b.Apply())
	second := b.Record().CommitID
	require.NotEqual(t, first[:8], second[:8], "what a mark has of it")
	require.NotEqual(t, first[8:], second[8:])
}
