package telemetry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestAHandlersSpanIsLinkedToTheSubmissionThatCommittedItsTransition(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{
		Observer: f.Observer(),
		Handlers: map[string]carrierfsm.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }},
	})
	_, err := b.Apply()
	require.NoError(t, err)
	_, err = b.Machine.Deliver(context.Background())
	require.NoError(t, err)
	var submitted, handled int
	for _, s := range f.spans.GetSpans() {
		switch s.Name {
		case "carrierfsm.submit":
			submitted++
		case "carrierfsm.handle":
			require.Len(t, s.Links, 1)
			require.False(t, s.Parent.IsValid(), "a trace of its own")
			for _, of := range f.spans.GetSpans() {
				if of.Name == "carrierfsm.submit" {
					require.Equal(t, of.SpanContext.SpanID(), s.Links[0].SpanContext.SpanID())
					handled++
				}
			}
		}
	}
	require.Equal(t, 1, submitted)
	require.Equal(t, 2, handled, "both transitions of the one submission")
}

func TestAHandlersSpanIsNotLinkedToWhatAnotherProcessCommitted(t *testing.T) {
	t.Parallel()
	store := memory.New()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store})
	_, err := b.Apply()
	require.NoError(t, err)
	f := newFixture(t)
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: store, Upstream: b.Upstream, Observer: f.Observer(),
		Handlers: map[string]carrierfsm.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }},
	})
	require.NoError(t, err)
	_, err = m.Deliver(context.Background())
	require.NoError(t, err)
	require.Len(t, f.spans.GetSpans(), 2)
	for _, s := range f.spans.GetSpans() {
		require.Empty(t, s.Links)
	}
}
