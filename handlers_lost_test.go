package carrierfsm_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Handlers, and a store whose answers are lost.

// deafOutbox loses the answer to the write that ends a parked row, once, and lets
// something happen before it says so.
type deafOutbox struct {
	*memory.Store
	meanwhile func()
}

func (o *deafOutbox) Advance(ctx context.Context, l carrierfsm.Lease, b carrierfsm.Batch, n int, rows []carrierfsm.Parked) error {
	err := o.Store.Advance(ctx, l, b, n, rows)
	if meanwhile := o.meanwhile; meanwhile != nil && err == nil && n == 0 && rows[0].Step > rows[0].Upto {
		o.meanwhile = nil
		meanwhile()
		return errors.New("the answer was lost")
	}
	return err
}

func TestAWriteThatIsMadeAgainEndsNoLaterParking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{fail: func(tr carrierfsm.Transition, n int) error {
			if n == 1 && (tr.Step == 1 || tr.Step == 3) {
				return errors.New("not now")
			}
			return nil
		}}
		box := &deafOutbox{Store: memory.New()}
		b := handled(t, d.handle, func(c *carrierfsm.Config) { c.Store = box })
		box.meanwhile = func() {
			b.Upstream.Then(fsmtest.Code("10002"))
			b.Must(b.Password("246810"))
			for range 100 {
				rows, err := box.Parked(context.Background(), carrierfsm.ParkedQuery{})
				require.NoError(t, err)
				if len(rows) == 1 {
					require.Equal(t, 3, rows[0].Step)
					return
				}
				pass(time.Millisecond)
			}
			require.Fail(t, "the third step was not parked")
		}
		stop := running(t, b.Machine)
		defer stop()
		b.Must(b.Submit(application(0)))
		pass(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"v1/1", "v1/1", "v1/2", "v1/3", "v1/3"}, d.got())
	})
}
