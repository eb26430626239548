package figures

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Counts are the counts of some transitions, in the order of their edges. Of an entry
// that an older or newer build wrote the edge may be none of this build's.
type Counts []Count

// Count is the count of one edge of the transition table.
type Count struct {
	// Edge is the edge.
	carrierfsm.Edge
	// N is how many transitions there were.
	N int64
	// Dwells are how long verifications had been in From, of those that left it and for
	// which that is known.
	Dwells Histogram
}

// bounds are the upper bounds of all buckets of a Histogram but the last, which has
// none. They never change: stored counts have them too.
var bounds = [...]time.Duration{
	time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 7 * time.Second, 10 * time.Second, 15 * time.Second,
	20 * time.Second, 30 * time.Second, 45 * time.Second, time.Minute, 90 * time.Second, 2 * time.Minute, 3 * time.Minute,
	4 * time.Minute, 5 * time.Minute, 7 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour,
}

// Histogram counts durations in fixed buckets. The zero value is empty.
type Histogram struct {
	// Sum is the sum of all durations, at most the largest time.Duration of whole
	// microseconds: 292 years.
	Sum time.Duration
	// Buckets are how many durations there were up to each bound and above the one
	// before: 1 s, 2 s, 3 s, 5 s, 7 s, 10 s, 15 s, 20 s, 30 s, 45 s, 1 min, 90 s, 2, 3, 4, 5,
	// 7, 10, 15, 20 and 30 min, 1 h, 2 h, and above.
	Buckets [len(bounds) + 1]int64
}

// N is how many durations there were.
func (h *Histogram) N() (n int64) {
	for _, k := range h.Buckets {
		n += k
	}
	return n
}

// Observe counts a duration; a negative one as zero.
func (h *Histogram) Observe(d time.Duration) {
	d = max(0, d)
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.Buckets[i]++
	h.addSum(d)
}

// Add adds the durations of another histogram.
func (h *Histogram) Add(other *Histogram) {
	for i, k := range other.Buckets {
		addCount(&h.Buckets[i], k)
	}
	h.addSum(other.Sum)
}

// longestSum is the largest Sum. It has whole microseconds, as encoded sums have.
const longestSum = (1<<63 - 1) / time.Microsecond * time.Microsecond

func (h *Histogram) addSum(d time.Duration) {
	if h.Sum += d; h.Sum < 0 || h.Sum > longestSum {
		h.Sum = longestSum
	}
}

// largestCount is the largest number that can be encoded.
const largestCount = 1<<62 - 1

func addCount(n *int64, more int64) { *n += min(more, largestCount-*n) }

// Quantile returns about the duration that the given percentage of all did not exceed:
// those in its bucket are taken to lie evenly in it. It is the last bound where the duration is above
// that, and zero where there are none.
func (h *Histogram) Quantile(percent int) time.Duration {
	wanted := (h.N()*int64(percent) + 99) / 100
	below, low := int64(0), time.Duration(0)
	for i, k := range h.Buckets {
		if i == len(bounds) {
			break
		}
		if below+k >= wanted && k > 0 {
			return low + (bounds[i]-low)*time.Duration(2*(wanted-below)-1)/time.Duration(2*k)
		}
		below, low = below+k, bounds[i]
	}
	if below < wanted {
		return bounds[len(bounds)-1]
	}
	return 0
}

// Longest reports whether a quantile is the last bound, which more may be above.
func Longest(d time.Duration) bool { return d >= bounds[len(bounds)-1] }

// Observe counts a transition.
func (c *Counts) Observe(e *carrierfsm.Entry) {
	count := c.at(carrierfsm.Edge{From: e.From, Event: e.Event, To: e.To})
	count.N++
	if e.From != e.To && e.Dwell > 0 {
		count.Dwells.Observe(e.Dwell)
	}
}

// Add adds other counts.
func (c *Counts) Add(other Counts) {
	for i := range other {
		count := c.at(other[i].Edge)
		addCount(&count.N, other[i].N)
		count.Dwells.Add(&other[i].Dwells)
	}
}

// Of returns the count of an edge.
func (c Counts) Of(edge carrierfsm.Edge) Count {
	if i, found := slices.BinarySearchFunc(c, edge, byEdge); found {
		return c[i]
	}
	return Count{Edge: edge}
}

// at returns the count of an edge, which it adds if it is not there. It is valid until
// another one is added.
func (c *Counts) at(edge carrierfsm.Edge) *Count {
	if n := len(*c); n > 0 && compareEdges((*c)[n-1].Edge, edge) < 0 { // as decoded counts come
		*c = append(*c, Count{Edge: edge})
		return &(*c)[n]
	}
	i, found := slices.BinarySearchFunc(*c, edge, byEdge)
	if !found {
		*c = slices.Insert(*c, i, Count{Edge: edge})
	}
	return &(*c)[i]
}

func byEdge(c Count, edge carrierfsm.Edge) int { return compareEdges(c.Edge, edge) }

func compareEdges(a, b carrierfsm.Edge) int {
	return cmp.Or(strings.Compare(string(a.From), string(b.From)), strings.Compare(string(a.Event), string(b.Event)), strings.Compare(string(a.To), string(b.To)))
}
