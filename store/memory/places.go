package memory

// A body grows by what is under way and shrinks when that is settled, and only
// what waits should keep the room that it takes. So a body has a place of about
// its size, and one that it leaves is another's next, with nothing left in it.

const (
	placeStep = 32 // bytes by which places differ
	mostSteps = 32 // larger ones are not kept
	mostKept  = 64 // of each size
)

// places are those that are empty, by size.
type places [mostSteps + 1][][]byte

// replace returns a place with the value in it: the old one where the size is right.
func (p *places) replace(old, value []byte) []byte {
	steps := (len(value) + placeStep - 1) / placeStep
	place := old
	if cap(old) != steps*placeStep {
		place = p.take(steps)
		p.give(old)
	}
	place = place[:cap(place)]
	clear(place[copy(place, value):])
	return place[:len(value)]
}

func (p *places) take(steps int) []byte {
	if steps <= mostSteps && len(p[steps]) > 0 {
		last := len(p[steps]) - 1
		place := p[steps][last]
		p[steps] = p[steps][:last]
		return place
	}
	return make([]byte, steps*placeStep)
}

func (p *places) give(place []byte) {
	place = place[:cap(place)]
	clear(place)
	if steps := len(place) / placeStep; steps > 0 && steps <= mostSteps && len(p[steps]) < mostKept {
		p[steps] = append(p[steps], place)
	}
}
