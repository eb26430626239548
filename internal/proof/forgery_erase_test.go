package proof_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// An erasure binds the history to a new chain only if every entry of an earlier build,
// the last one too, could be opened.
func TestAForgedEntryOfAnEarlierBuildIsNotProvenByAnErasure(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for forged := range 3 {
		store := &tampered{Store: earlier(t)}
		accept := strict(t, store)
		accept.RefuseUnbound = false
		m := machine(t, accept)
		_, err := m.History(ctx, "v1")
		require.NoError(t, err)
		store.set(nil, func(list []carrierfsm.Entry) []carrierfsm.Entry {
			if forged < len(list) && len(list[forged].Detail) > 0 {
				list[forged].Detail = slices.Clone(list[forged].Detail)
				list[forged].Detail[len(list[forged].Detail)-1] ^= 1
			}
			return list
		})
		_, err = m.History(ctx, "v1")
		require.Error(t, err)
		require.NoError(t, m.Erase(ctx, "v1"))
		store.set(nil, nil)
		_, err = m.History(ctx, "v1")
		require.ErrorContains(t, err, "could not be checked when it was erased", "step %d", forged+1)
	}
}

// The only entry of a history is the first and the last.
func TestAVerificationOfOneStepThatWasForgedIsNotProvenByAnErasure(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := &tampered{Store: memory.New()}
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer(t)}, fsmtest.Refuse("no such person"))
	b.Must(b.Apply())
	require.Len(t, b.History(), 1)
	store.set(func(r *carrierfsm.Record) { r.State, r.Reason = carrierfsm.Done, carrierfsm.CollectionStarted }, nil)
	require.NoError(t, b.Machine.Erase(ctx, b.ID))
	store.set(nil, nil)
	_, err := b.Machine.History(ctx, b.ID)
	require.ErrorContains(t, err, "could not be checked when it was erased")
}
