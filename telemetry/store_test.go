package telemetry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Run polls the store; without a parent its calls make no spans.
func TestStoreCallsOfRunMakeNoTrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: f.Observer()})
	b.Clock.Advance(time.Hour)
	n, err := b.Machine.Settle(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, f.spanTree())
	require.Equal(t, []string{"verification.event=expired verification.from=created verification.to=failed 1"}, f.points("verification.transitions"))
	ctx, span := f.traces.Tracer("host").Start(context.Background(), "nightly job")
	_, err = b.Machine.Settle(ctx)
	require.NoError(t, err)
	span.End()
	require.Equal(t, []string{"nightly job", "  carrierfsm.store.due"}, f.spanTree())
}

func TestAStoreErrorIsRecordedByItsClassOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, err := carrierfsm.New(carrierfsm.Config{
		Numbers: budget.None(),
		Store:   failingStore{memory.New()}, Upstream: fsmtest.NewUpstream(), Observer: f.Observer(),
	})
	require.NoError(t, err)
	_, err = m.Submit(context.Background(), "v1", carrierfsm.Cancel{})
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	require.Equal(t, []string{
		"carrierfsm.submit error.type=store verification.input=cancel verification.outcome=refused Error",
		"  carrierfsm.store.load error.type=store Error",
	}, f.spanTree())
}

// failingStore returns errors with the text of a driver that quotes its arguments.
type failingStore struct{ carrierfsm.Store }

func (failingStore) Load(context.Context, string) (carrierfsm.Record, error) {
	return carrierfsm.Record{}, errDriver
}
