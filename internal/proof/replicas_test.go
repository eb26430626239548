package proof_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

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
			b := fsmtest.NewWith(t, carrierfsm.Config{Store: open(t), CaptchaWithoutPassword: true})
			v := b.Reach("10002")
			b.Upstream.Then(fsmtest.Code("10002"))
			const replicas = 8
			errs := make([]error, replicas)
			var all sync.WaitGroup
			for i := range replicas {
				replica := b.Replica()
				all.Go(func() {
					_, errs[i] = replica.Submit(carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret(fmt.Sprintf("50000%d", i))})
				})
			}
			all.Wait()
			sent := 0
			for i, err := range errs {
				arrived := b.Upstream.Arrivals(fmt.Sprintf("50000%d", i))
				sent += arrived
				require.Equal(t, err == nil, arrived == 1)
				if err != nil {
					require.True(t, errors.Is(err, carrierfsm.ErrInFlight) || errors.Is(err, carrierfsm.ErrStale), err)
				}
			}
			require.Equal(t, 1, sent)
			require.Len(t, b.Events(), 4)
		})
	}
}
