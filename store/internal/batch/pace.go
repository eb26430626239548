package batch

import "time"

// pace decides whether flushes run one at a time or beside each other, by what either
// way carries.
//
// Where a store is far away, a flush takes as long beside another one as alone, and
// several at once carry more. Where it has too little CPU, each takes longer and has fewer
// items: a PostgreSQL server with 8 % of a core and 64 callers carried twice as much with
// one flush at a time. So the other way is tried now and then for a few flushes, and kept
// if it carries more.
type pace struct {
	beside bool // whether flushes run beside each other
	trying bool // whether that is only tried

	// Since the way was chosen or tried.
	flushes int
	items   int           // of the flushes that are counted
	busy    time.Duration // in which they ran

	rate float64       // items per second of the chosen way, before the other one was tried
	took time.Duration // the time of a flush, on average
}

const (
	chosenFor = 512 // flushes until the other way is tried
	triedFor  = 32  // flushes, of which those that are left over from the other way
	leftOver  = 8   // are not counted
	gain      = 1.1 // how much more the other way has to carry
)

// ended counts a flush. busy is the time since the last one ended in which any ran.
func (p *pace) ended(items int, took, busy time.Duration) {
	p.took += (took - p.took) / 8
	length := triedFor
	if !p.trying && p.rate > 0 {
		length = chosenFor
	}
	if p.flushes++; p.flushes > length-triedFor+leftOver {
		p.items += items
		p.busy += busy
	}
	if p.flushes < length {
		return
	}
	rate := float64(p.items) / max(p.busy, 1).Seconds()
	switch {
	case !p.trying:
		p.rate, p.trying, p.beside = rate, true, !p.beside
	case rate > gain*p.rate:
		p.rate, p.trying = rate, false
	default:
		p.trying, p.beside = false, !p.beside
	}
	p.flushes, p.items, p.busy = 0, 0, 0
}
