package memory

// A body grows while an intent is open and shrinks when it is settled. So that a
// record that only waits takes little memory, each body has a buffer of about
// its size, and a buffer that is no longer needed is cleared and used again.

const (
	bufferUnit = 32 // capacities are multiples of this number of bytes
	maxUnits   = 32 // larger buffers are not kept
	maxKept    = 64 // buffers of one capacity
)

// bufferPool keeps cleared buffers by their capacity in units.
type bufferPool [maxUnits + 1][][]byte

// replace copies the value into a buffer of the right capacity and returns that:
// the old buffer if it fits, else another one.
func (p *bufferPool) replace(old, value []byte) []byte {
	units := (len(value) + bufferUnit - 1) / bufferUnit
	buffer := old
	if cap(old) != units*bufferUnit {
		buffer = p.get(units)
		p.put(old)
	}
	buffer = buffer[:cap(buffer)]
	clear(buffer[copy(buffer, value):])
	return buffer[:len(value)]
}

func (p *bufferPool) get(units int) []byte {
	if units <= maxUnits && len(p[units]) > 0 {
		last := len(p[units]) - 1
		buffer := p[units][last]
		p[units] = p[units][:last]
		return buffer
	}
	return make([]byte, units*bufferUnit)
}

func (p *bufferPool) put(buffer []byte) {
	buffer = buffer[:cap(buffer)]
	clear(buffer)
	if units := len(buffer) / bufferUnit; units > 0 && units <= maxUnits && len(p[units]) < maxKept {
		p[units] = append(p[units], buffer)
	}
}
