package sharded_test

import (
	"context"
	"testing"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// BenchmarkRouter is what the way through the router adds to a call of a store.
func BenchmarkRouter(b *testing.B) {
	bare := memory.New()
	s, err := sharded.New(context.Background(), sharded.Config{Shards: []sharded.Shard{{Name: "a", Store: bare}}, Create: true})
	if err != nil {
		b.Fatal(err)
	}
	id := s.PlaceID("019012ab-0000-7000-8000-000000000000", "key")
	if err := s.Create(context.Background(), carrierfsm.Record{ID: id, State: carrierfsm.Created, Version: 1, Body: make([]byte, 600)}); err != nil {
		b.Fatal(err)
	}
	for name, store := range map[string]carrierfsm.Store{"bare": bare, "router": s} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := store.Load(context.Background(), id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPlainVerification(b *testing.B) {
	for name, open := range map[string]func() carrierfsm.Store{
		"bare": func() carrierfsm.Store { return memory.New() },
		"router": func() carrierfsm.Store {
			s, err := sharded.New(context.Background(), sharded.Config{Shards: []sharded.Shard{{Name: "a", Store: memory.New()}}, Create: true})
			if err != nil {
				b.Fatal(err)
			}
			return s
		},
	} {
		b.Run(name, func(b *testing.B) { fsmtest.BenchmarkStore(b, open(), 1) })
	}
}
