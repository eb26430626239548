package carrierfsm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// Several replicas on one store, and Run.

func TestOfManyReplicasThatAreGivenOneCodeOneSendsIt(t *testing.T) {
	t.Parallel()
	stores := map[string]func(*testing.T) carrierfsm.Store{
		"memory": func(*testing.T) carrierfsm.Store { return memory.New() },
		"sqlite": func(t *testing.T) carrierfsm.Store {
			t.Helper()
			s, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "test.db"))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			return s
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			b := newBench(t, func(c *carrierfsm.Config) { c.Store, c.CaptchaWithoutPassword = store, true })
			v := b.at("10002")
			const replicas = 8
			errs := make([]error, replicas)
			var all sync.WaitGroup
			for i := range replicas {
				m := b.another()
				all.Go(func() {
					_, errs[i] = m.Submit(context.Background(), b.id, captchaOf(v, fmt.Sprintf("50000%d", i)))
				})
			}
			all.Wait()
			sent := 0
			for i, err := range errs {
				arrived := b.up.arrived(fmt.Sprintf("50000%d", i))
				sent += arrived
				require.Equal(t, err == nil, arrived == 1)
				if err != nil {
					require.True(t, errors.Is(err, carrierfsm.ErrInFlight) || errors.Is(err, carrierfsm.ErrStale), err)
				}
			}
			require.Equal(t, 1, sent)
			require.Len(t, b.events(), 4)
		})
	}
}

func TestRunSettlesWhatIsDueUntilItIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.at("10002")
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- b.another().Run(ctx) }()
		pass(5*time.Minute + 2*time.Second)
		require.Equal(t, []carrierfsm.Event{carrierfsm.CaptchaExpired}, b.latest(1))
		pass(5 * time.Minute)
		require.Equal(t, []carrierfsm.Event{carrierfsm.Expired}, b.latest(1))
		stop()
		require.NoError(t, <-done)
	})
}

func TestRunGoesOnWhileTheStoreFailsAndAroundWhatItCantOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.at("10002")
		locked := newBench(t, withSealer(t), func(c *carrierfsm.Config) { c.Store = memory.New() })
		r, err := locked.store.Load(context.Background(), locked.id)
		require.NoError(t, err)
		r.Due = r.Created
		for _, id := range []string{"a-locked-one", "another"} {
			r.ID = id
			require.NoError(t, b.store.Create(context.Background(), r))
		}
		fails := 3
		var log bytes.Buffer
		m := b.another(func(c *carrierfsm.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			c.Store = storeWith{Store: c.Store, commit: func(commit func() error) error {
				if fails--; fails >= 0 {
					return errors.New("the store is away")
				}
				return commit()
			}}
		})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		pass(5*time.Minute + 10*time.Second)
		require.Equal(t, []carrierfsm.Event{carrierfsm.CaptchaExpired}, b.latest(1))
		stop()
		require.NoError(t, <-done)
		for _, id := range []string{"a-locked-one", "another"} {
			require.Equal(t, 1, strings.Count(log.String(), "id="+id), "what fails is told once, not each second")
		}
	})
}

func TestWhatCantBeOpenedDoesNotKeepTheRestFromBeingSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		locked := newBench(t, withSealer(t), func(c *carrierfsm.Config) { c.Store = memory.New() })
		r, err := locked.store.Load(context.Background(), locked.id)
		require.NoError(t, err)
		r.Due = r.Created
		const many = 250 // more than are read at once
		for i := range many {
			r.ID = fmt.Sprintf("locked-%03d", i)
			require.NoError(t, b.store.Create(context.Background(), r))
		}
		pass(time.Hour)
		n, err := b.Settle(context.Background())
		require.Equal(t, 1, n)
		require.ErrorIs(t, err, carrierfsm.ErrSealed)
		require.Equal(t, carrierfsm.Expired, b.get().Reason)
	})
}
