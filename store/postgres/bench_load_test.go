package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// BenchmarkLoads does what submissions do: a load, then two commits. It compares
// batched loads with loads in statements of their own: they take turns, and it
// reports the medians of the turns.
func BenchmarkLoads(b *testing.B) {
	for _, drivers := range []int{1, 8, 32, 64} {
		b.Run(fmt.Sprintf("drivers=%d", drivers), func(b *testing.B) {
			pool := pgtest.Pool(b, durable.Cluster(b).NewDatabase(b), 10)
			s, _ := openOn(b, pool)
			submitting := func(load func(context.Context, string) (carrierfsm.Record, error)) committer {
				return func(ctx context.Context, r carrierfsm.Record, e carrierfsm.Entry) error {
					if r.Version%2 == 0 {
						if _, err := load(ctx, r.ID); err != nil {
							return err
						}
					}
					return s.Commit(ctx, r, e)
				}
			}
			names := []string{"batched", "alone"}
			committers := map[string]committer{"batched": submitting(s.Load), "alone": submitting(s.LoadAlone)}
			records, turns := make(map[string][]carrierfsm.Record), make(map[string][]time.Duration)
			for _, name := range names {
				records[name] = benchRecords(b, s, name, drivers)
			}
			const each = 8
			for b.Loop() {
				for _, name := range names {
					start := time.Now()
					drive(b, committers[name], records[name], each)
					turns[name] = append(turns[name], time.Since(start))
				}
				slices.Reverse(names)
			}
			b.ReportMetric(0, "ns/op") // of both, which means nothing
			median := func(name string) float64 {
				slices.Sort(turns[name])
				return turns[name][len(turns[name])/2].Seconds()
			}
			b.ReportMetric(float64(each*drivers)/median("batched"), "batched/s")
			b.ReportMetric(float64(each*drivers)/median("alone"), "alone/s")
			b.ReportMetric(median("alone")/median("batched"), "×alone")
		})
	}
}
