package juxinli

import (
	"io"
	"sync"
)

// payload is the body of one request. http.Transport may still read from it
// when RoundTrip has returned, so reading and wiping take turns.
type payload struct {
	mu   sync.Mutex
	read int // bytes of left that were read
	left []byte
	over bool
}

// Read copies out what comes next, and fails with errOver once it was wiped.
func (p *payload) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return 0, errOver
	}
	n := copy(b, p.left[p.read:])
	p.read += n
	if p.read == len(p.left) {
		return n, io.EOF
	}
	return n, nil
}

// Close does nothing: the caller wipes.
func (p *payload) Close() error { return nil }

// size is how many bytes there are in all.
func (p *payload) size() int64 { return int64(len(p.left)) }

// wipe overwrites the body. What net/http and TLS copied on the way can't be
// overwritten; it lasts until the next garbage collection.
func (p *payload) wipe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.left)
	p.over = true
}
