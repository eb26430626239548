package sendonce

import (
	"io"
	"sync"
)

// payload is the body of one request. http.Transport may still read from it after
// RoundTrip has returned, so a mutex guards reads and the wipe.
type payload struct {
	mu    sync.Mutex
	read  int // bytes of body
	body  []byte
	wiped bool
}

// Read implements io.Reader. It returns errCallEnded after the wipe.
func (p *payload) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wiped {
		return 0, errCallEnded
	}
	n := copy(b, p.body[p.read:])
	p.read += n
	if p.read == len(p.body) {
		return n, io.EOF
	}
	return n, nil
}

// Close does nothing: the caller wipes the body.
func (p *payload) Close() error { return nil }

// size is the length of the whole body.
func (p *payload) size() int64 { return int64(len(p.body)) }

// wipe overwrites the body. It can't overwrite the copies of net/http and TLS,
// which last until the next garbage collection.
func (p *payload) wipe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.body)
	p.wiped = true
}
