package carrierfsm_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// A caller who may stop waiting has the call made by a goroutine. It serves the
// next one too, if that comes soon, and else it goes; also where nobody closes
// the machine, or synctest would complain of a goroutine that is left.
func TestAGoroutineThatFinishedServesTheNextCallerOrGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		m, err := carrierfsm.New(carrierfsm.Config{Store: memory.New(), Upstream: fsmtest.NewUpstream(fsmtest.Code("10002"))})
		require.NoError(t, err)
		v, err := m.Create(ctx, carrierfsm.NewVerification{})
		require.NoError(t, err)
		v, err = m.Submit(ctx, v.ID, application(0))
		require.NoError(t, err)
		require.Equal(t, 1, m.IdleHands())
		_, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
		require.NoError(t, err)
		require.Equal(t, 1, m.IdleHands(), "the same")
		pass(time.Second)
		require.Zero(t, m.IdleHands())
		require.False(t, m.HandsTick(), "nothing ticks where nobody waits")
	})
}

func TestCloseLetsTheGoroutinesGoAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.New(t)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		v := b.Must(b.Machine.Submit(ctx, b.ID, application(0)))
		require.Equal(t, 1, b.Machine.IdleHands())
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		late := make(chan error, 1)
		go func() {
			_, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
			late <- err
		}()
		synctest.Wait()
		short, giveUp := context.WithTimeout(context.Background(), time.Second)
		defer giveUp()
		require.ErrorIs(t, b.Machine.Close(short), context.DeadlineExceeded)
		require.NoError(t, <-late, "what is under way is finished")
		require.Zero(t, b.Machine.IdleHands(), "and is the last")
	})
}
