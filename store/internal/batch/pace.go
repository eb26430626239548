package batch

import "time"

// pace decides whether flushes run one at a time or beside each other, by how long items
// take from being queued to being answered.
//
// Where a store is far away, a flush takes as long beside another one as alone, and with
// several of them an item waits less for the next one. Where it has too little CPU,
// each takes longer and has fewer items: a PostgreSQL server with 8 % of a core and 64
// callers carried twice as much with one flush at a time. So the other way is tried now
// and then for a few flushes. It is kept if it was quicker twice in succession.
type pace struct {
	beside bool          // whether flushes run beside each other
	trying bool          // whether that is only tried
	wins   int           // how often the other way was quicker, in succession
	chosen time.Duration // what an item took in the chosen way, before the other one was tried
	took   time.Duration // the time of a flush, on average

	// Since the way last changed.
	flushes int
	items   int           // of the flushes that are counted
	waited  time.Duration // their sum
}

const (
	// chosenFor is how many flushes run in the chosen way before the other one is tried.
	chosenFor = 512
	// triedFor is how many flushes run in the other way. The chosen way is measured by as
	// many before.
	triedFor = 32
	// leftOver flushes are not counted after a change: some of them began before it.
	leftOver = 8
	// unusual is how many times as long as others a flush takes that waits for a lock or for
	// a server that hangs. It says nothing of either way.
	unusual = 8
)

// ended counts a flush whose items waited so long in sum, from being queued.
func (p *pace) ended(took time.Duration, items int, waited time.Duration) {
	if p.took == 0 {
		p.took = took
	}
	usual := took <= unusual*p.took
	p.took += (min(took, unusual*p.took) - p.took) / 8
	length := triedFor
	if !p.trying && p.wins == 0 && p.chosen > 0 {
		length = chosenFor
	}
	if p.flushes++; usual && p.flushes > length-triedFor+leftOver {
		p.items += items
		p.waited += waited
	}
	if p.flushes >= length && p.items > 0 {
		p.change(p.waited / time.Duration(p.items))
	}
}

// change ends a time in which an item took so long on average.
func (p *pace) change(item time.Duration) {
	switch {
	case !p.trying:
		p.chosen = item
	case item >= p.chosen-p.chosen/10:
		p.wins = 0
	default:
		p.wins++
	}
	if p.wins < 2 {
		p.trying, p.beside = !p.trying, !p.beside
	} else { // the way that was tried is the chosen one
		p.trying, p.wins = false, 0
	}
	p.flushes, p.items, p.waited = 0, 0, 0
}
