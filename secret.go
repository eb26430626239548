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
	// use calls f, where it is not nil, or destroys the value; it returns the size.
	use func(f func(value []byte), destroy bool) int
}

// NewSecret wraps value. An empty value gives the zero Secret. The string
// that the caller holds is the caller's to forget; Go can't overwrite it.
func NewSecret(value string) Secret { return secretOf([]byte(value)) }

// secretOf wraps b and owns it from then on.
func secretOf(b []byte) Secret {
	if len(b) == 0 {
		return Secret{}
	}
	var mu sync.Mutex
	return Secret{use: func(f func([]byte), destroy bool) int {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case destroy:
			clear(b)
			b = nil
		case f != nil:
			f(b)
		}
		return len(b)
	}}
}

// Use calls f with the value, which is empty after Destroy. The bytes are
// valid during the call only and must not be changed. f must not call a
// method of the same Secret.
func (s Secret) Use(f func(value []byte)) {
	if s.use == nil {
		f(nil)
		return
	}
	s.use(f, false)
}

// Destroy overwrites the value. Copies of the Secret are empty from then on.
func (s Secret) Destroy() {
	if s.use != nil {
		s.use(nil, true)
	}
}

// Empty tells whether there is no value, or none any more.
func (s Secret) Empty() bool { return s.use == nil || s.use(nil, false) == 0 }

// clone returns a Secret of its own, which the destruction of s leaves alone.
func (s Secret) clone() (c Secret) {
	s.Use(func(value []byte) { c = secretOf(append([]byte(nil), value...)) })
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
