package telemetry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// deliver calls a handler, which is observed, for what is pending.
func deliver(t *testing.T, f *fixture, b *fsmtest.Bench) {
	t.Helper()
	_, err := b.Dispatcher(outbox.Config{
		Observer: f.HandlerObserver(), Starts: map[string]outbox.Start{"notify": outbox.FromBeginning},
		Handlers: map[string]outbox.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }},
	}).Deliver(context.Background())
	require.NoError(t, err)
}

func TestAHandlersSpanIsLinkedToTheSubmissionThatCommittedItsTransition(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: f.Observer()})
	b.Must(b.Apply())
	deliver(t, f, b)
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
	b := fsmtest.New(t)
	b.Must(b.Apply())
	f := newFixture(t)
	deliver(t, f, b.Replica(func(c *carrierfsm.Config) { c.Observer = f.Observer() }))
	require.Len(t, f.spans.GetSpans(), 2)
	for _, s := range f.spans.GetSpans() {
		require.Empty(t, s.Links)
	}
}
