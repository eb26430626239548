package batch

import "time"

// pace decides whether flushes run one at a time or beside each other, by how long items
// take from being queued to being answered.
//
// Where a store is far away, a flush takes as long beside another one as alone, and with
// several of them an item waits less for the next one. Where it has too little CPU,
// each takes longer and has fewer items: a PostgreSQL server with 8 % of a core and 64
// callers carried twice as much with one flush at a time. So the other way is tried now
// and then for a few flushes. It is kept if it was quicker twice in succession. While it
// is not, it is tried less and less often, since items may wait longer in it.
type pace struct {
	beside bool          // whether flushes run beside each other
	trying bool          // whether that is only tried
	wins   int           // how often the other way was quicker, in succession
	chosen time.Duration // what an item took in the chosen way, before the other one was tried
	took   time.Duration // the time of a flush, on average
	before time.Duration // took when the other way was last tried
	until  int           // how many flushes run in the chosen way before the other one is tried

	// Since the way last changed.
	flushes int
	counted int           // flushes
	items   int           // of the flushes that are counted
	waited  time.Duration // their sum
}

const (
	// chosenFor is how many flushes run in the chosen way before the other one is tried
	// again, at first and after a change. The number doubles with each try that fails, up to
	// chosenAtMost.
	chosenFor    = 512
	chosenAtMost = 8 * chosenFor
	// triedFor is how many flushes run in the other way. The chosen way is measured by as
	// many before. A try ends after endedAfter of them if items take half as long again.
	triedFor   = 32
	endedAfter = 4
	// leftOver flushes are not counted after a change: some of them began before it.
	leftOver = 8
	// unusual is how many times as long as others a flush takes that waits for a lock or for
	// a server that hangs. It says nothing of either way.
	unusual = 8
)

// ended counts a flush whose items waited so long in sum, from being queued.
func (p *pace) ended(took time.Duration, items int, waited time.Duration) {
	if p.took == 0 {
		p.took, p.until = took, chosenFor
	}
	usual := took <= unusual*p.took
	p.took += (min(took, unusual*p.took) - p.took) / 8
	settled := !p.trying && p.flushes > leftOver+triedFor                               // took says nothing of another way
	if settled && p.until > chosenFor && (p.took > 2*p.before || p.took < p.before/2) { // the store has changed
		p.until, p.flushes = chosenFor, min(p.flushes, chosenFor-triedFor)
		p.counted, p.items, p.waited = 0, 0, 0
	}
	length := triedFor
	if !p.trying && p.wins == 0 && p.chosen > 0 {
		length = p.until
	}
	if p.flushes++; usual && p.flushes > length-triedFor+leftOver {
		p.counted++
		p.items += items
		p.waited += waited
	}
	if p.items > 0 && (p.flushes >= length || p.fails()) {
		p.change(p.waited / time.Duration(p.items))
	}
}

// fails returns whether a try need not go on.
func (p *pace) fails() bool {
	return p.trying && p.counted >= endedAfter && p.waited > 3*p.chosen/2*time.Duration(p.items)
}

// change ends a time in which an item took so long on average.
func (p *pace) change(item time.Duration) {
	switch {
	case !p.trying:
		p.chosen, p.before = item, p.took
	case item >= p.chosen-p.chosen/10:
		p.wins, p.until = 0, min(2*p.until, chosenAtMost)
	default:
		p.wins++
	}
	if p.wins < 2 {
		p.trying, p.beside = !p.trying, !p.beside
	} else { // the way that was tried is the chosen one
		p.trying, p.wins, p.until, p.before = false, 0, chosenFor, p.took
	}
	p.flushes, p.counted, p.items, p.waited = 0, 0, 0, 0
}
