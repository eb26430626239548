package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// BenchmarkSpends compares batches of commits that spend, each of the ledger of its own
// number, with batches that don't. Of two commits of a record one spends two kinds, and the
// other one gives them back.
func BenchmarkSpends(b *testing.B) {
	for _, size := range []int{1, 8, 32, 128} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			ctx := context.Background()
			s, _ := openOn(b, pgtest.Pool(b, durable.Cluster(b).NewDatabase(b), 10))
			names := [2]string{"plain", "spending"}
			var batches [2][]write.Request
			for i, name := range names {
				for _, r := range benchRecords(b, s, name, size) {
					batches[i] = append(batches[i], write.Request{Record: r})
				}
			}
			var elapsed [2]time.Duration
			n := 0
			for b.Loop() {
				n++
				for i := range names {
					commitAgain(batches[i], i == 1, n)
					start := time.Now()
					errs := s.CommitBatch(ctx, batches[i]...)
					elapsed[i] += time.Since(start)
					for _, err := range errs {
						require.NoError(b, err)
					}
				}
			}
			b.ReportMetric(0, "ns/op") // of both, which means nothing
			for i, name := range names {
				b.ReportMetric(float64(elapsed[i].Microseconds())/float64(n*size), "µs/"+name)
			}
			b.ReportMetric(elapsed[1].Seconds()/elapsed[0].Seconds(), "×plain")
		})
	}
}

// commitAgain makes the requests the next commits of their records.
func commitAgain(batch []write.Request, spend bool, n int) {
	for i := range batch {
		r := &batch[i]
		after, e := next(r.Record)
		r.Record, r.Entries = after, append(r.Entries[:0], e)
		if !spend {
			continue
		}
		at, sign := time.Unix(1_900_000_000+int64((n-1)/2*60), 0).UTC(), n%2*2-1
		r.Record.Spends = nil
		for _, k := range []budget.Kind{budget.Texts, budget.Passwords} {
			r.Record.Spends = append(r.Record.Spends, budget.Spend{Key: "key-" + r.Record.ID, Kind: k, At: at, N: sign, Window: budget.Day, Limit: 1 << 20})
		}
	}
}
