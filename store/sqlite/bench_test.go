package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

func BenchmarkCommit(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "bench.db"))
	r := record("v1")
	r.Body = make([]byte, 600)
	ctx := context.Background()
	require.NoError(b, s.Create(ctx, r))
	b.ReportAllocs()
	for b.Loop() {
		r.Version++
		r.Step++
		require.NoError(b, s.Commit(ctx, r, carrierfsm.Entry{ID: r.ID, Step: r.Step}))
	}
}

func BenchmarkCommitParallel(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "bench.db"))
	ctx := context.Background()
	var drivers atomic.Int32
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		r := record(fmt.Sprintf("v%d", drivers.Add(1)))
		r.Body = make([]byte, 600)
		if err := s.Create(ctx, r); err != nil {
			b.Error(err)
			return
		}
		for pb.Next() {
			r.Version++
			r.Step++
			if err := s.Commit(ctx, r, carrierfsm.Entry{ID: r.ID, Step: r.Step}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
