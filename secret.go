package carrierfsm

import (
	"database/sql/driver"
	"fmt"
	"log/slog"
	"sync"
)

// Secret holds a password or a code for as long as one call needs it. Every
// formatter and encoder (fmt, log/slog, encoding/json, xml, gob, database/sql)
// sees "[redacted]". The value sits behind a closure, so that printers which
// walk through unexported fields find a function and not a string.
//
// Copies share one value: when one is destroyed all are. The zero Secret is
// empty. A Secret is safe for concurrent use.
type Secret struct {
	open func() *concealed // nil where there never was a value
}

// concealed is a value, which mostly is short and then has its room here.
type concealed struct {
	mu    sync.Mutex
	value []byte
	room  [16]byte
}

// NewSecret wraps value. An empty value gives the zero Secret. The string
// that the caller holds is the caller's to forget; Go can't overwrite it.
func NewSecret(value string) Secret { return secretOf(value) }

// secretOf wraps a copy of the value.
func secretOf[T string | []byte](value T) Secret {
	if len(value) == 0 {
		return Secret{}
	}
	c := new(concealed)
	if len(value) <= len(c.room) {
		c.value = c.room[:len(value)]
	} else {
		c.value = make([]byte, len(value))
	}
	copy(c.value, value)
	return Secret{open: func() *concealed { return c }}
}

// Use calls f with the value, which is empty after Destroy. The bytes are
// valid during the call only and must not be changed. f must not call a
// method of the same Secret.
func (s Secret) Use(f func(value []byte)) {
	if s.open == nil {
		f(nil)
		return
	}
	c := s.open()
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.value)
}

// Destroy overwrites the value. Copies of the Secret are empty from then on.
func (s Secret) Destroy() {
	if s.open == nil {
		return
	}
	c := s.open()
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.value)
	c.value = nil
}

// Empty tells whether there is no value, or none any more.
func (s Secret) Empty() (empty bool) {
	s.Use(func(value []byte) { empty = len(value) == 0 })
	return empty
}

// clone returns a Secret of its own, which the destruction of s leaves alone.
func (s Secret) clone() (c Secret) {
	s.Use(func(value []byte) { c = secretOf(value) })
	return c
}

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format prints "[redacted]" for every verb and flag.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns "[redacted]"; JSON and XML use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalBinary returns "[redacted]"; gob uses it.
func (Secret) MarshalBinary() ([]byte, error) { return []byte(redacted), nil }

// LogValue is what slog shows.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Value returns "[redacted]", should a Secret ever become an argument of a query.
func (Secret) Value() (driver.Value, error) { return redacted, nil }
