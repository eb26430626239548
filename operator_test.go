package carrierfsm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

func TestExpireEndsWhateverIsAsked(t *testing.T) {
	t.Parallel()
	for name, bring := range map[string]func(*fsmtest.Bench){
		"created": func(*fsmtest.Bench) {}, "password": func(b *fsmtest.Bench) { b.Reach() }, "captcha": func(b *fsmtest.Bench) { b.Reach("10002") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
			b := fsmtest.New(t)
			bring(b)
			require.NoError(t, b.Machine.Expire(ctx, b.ID))
			v := b.Get()
			require.Equal(t, carrierfsm.Failed, v.State)
			require.Equal(t, carrierfsm.Expired, v.Reason)
			require.Nil(t, v.Prompt)
			require.Equal(t, "li.wei", lastDetail(b).By)
			require.Empty(t, lastDetail(b).Input)
			require.ErrorIs(t, b.Machine.Expire(ctx, b.ID), carrierfsm.ErrNotAwaited, "what has ended can't expire")
			require.ErrorIs(t, b.Machine.Expire(ctx, "unknown"), carrierfsm.ErrNotFound)
		})
	}
}

func TestExpireIsRefusedWhileAnAnswerIsUnderWay(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		require.ErrorIs(t, b.Machine.Expire(context.Background(), b.ID), carrierfsm.ErrInFlight)
		require.NoError(t, <-done)
		require.Equal(t, carrierfsm.Done, b.Get().State, "the reply is accepted")
	})
}

func TestExpireSettlesACallThatWasLeftBehindFirst(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.IgnoreContext(fsmtest.After(time.Hour, fsmtest.Code("10008"))))
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_, err := b.Machine.Submit(ctx, b.ID, captcha(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		pass(196 * time.Second) // deadline and grace
		require.NoError(t, b.Replica().Machine.Expire(context.Background(), b.ID))
		require.Equal(t, []carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.Expired}, latest(b, 2))
		pass(time.Hour) // the call ends, and its reply is dropped
		require.Equal(t, []carrierfsm.Event{carrierfsm.Expired}, latest(b, 1))
	})
}

func TestExpireDestroysAPasswordThatIsHeld(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	require.Equal(t, 1, b.Machine.CachedPasswords())
	require.NoError(t, b.Machine.Expire(context.Background(), b.ID))
	require.Zero(t, b.Machine.CachedPasswords())
}

func TestTheHistoryHasTheOperatorsName(t *testing.T) {
	t.Parallel()
	ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
	for name, act := range map[string]func(*fsmtest.Bench) error{
		"cancel": func(b *fsmtest.Bench) error { _, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Cancel{}); return err },
		"expire": func(b *fsmtest.Bench) error { return b.Machine.Expire(ctx, b.ID) },
		"erase":  func(b *fsmtest.Bench) error { return b.Machine.Erase(ctx, b.ID) },
	} {
		b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
		b.Reach("10002")
		require.NoError(t, act(b), name)
		require.Equal(t, "li.wei", lastDetail(b).By, name)
		unnamed := fsmtest.New(t)
		require.NoError(t, unnamed.Machine.Erase(context.Background(), unnamed.ID))
		require.Empty(t, lastDetail(unnamed).By)
	}
}

func TestACancellationThatWaitsKeepsTheNameOfTheFirstOperator(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10001")))
		done := background(b, captcha(v, "500001"))
		for _, name := range []string{"li.wei", "wang.fang"} {
			ctx := carrierfsm.ByOperator(context.Background(), name)
			_, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Cancel{})
			require.ErrorIs(t, err, carrierfsm.ErrPending)
		}
		require.NoError(t, <-done)
		require.Equal(t, carrierfsm.Canceled, b.Get().Reason)
		history := b.History()
		require.Equal(t, "li.wei", history[len(history)-1].Detail.By)
		require.Empty(t, history[len(history)-2].Detail.By, "the reply has no operator")
	})
}

func TestAnOperatorWithoutAPlainNameDoesNothing(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	before := b.Reach("10002")
	for _, name := range []string{"", "li wei", "李伟", "13800138000", strings.Repeat("x", 65), "a\nb"} {
		ctx := carrierfsm.ByOperator(context.Background(), name)
		_, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Cancel{})
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, "%q", name)
		require.ErrorIs(t, b.Machine.Expire(ctx, b.ID), carrierfsm.ErrInvalid)
		require.ErrorIs(t, b.Machine.Erase(ctx, b.ID), carrierfsm.ErrInvalid)
	}
	require.Equal(t, before.Step, b.Get().Step)
}

func TestResealingReadsOldKeysAndPlaintext(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.New(t) // plaintext at first
	v, plain := b.Reach("10002"), b.History()
	old := seal.Key{ID: "old", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")}
	fresh := seal.Key{ID: "new", Key: carrierfsm.NewSecret("fedcba9876543210fedcba9876543210")}
	with := func(keys ...seal.Key) *carrierfsm.Machine {
		s, err := seal.New(keys...)
		require.NoError(t, err)
		return b.Replica(func(c *carrierfsm.Config) { c.Sealer, c.RefuseUnbound = s, true }).Machine
	}
	require.ErrorIs(t, with(old).Reseal(ctx, b.ID), carrierfsm.ErrForged, "plaintext is refused")
	s, err := seal.New(old)
	require.NoError(t, err)
	migrating := b.Replica(func(c *carrierfsm.Config) { c.Sealer, c.AcceptPlain = s, true }).Machine
	require.NoError(t, migrating.Reseal(ctx, b.ID))
	require.NoError(t, with(fresh, old).Reseal(ctx, b.ID), "an old key stays readable")
	again, err := with(fresh).Get(ctx, b.ID)
	require.NoError(t, err)
	require.Equal(t, v.Step, again.Step, "resealing is not a transition")
	history, err := with(fresh).History(ctx, b.ID)
	require.NoError(t, err, "the history is sealed with the new key too")
	require.Equal(t, plain, history)
	_, err = with(old).Get(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrSealed)
}

// raced is a store in which another commit takes place before a history is read.
type raced struct {
	*memory.Store
	race func()
}

func (s *raced) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	if race := s.race; race != nil {
		s.race = nil
		race()
	}
	return s.Store.History(ctx, id, after, limit)
}

func TestAResealThatMeetsACommitBeginsAgain(t *testing.T) {
	t.Parallel()
	store := &raced{Store: memory.New()}
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer(t)})
	b.Reach("10002")
	store.race = func() { b.Must(b.Cancel()) }
	version := b.Record().Version
	require.NoError(t, b.Machine.Reseal(context.Background(), b.ID))
	require.Equal(t, carrierfsm.Canceled, b.Get().Reason)
	require.Equal(t, version+2, b.Record().Version, "of the cancellation, and of the reseal after it")
}

func TestAHistoryThatMeetsACommitIsReadAgain(t *testing.T) {
	t.Parallel()
	store := &raced{Store: memory.New()}
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer(t)})
	b.Reach("10002")
	store.race = func() { b.Must(b.Cancel()) }
	list, err := b.Machine.History(context.Background(), b.ID)
	require.NoError(t, err)
	require.Equal(t, carrierfsm.Canceled, list[len(list)-1].Event)
}

// What was erased is looked up in its history.
func TestAnEntryThatCantBeLookedUpIsNotCalledForged(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), memory.New()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer(t)})
	b.Reach("10002")
	require.NoError(t, b.Machine.Erase(ctx, b.ID))
	entries, err := store.History(ctx, b.ID, 0, 1)
	require.NoError(t, err)
	_, err = b.Machine.Decode(ctx, entries[0])
	require.NoError(t, err)
	other := entries[0]
	other.Event = carrierfsm.Expired
	_, err = b.Machine.Decode(ctx, other)
	require.ErrorIs(t, err, carrierfsm.ErrForged)
	require.NoError(t, store.Close())
	_, err = b.Machine.Decode(ctx, entries[0])
	require.ErrorIs(t, err, carrierfsm.ErrClosed)
	require.NotErrorIs(t, err, carrierfsm.ErrForged)
}

// purging is a store that purges so many at each call.
type purging struct {
	carrierfsm.Store
	left []int
}

func (p *purging) Purge(context.Context, time.Time, int) (n int, err error) {
	n, p.left = p.left[0], p.left[1:]
	return n, nil
}

func TestPurgeGoesOnUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	store := &purging{left: []int{500, 500, 3}}
	b := fsmtest.New(t)
	m := b.Replica(func(c *carrierfsm.Config) { store.Store, c.Store = c.Store, store })
	n, _, err := m.Machine.Purge(context.Background(), b.Clock.Now())
	require.NoError(t, err)
	require.Equal(t, 1003, n)
	require.Empty(t, store.left)
}

// pagedPurge records the pages that were deleted.
type pagedPurge struct {
	*memory.Store
	mu      sync.Mutex
	deleted []int
}

func (s *pagedPurge) PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error) {
	deleted, kept, err = s.Store.PurgeDelivered(ctx, before, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if deleted > 0 {
		s.deleted = append(s.deleted, deleted)
	}
	return deleted, kept, err
}

func TestRunDeletesInSmallPagesWhatIsOlderThanRetentionAndEveryHandlerHasGot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := context.Background(), &pagedPurge{Store: memory.New()}
		var log bytes.Buffer
		b := fsmtest.NewWith(t, carrierfsm.Config{
			Now: time.Now, Store: store, Retention: time.Hour, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Limits: carrierfsm.Limits{Life: 100 * time.Hour},
		})
		end := func(id string) {
			_, err := b.Machine.Create(ctx, carrierfsm.NewVerification{ID: id})
			require.NoError(t, err)
			_, err = b.Machine.Submit(ctx, id, carrierfsm.Cancel{})
			require.NoError(t, err)
		}
		for i := range 250 {
			end(fmt.Sprintf("old-%d", i))
		}
		lease, err := store.Acquire(ctx, "notify", "one", 100*time.Hour, outbox.FromNow)
		require.NoError(t, err)
		end("pending")
		defer running(t, b.Machine)()
		exists := func(id string) bool { _, err := b.Machine.Get(ctx, id); return err == nil }
		pass(59 * time.Minute)
		require.True(t, exists("old-0"))
		pass(3 * time.Minute)
		require.False(t, exists("old-0"))
		require.Equal(t, []int{100, 100, 50}, store.deleted)
		require.True(t, exists("v1"), "it has not ended")
		require.True(t, exists("pending"), "the handler has not got it")
		require.Equal(t, 1, strings.Count(log.String(), "a handler has not got it"), log.String())

		batch, err := store.Pending(ctx, lease, 10)
		require.NoError(t, err)
		require.NoError(t, store.Advance(ctx, lease, batch, len(batch.Entries), nil))
		pass(2 * time.Minute)
		require.False(t, exists("pending"))
	})
}

// failingPurge is a store whose purges fail while it is set.
type failingPurge struct {
	*memory.Store
	fails atomic.Bool
}

func (s *failingPurge) PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error) {
	if s.fails.Load() {
		return 0, 0, errors.New("down")
	}
	return s.Store.PurgeDelivered(ctx, before, limit)
}

func TestAPurgeThatFailsIsLoggedOnceUntilItWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := &failingPurge{Store: memory.New()}, new(bytes.Buffer)
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Store: store, Retention: time.Hour, PollInterval: time.Hour, Logger: slog.New(slog.NewTextHandler(log, nil))})
		defer running(t, b.Machine)()
		for n := range 3 {
			store.fails.Store(true)
			pass(10 * time.Minute)
			synctest.Wait()
			require.Equal(t, n+1, strings.Count(log.String(), "what is older than Retention could not be deleted"), log.String())
			store.fails.Store(false)
			pass(10 * time.Minute)
		}
	})
}

func TestRunKeepsAllWithoutRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &pagedPurge{Store: memory.New()}
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Store: store, PollInterval: time.Hour})
		b.Must(b.Cancel())
		defer running(t, b.Machine)()
		pass(1000 * time.Hour)
		require.Empty(t, store.deleted)
	})
}

func TestRunDeletesInPagesTheActsThatAreOlderThanActRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := context.Background(), memory.New()
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Store: store, ActRetention: 100 * time.Hour, PollInterval: time.Hour})
		kept := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Store: memory.New(), PollInterval: time.Hour})
		log := func(s *memory.Store, n int) {
			for range n {
				require.NoError(t, acts.Look(carrierfsm.ByOperator(ctx, "ann"), s, acts.Act{Kind: acts.List}))
			}
		}
		stored := func(s *memory.Store) int {
			list, err := s.Acts(ctx, acts.Query{Limit: 10_000})
			require.NoError(t, err)
			return len(list)
		}
		log(store, 1001)
		log(kept.Store.(*memory.Store), 1)
		defer running(t, b.Machine)()
		defer running(t, kept.Machine)()
		pass(50 * time.Hour)
		log(store, 1)
		pass(49 * time.Hour)
		require.Equal(t, 1002, stored(store))
		for stored(store) == 1002 {
			pass(20 * time.Second)
		}
		pass(time.Second)
		require.Equal(t, 1, stored(store), "page after page")
		pass(2 * time.Hour)
		require.Equal(t, 1, stored(kept.Store.(*memory.Store)), "without ActRetention all are kept")
	})
}
