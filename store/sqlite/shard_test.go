package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// One transaction writes the outcomes of a batch and refuses its intents. A refused intent
// does not roll the outcomes back.
func TestABatchOnADrainingFileHasItsOutcomesOnly(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T, path string) *sqlite.Store{
		"fast":  func(t *testing.T, path string) *sqlite.Store { t.Helper(); return open(t, path) },
		"plain": func(t *testing.T, path string) *sqlite.Store { t.Helper(); return openInHostsDB(t, path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, path := t.Context(), newPath(t)
			mover, s := openInHostsDB(t, path), open(t, path)
			require.NoError(t, mover.SetShard(ctx, "a", 1, "0-1024/1024"))
			s.BindShard(1)
			const each = 6
			var writes []func() error
			for i := range each {
				outcome, intent := record(fmt.Sprintf("outcome%d", i)), record(fmt.Sprintf("intent%d", i))
				outcome.InFlight = true
				require.NoError(t, s.Create(ctx, outcome))
				require.NoError(t, s.Create(ctx, intent))
				outcome.Version, outcome.Step, outcome.InFlight = 2, 1, false
				intent.Version, intent.InFlight = 2, true
				fresh := record(fmt.Sprintf("fresh%d", i))
				fresh.InFlight = true
				writes = append(writes,
					func() error { return s.Commit(ctx, outcome, carrierfsm.Entry{ID: outcome.ID, Step: 1}) },
					func() error { return s.Commit(ctx, intent) },
					func() error { return s.Create(ctx, fresh) })
			}
			require.NoError(t, mover.DrainShard(ctx, 1, true))
			for i, err := range inOneBatch(t, path, s, writes...) {
				if i%3 == 0 {
					require.NoError(t, err)
				} else {
					require.Equal(t, carrierfsm.ErrMoved, err)
				}
			}
			for i := range each {
				outcome, err := s.Load(ctx, fmt.Sprintf("outcome%d", i))
				require.NoError(t, err)
				require.False(t, outcome.InFlight)
				intent, err := s.Load(ctx, fmt.Sprintf("intent%d", i))
				require.NoError(t, err)
				require.False(t, intent.InFlight)
				_, err = s.Load(ctx, fmt.Sprintf("fresh%d", i))
				require.ErrorIs(t, err, carrierfsm.ErrNotFound)
			}
			require.NoError(t, mover.DrainShard(ctx, 1, false))
			for i, write := range writes {
				if i%3 > 0 {
					require.NoError(t, write())
				}
			}
		})
	}
}
