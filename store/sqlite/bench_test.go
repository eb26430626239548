package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

func BenchmarkCommit(b *testing.B) {
	s := open(b, newPath(b))
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
	s := open(b, newPath(b))
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

// BenchmarkPlainVerification also reports how much each verification adds to the
// file.
func BenchmarkPlainVerification(b *testing.B) {
	for _, drivers := range []int{1, 8, 32, 64} {
		b.Run(fmt.Sprintf("drivers=%d", drivers), func(b *testing.B) {
			path := newPath(b)
			s := open(b, path)
			fsmtest.BenchmarkStore(b, s, drivers)
			require.NoError(b, s.Checkpoint(context.Background()))
			info, err := os.Stat(path)
			require.NoError(b, err)
			b.ReportMetric(float64(info.Size())/float64(b.N), "B/verification")
		})
	}
}
