package carrierfsm_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// clocked is a store whose clock differs from the machine's.
type clocked struct {
	carrierfsm.Store
	differs atomic.Int64 // a Duration
	err     error
}

func clockedBy(differs time.Duration) *clocked {
	s := &clocked{Store: memory.New()}
	s.differs.Store(int64(differs))
	return s
}

func (s *clocked) Now(context.Context) (time.Time, error) {
	pass(100 * time.Millisecond) // the network
	return time.Now().Add(time.Duration(s.differs.Load())), s.err
}

// Half the grace is the bound: then two replicas differ by less than the grace.
func TestAClockThatIsAheadSettlesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ahead   time.Duration
		settles bool
		warns   bool
	}{
		{10 * time.Minute, false, true},
		{8 * time.Second, false, true},
		{7 * time.Second, true, true},
		{4 * time.Second, true, true},
		{3 * time.Second, true, false},
		{0, true, false},
		{-3 * time.Second, true, false},
		{-10 * time.Minute, true, true}, // it settles later, which harms no one
	} {
		t.Run(c.ahead.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				store := clockedBy(-c.ahead)
				var log bytes.Buffer
				m := machineOn(t, store, func(c *carrierfsm.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
				created(t, m, 1)
				pass(31 * time.Minute)
				stop := running(t, m)
				pass(5 * time.Second)
				v, err := m.Get(ctx, "v00000")
				require.NoError(t, err)
				require.Equal(t, c.settles, v.State.Terminal())
				_, err = m.Settle(ctx)
				require.Equal(t, c.settles, err == nil, err)
				stop()
				require.Equal(t, c.warns, strings.Count(log.String(), "clock differs") == 1, log.String())
				skew := m.Stats().ClockSkew
				require.LessOrEqual(t, (skew - c.ahead).Abs(), 100*time.Millisecond, skew)
				if !c.settles { // people's answers are taken
					_, err = m.Submit(ctx, "v00000", carrierfsm.Cancel{})
					require.NoError(t, err)
				}
			})
		})
	}
}

func TestAClockThatWasSetRightSettlesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := clockedBy(0)
		m := machineOn(t, store)
		created(t, m, 1)
		stop := running(t, m)
		defer stop()
		pass(28 * time.Minute)
		store.differs.Store(int64(-time.Hour))
		pass(4 * time.Minute)
		require.Equal(t, 1, live(t, store.Store), "found within a minute")
		store.differs.Store(0)
		pass(3 * time.Second)
		require.Zero(t, live(t, store.Store))
	})
}

// A store that does not tell the time, or a host's own clock, compares nothing.
func TestAClockThatCantBeComparedSettles(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*clocked, *carrierfsm.Config){
		"the store fails": func(s *clocked, _ *carrierfsm.Config) { s.err = fmt.Errorf("the store is away") },
		"a clock of the host's": func(_ *clocked, c *carrierfsm.Config) {
			c.Now = time.Now
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := clockedBy(-time.Hour)
				m := machineOn(t, store, func(c *carrierfsm.Config) { change(store, c) })
				created(t, m, 1)
				pass(31 * time.Minute)
				n, err := m.Settle(context.Background())
				require.NoError(t, err)
				require.Equal(t, 1, n)
				require.Zero(t, m.Stats().ClockSkew)
			})
		})
	}
}
