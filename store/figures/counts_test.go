package figures_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// drawEntries draws transitions, also of other builds.
func drawEntries(t *rapid.T) (list []carrierfsm.Entry) {
	word := rapid.SampledFrom([]string{"", "created", "awaiting_captcha", "a new state", "移动"})
	for range rapid.IntRange(0, 40).Draw(t, "entries") {
		list = append(list, carrierfsm.Entry{
			From: carrierfsm.State(word.Draw(t, "from")), Event: carrierfsm.Event(word.Draw(t, "event")), To: carrierfsm.State(word.Draw(t, "to")),
			Dwell: time.Duration(rapid.Int64Range(0, 10_000_000_000).Draw(t, "dwell")) * time.Microsecond,
		})
	}
	return list
}

func TestCountsAreDecodedAsTheyWereEncodedAndAdded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t)
		var all, parts figures.Counts
		cut := rapid.IntRange(0, len(entries)).Draw(t, "cut")
		for i, part := range [][]carrierfsm.Entry{entries[:cut], entries[cut:]} {
			var c figures.Counts
			for j := range part {
				c.Observe(&part[j])
				all.Observe(&part[j])
			}
			encoded, err := c.AppendBinary([]byte("x"))
			require.NoError(t, err)
			require.Equal(t, "x", string(encoded[:1]))
			require.NoError(t, parts.AddBinary(encoded[1:]), "part %d", i)
		}
		require.Empty(t, cmp.Diff(all, parts, cmpopts.EquateEmpty()))
		a, err := all.AppendBinary(nil)
		require.NoError(t, err)
		b, err := parts.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, a, b, "equal counts have equal encodings")
		var n int64
		for _, count := range all {
			n += count.N
		}
		require.EqualValues(t, len(entries), n)
	})
}

func TestDamagedCountsAreRefused(t *testing.T) {
	t.Parallel()
	var c figures.Counts
	c.Observe(&carrierfsm.Entry{From: carrierfsm.Created, Event: carrierfsm.ApplicationAccepted, To: carrierfsm.Applied, Dwell: time.Minute})
	whole, err := c.AppendBinary(nil)
	require.NoError(t, err)
	for n := range whole {
		require.ErrorIs(t, new(figures.Counts).AddBinary(whole[:n]), figures.ErrEncoding, "the first %d bytes", n)
	}
	require.ErrorIs(t, new(figures.Counts).AddBinary(append(whole, 0)), figures.ErrEncoding, "one byte more")
	newer := append([]byte{2}, whole[1:]...)
	require.ErrorIs(t, new(figures.Counts).AddBinary(newer), figures.ErrEncoding, "another version")
	require.NoError(t, new(figures.Counts).AddBinary(whole))
}

func TestASumEndsAtTheLongestThatCanBeEncoded(t *testing.T) {
	t.Parallel()
	edge := carrierfsm.Entry{From: carrierfsm.Created, Event: carrierfsm.ApplicationAccepted, To: carrierfsm.Applied, Dwell: 1<<63 - 1}
	var c, again figures.Counts
	for range 3 {
		c.Observe(&edge)
		encoded, err := c.AppendBinary(nil)
		require.NoError(t, err)
		again = nil
		require.NoError(t, again.AddBinary(encoded))
		require.Empty(t, cmp.Diff(c, again))
	}
	encoded, err := c.AppendBinary(nil)
	require.NoError(t, err)
	require.NoError(t, again.AddBinary(encoded), "two such sums")
	require.Equal(t, c[0].Dwells.Sum, again[0].Dwells.Sum)
}

func TestCountsEndAtTheLargestThatCanBeEncoded(t *testing.T) {
	t.Parallel()
	most := binary.AppendUvarint(nil, 1<<62-1)
	encoded := append(append(append([]byte{1, 1, 0, 0, 0}, most...), 0, 1, 3), most...)
	var c figures.Counts
	for range 3 {
		require.NoError(t, c.AddBinary(encoded))
	}
	c.Add(slices.Clone(c))
	again, err := c.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, encoded, again)
	var h figures.Histogram
	h.Observe(-time.Second)
	require.Equal(t, figures.Histogram{Buckets: [24]int64{1}}, h)
}

func TestCountsThatNobodyEncodesAreRefused(t *testing.T) {
	t.Parallel()
	tooLong := append([]byte{1, 1, 0, 0, 0, 1}, binary.AppendUvarint(nil, 9_223_372_036_854_776)...)
	for name, encoded := range map[string][]byte{
		"the same edge twice":             {1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0},
		"edges that descend":              {1, 2, 1, 'b', 0, 0, 1, 0, 0, 1, 'a', 0, 0, 1, 0, 0},
		"the same bucket twice":           {1, 1, 0, 0, 0, 1, 0, 2, 3, 1, 3, 1},
		"buckets that descend":            {1, 1, 0, 0, 0, 1, 0, 2, 3, 1, 2, 1},
		"a sum above the longest":         append(tooLong, 0),
		"a bucket that no histogram has":  {1, 1, 0, 0, 0, 1, 0, 1, 24, 1},
		"more edges than there are bytes": {1, 9},
	} {
		require.ErrorIs(t, new(figures.Counts).AddBinary(encoded), figures.ErrEncoding, name)
	}
	for name, encoded := range map[string][]byte{
		"edges that ascend":   {1, 2, 1, 'a', 0, 0, 1, 0, 0, 1, 'b', 0, 0, 1, 0, 0},
		"buckets that ascend": {1, 1, 0, 0, 0, 1, 0, 2, 2, 1, 23, 1},
	} {
		require.NoError(t, new(figures.Counts).AddBinary(encoded), name)
	}
}

func FuzzAddBinary(f *testing.F) {
	var c figures.Counts
	c.Observe(&carrierfsm.Entry{From: carrierfsm.Created, Event: carrierfsm.ApplicationAccepted, To: carrierfsm.Applied, Dwell: time.Minute})
	whole, _ := c.AppendBinary(nil)
	f.Add(whole)
	f.Fuzz(func(t *testing.T, encoded []byte) {
		var c figures.Counts
		if c.AddBinary(encoded) != nil {
			return
		}
		again, err := c.AppendBinary(nil)
		require.NoError(t, err)
		var d figures.Counts
		require.NoError(t, d.AddBinary(again))
		require.Empty(t, cmp.Diff(c, d, cmpopts.EquateEmpty()))
	})
}

func TestAQuantileIsWithinItsBucket(t *testing.T) {
	t.Parallel()
	var h figures.Histogram
	require.Zero(t, h.Quantile(50))
	for range 100 {
		h.Observe(25 * time.Second) // above 20 s, up to 30 s
	}
	require.Equal(t, 24950*time.Millisecond, h.Quantile(50))
	require.Equal(t, 29950*time.Millisecond, h.Quantile(100))
	for range 300 {
		h.Observe(500 * time.Millisecond)
	}
	require.LessOrEqual(t, h.Quantile(75), time.Second)
	require.Greater(t, h.Quantile(76), 20*time.Second)
	require.Equal(t, 100*25*time.Second+150*time.Second, h.Sum)
	require.EqualValues(t, 400, h.N())
	var long figures.Histogram
	long.Observe(100 * time.Hour)
	require.True(t, figures.Longest(long.Quantile(50)), "more than the last bound")
	require.False(t, figures.Longest(h.Quantile(99)))
}

func TestOnlyVisitsThatEndedAndWhoseTimeIsKnownAreTimed(t *testing.T) {
	t.Parallel()
	edge := carrierfsm.Edge{From: carrierfsm.AwaitingCaptcha, Event: carrierfsm.CollectionStarted, To: carrierfsm.Done}
	again := carrierfsm.Edge{From: carrierfsm.AwaitingCaptcha, Event: carrierfsm.CaptchaRejected, To: carrierfsm.AwaitingCaptcha}
	var c figures.Counts
	c.Observe(&carrierfsm.Entry{From: edge.From, Event: edge.Event, To: edge.To, Dwell: time.Second})
	c.Observe(&carrierfsm.Entry{From: edge.From, Event: edge.Event, To: edge.To})
	c.Observe(&carrierfsm.Entry{From: again.From, Event: again.Event, To: again.To, Dwell: time.Second})
	done, rejected := c.Of(edge), c.Of(again)
	require.EqualValues(t, 2, done.N)
	require.EqualValues(t, 1, done.Dwells.N())
	require.EqualValues(t, 1, rejected.N)
	require.Zero(t, rejected.Dwells.N())
}
