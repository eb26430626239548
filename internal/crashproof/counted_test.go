package crashproof_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	counts "github.com/carrierfsm/carrierfsm/store/figures"
)

// counters are those of all replicas.
func counters(store any) (*counts.Counters, error) {
	s, _ := store.(counts.Store)
	return counts.New(counts.Config{Store: s})
}

// countOf names one count.
type countOf struct {
	period time.Duration
	start  time.Time
	source string
	edge   carrierfsm.Edge
}

// counted are counts, and beside each the durations of its histogram.
type counted map[countOf][2]int64

func (c counted) add(of countOf, n, dwells int64) {
	sum := c[of]
	c[of] = [2]int64{sum[0] + n, sum[1] + dwells}
}

// expect adds what has to be counted for an entry.
func (c counted) expect(e carrierfsm.Entry) {
	var dwells int64
	if e.From != e.To && e.Dwell > 0 {
		dwells = 1
	}
	for _, period := range []time.Duration{counts.Minute, counts.Hour, counts.Day} {
		c.add(countOf{period, counts.StartOf(e.At, period), e.Source, carrierfsm.Edge{From: e.From, Event: e.Event, To: e.To}}, 1, dwells)
	}
}

// miscounts compares the stored counts with the histories.
func (w *world) miscounts(ctx context.Context) ([]violation, error) {
	want, got := make(counted), make(counted)
	for _, s := range w.subjects {
		entries, err := w.store.History(ctx, s.id, 0, 1000)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			want.expect(e)
		}
	}
	all, err := counters(w.store)
	if err != nil {
		return nil, err
	}
	for _, period := range []time.Duration{counts.Minute, counts.Hour, counts.Day} {
		rows, err := all.Read(ctx, period, time.Time{}, time.Now().Add(counts.Day))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			for _, n := range r.Counts {
				got.add(countOf{r.Period, r.Start, r.Source, n.Edge}, n.N, n.Dwells.N())
			}
		}
	}
	return compareCounts(want, got), nil
}

// compareCounts returns a violation for each count that differs.
func compareCounts(want, got counted) (list []violation) {
	blame := func(of countOf, n, have [2]int64) {
		list = append(list, violation{miscounted, cmp.Or(of.source, "no source"), fmt.Sprintf(
			"%s → %s by %s from %s, %v: %d of %d, %d of %d durations", of.edge.From, of.edge.To, of.edge.Event, of.start.Format(time.TimeOnly), of.period, have[0], n[0], have[1], n[1])})
	}
	for of, n := range want {
		if got[of] != n {
			blame(of, n, got[of])
		}
	}
	for of, n := range got {
		if _, known := want[of]; !known {
			blame(of, [2]int64{}, n)
		}
	}
	slices.SortFunc(list, func(a, b violation) int { return cmp.Compare(a.what, b.what) })
	return list
}

func TestTheJudgeFindsWhatIsCountedTwiceOrNotAtAll(t *testing.T) {
	t.Parallel()
	entries := []carrierfsm.Entry{
		{From: carrierfsm.Created, Event: carrierfsm.ApplicationAccepted, To: carrierfsm.Applied, At: at(0), Source: "a", Dwell: time.Second},
		{From: carrierfsm.Created, Event: carrierfsm.OutcomeUnknown, To: carrierfsm.Created, At: at(10)},
	}
	of := func(times ...int) counted {
		c := make(counted)
		for i, n := range times {
			for range n {
				c.expect(entries[i])
			}
		}
		return c
	}
	require.Empty(t, compareCounts(of(1, 1), of(1, 1)))
	require.Len(t, compareCounts(of(1, 1), of(2, 1)), 3, "twice")
	require.Len(t, compareCounts(of(1, 1), of(0, 1)), 3, "not at all")
	require.Len(t, compareCounts(of(1), of(1, 1)), 3, "what is not there")
}
