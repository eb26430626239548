package carrierfsm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// What Run and Settle do.

func TestRunSettlesWhatIsDueUntilItIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now})
		b.Reach("10002")
		stop := running(t, b.Replica().Machine)
		pass(5*time.Minute + 2*time.Second)
		require.Equal(t, []carrierfsm.Event{carrierfsm.CaptchaExpired}, latest(b, 1))
		pass(5 * time.Minute)
		require.Equal(t, []carrierfsm.Event{carrierfsm.Expired}, latest(b, 1))
		stop()
	})
}

func TestRunGoesOnWhileTheStoreFailsAndAroundWhatItCantOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now})
		b.Reach("10002")
		r := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Sealer: sealer(t)}).Record()
		r.Due = r.Created
		for _, id := range []string{"a-locked-one", "another"} {
			r.ID = id
			require.NoError(t, b.Store.Create(context.Background(), r))
		}
		fails := 3
		var log bytes.Buffer
		m := b.Replica(func(c *carrierfsm.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			c.Store = storeWith{Store: c.Store, commit: func(commit func() error) error {
				if fails--; fails >= 0 {
					return errors.New("the store is away")
				}
				return commit()
			}}
		})
		stop := running(t, m.Machine)
		pass(5*time.Minute + 10*time.Second)
		require.Equal(t, []carrierfsm.Event{carrierfsm.CaptchaExpired}, latest(b, 1))
		stop()
		for _, id := range []string{"a-locked-one", "another"} {
			require.Equal(t, 1, strings.Count(log.String(), "id="+id), "what fails is told once, not each second")
		}
	})
}

func TestWhatCantBeOpenedDoesNotKeepTheRestFromBeingSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now})
		r := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Sealer: sealer(t)}).Record()
		r.Due = r.Created
		const many = 250 // more than are read at once
		for i := range many {
			r.ID = fmt.Sprintf("locked-%03d", i)
			require.NoError(t, b.Store.Create(context.Background(), r))
		}
		pass(time.Hour)
		n, err := b.Machine.Settle(context.Background())
		require.Equal(t, 1, n)
		require.ErrorIs(t, err, carrierfsm.ErrSealed)
		require.Equal(t, carrierfsm.Expired, b.Get().Reason)
	})
}
