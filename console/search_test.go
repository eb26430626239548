package console_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestPagesNeitherRepeatNorSkipWhileVerificationsAreAdded(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	var want []string
	for i := range 130 {
		id := fmt.Sprintf("p%%&#+%03d", i)                         // characters that need escaping in a URL
		s.put(id, time.Duration(i/3)*time.Second+time.Second, nil) // three share a creation time
		want = append(want, id)
	}
	var got []string
	for next, n := "list?age=&state=created", 0; next != ""; n++ {
		var ids []string
		ids, next = s.listed(next)
		got = append(got, ids...)
		s.put(fmt.Sprintf("new%d", n), 0, nil)
	}
	require.Equal(t, "v1", got[0])
	require.Len(t, got, 131)
	sorted := slices.Sorted(slices.Values(got[1:]))
	require.Equal(t, slices.Sorted(slices.Values(want)), sorted)
}

func TestASearchThatMatchesLittleStopsAndLinksToWhereItGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // fake time: no timeout on a slow machine
		store := &countingStore{Store: memory.New()}
		s := newFixture(t, carrierfsm.Config{Store: store})
		addMany(t, s, 6_000)
		s.put("needle", 100*day, func(r *carrierfsm.Record) { r.State = carrierfsm.Failed })
		store.reset()
		var pages int
		for next := "list?state=failed"; ; pages++ {
			ids, further := s.listed(next)
			if pages < 1 {
				require.Empty(t, ids)
				require.Contains(t, s.page(next), "Scanned 5000 verifications")
			}
			if next = further; next == "" {
				require.Equal(t, []string{"needle"}, ids)
				break
			}
		}
		require.Equal(t, 1, pages)
	})
}

// A page must not cost more because the store holds many verifications.
func TestEachPageMakesBoundedlyManyCallsAndReadsBoundedlyManyRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // fake time: no timeout on a slow machine
		store := &countingStore{Store: memory.New()}
		s := newFixture(t, carrierfsm.Config{Store: store})
		s.setHandlers(map[string]outbox.Handler{
			"notify": func(context.Context, carrierfsm.Transition) error { return context.Canceled },
		})
		addMany(t, s, 6_000)
		s.must(s.Apply())
		_, err := s.handlers.Deliver(context.Background())
		require.Error(t, err)
		for path, most := range map[string]struct{ calls, rows int }{
			"":                  {5 + 2, 8 + 101 + 2},
			"?window=1h":        {6 + 2, 8 + 101 + 2},
			"list":              {1, 51},
			"list?state=failed": {7, 5000},
			"list?source=chinaunicom&event=expired&in_flight=on&age=5m": {7, 5000},
			"attention":               {8, 51 + 5000},
			"verification?id=v1":      {5, 1 + 2 + 3 + 20},
			"confirm?do=cancel&id=v1": {1, 1},
			"handlers":                {3, 2 + 11},
			"handlers?name=notify":    {4, 2 + 51 + 1001},
			"replay?name=notify":      {3, 2 + 1001},
			"acts":                    {1, 51},
		} {
			store.reset()
			s.page(path)
			require.LessOrEqual(t, store.reads, most.calls, path)
			require.LessOrEqual(t, store.rows, most.rows, path)
			require.Positive(t, store.reads, path)
		}
		s.Clock.Advance(20 * time.Second) // the cached figures expire
		store.reset()
		s.page("")
		require.Equal(t, 5+2, store.reads, "the figures are read")
		store.reset()
		s.page("")
		require.Equal(t, 2, store.reads, "the figures are cached")
	})
}

// addMany adds n verifications, created a second apart. Half of them are due.
func addMany(t *testing.T, s *fixture, n int) {
	t.Helper()
	for i := range n {
		s.put(fmt.Sprintf("many-%06d", i), time.Duration(i)*time.Second, func(r *carrierfsm.Record) {
			r.State, r.Source, r.Reason = carrierfsm.AwaitingCaptcha, "chinamobilejs", carrierfsm.CaptchaRequested
			if i%2 == 0 {
				r.Due = s.Clock.Now().Add(-time.Hour)
			}
		})
	}
}
