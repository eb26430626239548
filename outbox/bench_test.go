package outbox_test

import (
	"context"
	"testing"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// The cost of delivering one transition from a store in memory.
func BenchmarkDelivery(b *testing.B) {
	ctx, page := context.Background(), 0
	var d *outbox.Dispatcher
	b.ReportAllocs()
	for b.Loop() {
		if page == 0 {
			b.StopTimer()
			d, page = undelivered(b, 1000), 1000
			b.StartTimer()
			if _, err := d.Deliver(ctx); err != nil {
				b.Fatal(err)
			}
		}
		page--
	}
}

// undelivered returns a dispatcher with n pending transitions.
func undelivered(b *testing.B, n int) *outbox.Dispatcher {
	b.Helper()
	ctx, store := context.Background(), memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.Instant{}})
	if err != nil {
		b.Fatal(err)
	}
	for range n {
		v, err := m.Create(ctx, carrierfsm.NewVerification{})
		if err == nil {
			_, err = m.Submit(ctx, v.ID, carrierfsm.Cancel{})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	d, err := outbox.New(m, store, outbox.Config{
		Handlers: map[string]outbox.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }},
		Starts:   map[string]outbox.Start{"notify": outbox.FromBeginning},
	})
	if err != nil {
		b.Fatal(err)
	}
	return d
}
