package carrierfsm_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// A body as it is stored while a code is waited for, its intent open: written
// and read. encoding/json is what it is measured beside.
func BenchmarkBody(b *testing.B) {
	o := answering(carrierfsm.PromptCaptcha)
	r, err := carrierfsm.Seal(nil, o)
	if err != nil {
		b.Fatal(err)
	}
	var body carrierfsm.Body
	if err := body.Unmarshal(r.Body); err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"write":      func() error { _, err := body.Marshal(); return err },
		"read":       func() error { return new(carrierfsm.Body).Unmarshal(r.Body) },
		"write/json": func() error { _, err := json.Marshal(body); return err },
		"read/json":  func() error { return json.Unmarshal(r.Body, new(carrierfsm.Body)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Handing one transition to a handler, from a store in memory.
func BenchmarkDelivery(b *testing.B) {
	ctx, page := context.Background(), 0
	var m *carrierfsm.Machine
	b.ReportAllocs()
	for b.Loop() {
		if page == 0 {
			b.StopTimer()
			m, page = undelivered(b, 1000), 1000
			b.StartTimer()
			if _, err := m.Deliver(ctx); err != nil {
				b.Fatal(err)
			}
		}
		page--
	}
}

// undelivered is a machine with so many transitions that its handler has not had.
func undelivered(b *testing.B, n int) *carrierfsm.Machine {
	b.Helper()
	ctx := context.Background()
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: memory.New(), Upstream: fsmtest.Instant{},
		Handlers: map[string]carrierfsm.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }},
	})
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
	return m
}
