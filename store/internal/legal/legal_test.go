package legal_test

import (
	"cmp"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

// huge does not fit into 32 bits; there it is negative.
var huge = func() int {
	n := int64(math.MaxInt32)
	return int(n + 1)
}()

func TestAPageKeyComparesWithLegalIDsAsItsBytesDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[!-~]{1,6}`).Draw(t, "id")
		prefix := id[:rapid.IntRange(0, len(id)).Draw(t, "cut")]
		key := prefix + string(rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "bytes"))
		got := legal.KeyID(key)
		if cmp.Compare(id, got) != cmp.Compare(id, key) {
			t.Fatalf("%q compares with %q as %d, with %q as %d", id, key, cmp.Compare(id, key), got, cmp.Compare(id, got))
		}
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Fatalf("%q is no text", got)
		}
	})
}

func TestBoundsSelectTheSameMicrosecondsAsTheExactTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		stored := time.UnixMicro(rapid.Int64Range(1, 1<<50).Draw(t, "stored")).UTC()
		bound := stored.Add(time.Duration(rapid.Int64Range(-2000, 2000).Draw(t, "nanoseconds")))
		if rapid.IntRange(0, 9).Draw(t, "far") == 0 {
			bound = time.Unix(rapid.Int64().Draw(t, "seconds"), 0)
		}
		floor, ceil := legal.Floor(bound), legal.Ceil(bound)
		require.Equal(t, stored.After(bound), stored.After(floor))
		require.Equal(t, stored.Before(bound), stored.Before(ceil))
		for _, b := range []time.Time{floor, ceil} {
			require.Equal(t, b, time.UnixMicro(b.UnixMicro()).UTC())
		}
	})
	latest := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	require.True(t, latest.Before(legal.Ceil(latest.Add(time.Nanosecond))))
	require.True(t, time.UnixMicro(1).After(legal.Floor(time.Time{})))
}

func TestStepsBeyondTheLastSelectNothing(t *testing.T) {
	t.Parallel()
	for after, want := range map[int64]int{-1: 0, math.MinInt: 0, 0: 0, 7: 7, math.MaxInt32: math.MaxInt32, math.MaxInt64: math.MaxInt32} {
		require.Equal(t, want, legal.Step(int(min(after, math.MaxInt))))
	}
}

func TestWhatIsOutOfBoundsIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_900_000_000, 0)
	good := func() (carrierfsm.Record, []carrierfsm.Entry) {
		r := carrierfsm.Record{ID: "v1", Version: 1, State: carrierfsm.Created, Created: now, Updated: now}
		return r, []carrierfsm.Entry{{ID: "v1", Step: 1, From: carrierfsm.Created, To: carrierfsm.Created, At: now}}
	}
	r, entries := good()
	require.NoError(t, legal.Write(&r, entries))
	later := r
	later.Version, later.Key = 2, "a key of an earlier build"
	require.NoError(t, legal.Write(&later, entries))
	for what, spoil := range map[string]func(r *carrierfsm.Record, e *carrierfsm.Entry){
		"a NUL in the id":           func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.ID = "v\x00" },
		"raw bytes as the key":      func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.Key = "\xff\x00" },
		"a NUL in the source":       func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.Source = "\x00" },
		"broken UTF-8 as reason":    func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.Reason = "\xff" },
		"a long state":              func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.State = carrierfsm.State(strings.Repeat("x", 129)) },
		"a negative step":           func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.Step = -1 },
		"a huge step":               func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.Step = huge },
		"a huge table version":      func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.Table = huge },
		"the year 10000":            func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.Due = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"1969":                      func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.Created = time.Unix(-1, 0) },
		"1970":                      func(r *carrierfsm.Record, _ *carrierfsm.Entry) { r.Updated = time.Unix(0, 0) },
		"another's entry":           func(_ *carrierfsm.Record, e *carrierfsm.Entry) { e.ID = "v2" },
		"a huge step of an entry":   func(_ *carrierfsm.Record, e *carrierfsm.Entry) { e.Step = huge },
		"a NUL in an entry":         func(_ *carrierfsm.Record, e *carrierfsm.Entry) { e.Event = "\x00" },
		"an early time of an entry": func(_ *carrierfsm.Record, e *carrierfsm.Entry) { e.At = time.Unix(-1, 0) },
	} {
		r, entries := good()
		spoil(&r, &entries[0])
		require.ErrorIs(t, legal.Write(&r, entries), carrierfsm.ErrInvalid, what)
	}
	row := outbox.Parked{Handler: "h", ID: "v1", Step: 1, Upto: 1, Version: 1, Since: now, Next: now}
	require.NoError(t, legal.Parked([]outbox.Parked{row}))
	for what, spoil := range map[string]func(*outbox.Parked){
		"a space in the handler": func(p *outbox.Parked) { p.Handler = "a b" },
		"a NUL in the id":        func(p *outbox.Parked) { p.ID = "\x00" },
		"a NUL in the reason":    func(p *outbox.Parked) { p.Why = "\x00" },
		"a huge step":            func(p *outbox.Parked) { p.Step = huge },
		"a huge last step":       func(p *outbox.Parked) { p.Upto = huge },
		"a negative count":       func(p *outbox.Parked) { p.Attempts = -1 },
		"an early time":          func(p *outbox.Parked) { p.Next = time.Unix(-1, 0) },
		"a late time":            func(p *outbox.Parked) { p.Since = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		spoiled := row
		spoil(&spoiled)
		require.ErrorIs(t, legal.Parked([]outbox.Parked{spoiled}), carrierfsm.ErrInvalid, what)
	}
	require.NoError(t, legal.Lease("h", "owner"))
	require.ErrorIs(t, legal.Lease("h\x00", "owner"), carrierfsm.ErrInvalid)
	require.ErrorIs(t, legal.Lease("h", ""), carrierfsm.ErrInvalid)
}
