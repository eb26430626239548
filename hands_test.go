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
		b := newBench(t)
		b.up.thenTake(time.Minute, reply("10008"))
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		v := b.must(b.Submit(ctx, b.id, application(0)))
		require.Equal(t, 1, b.IdleHands())
		late := make(chan error, 1)
		go func() {
			_, err := b.Submit(ctx, b.id, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
			late <- err
		}()
		synctest.Wait()
		short, giveUp := context.WithTimeout(context.Background(), time.Second)
		defer giveUp()
		require.ErrorIs(t, b.Close(short), context.DeadlineExceeded)
		require.NoError(t, <-late, "what is under way is finished")
		require.Zero(t, b.IdleHands(), "and is the last")
	})
}
