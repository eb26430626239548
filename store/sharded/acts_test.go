package sharded_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// An action that can't be logged is not done. So with a shard down, operators could act on
// the verifications of the others only by chance if an act were on any shard.
func TestWhatIsDoneToAVerificationIsLoggedOnItsShard(t *testing.T) {
	t.Parallel()
	var list []*memory.Store
	c := config(func(int) sharded.Member {
		list = append(list, memory.New())
		return list[len(list)-1]
	})
	s := open(t, c)
	ctx := carrierfsm.ByOperator(t.Context(), "li.wei")
	nothing := func(context.Context) (int, error) { return 1, nil }
	for range 20 {
		require.NoError(t, acts.Do(ctx, s, acts.Act{Kind: acts.Expire, Verification: "s100-v", Count: 1, Reason: "asked for"}, nothing))
		require.NoError(t, acts.Look(ctx, s, acts.Act{Kind: acts.Show, Verification: "s100-v", Count: 1}))
	}
	for i, store := range list {
		found, err := store.Acts(t.Context(), acts.Query{Limit: 100})
		require.NoError(t, err)
		require.Len(t, found, []int{0, 40, 0, 0}[i])
	}
	all, err := s.Acts(t.Context(), acts.Query{Verification: "s100-v", Kinds: acts.Changing(), Limit: 100})
	require.NoError(t, err)
	require.Len(t, all, 20)
	require.Equal(t, acts.Done, all[0].Outcome)
}
