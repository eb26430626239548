package sqlite_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// BenchmarkCount counts batches of a thousand entries of 30 carriers, as a busy second has
// them. An operation is a batch: read, counted, written and synced.
func BenchmarkCount(b *testing.B) {
	ctx := context.Background()
	s := open(b, newPath(b))
	counters, err := figures.New(figures.Config{Store: s})
	require.NoError(b, err)
	l, err := s.Acquire(ctx, counters.Name(), "bench", time.Hour, outbox.FromBeginning)
	require.NoError(b, err)
	edges, n := carrierfsm.Edges(), 0
	for b.Loop() {
		b.StopTimer()
		for range 50 {
			n++
			r := record(fmt.Sprintf("v%d", n))
			r.Step = 20
			entries := make([]carrierfsm.Entry, r.Step)
			for i := range entries {
				e := edges[i%12]
				entries[i] = carrierfsm.Entry{
					ID: r.ID, Step: i + 1, From: e.From, Event: e.Event, To: e.To, At: time.Now().Truncate(time.Microsecond).UTC(),
					Source: fmt.Sprintf("carrier%d", (n+i)%30), Dwell: time.Duration(n*i%400) * time.Second, Detail: make([]byte, 200),
				}
			}
			require.NoError(b, s.Create(ctx, r, entries...))
		}
		b.StartTimer()
		batch, err := s.Pending(ctx, l, 1000)
		require.NoError(b, err)
		require.Len(b, batch.Entries, 1000)
		require.NoError(b, counters.Advance(ctx, l, batch))
	}
}
