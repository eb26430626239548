package memory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func BenchmarkPlainVerification(b *testing.B) {
	for _, drivers := range []int{1, 8} {
		b.Run(fmt.Sprintf("drivers=%d", drivers), func(b *testing.B) {
			fsmtest.BenchmarkStore(b, memory.New(), drivers)
		})
	}
}

func BenchmarkCommit(b *testing.B) {
	s := memory.New()
	r := carrierfsm.Record{ID: "v1", State: carrierfsm.Created, Version: 1, Body: make([]byte, 600), Due: time.Unix(1_900_000_000, 0)}
	ctx := context.Background()
	if err := s.Create(ctx, r); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Version++
		r.Step++
		if err := s.Commit(ctx, r, carrierfsm.Entry{ID: r.ID, Step: r.Step}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDue calls Due while no record is due. The cost must not grow with the
// number of records.
func BenchmarkDue(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("waiting=%d", n), func(b *testing.B) {
			s := memory.New()
			now := time.Unix(1_900_000_000, 0)
			for i := range n {
				due := now.Add(time.Minute + time.Duration(i%1800)*time.Second)
				r := carrierfsm.Record{ID: fmt.Sprint(i), State: carrierfsm.Created, Version: 1, Due: due}
				if err := s.Create(context.Background(), r); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if list, err := s.Due(context.Background(), now, carrierfsm.PageKey{}, 100); err != nil || len(list) > 0 {
					b.Fatal(list, err)
				}
			}
		})
	}
}
