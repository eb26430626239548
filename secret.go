package carrierfsm

import (
	"database/sql/driver"
	"fmt"
	"log/slog"
	"sync"

	"github.com/carrierfsm/carrierfsm/internal/zeroing"
)

// redacted is what a Secret prints.
const redacted = "[redacted]"

// Secret holds a value that must not be printed: a password, a code, a name,
// a number, a token. Every formatter and encoder (fmt, log/slog, encoding/json,
// xml, gob, database/sql) sees "[redacted]". The value is behind a closure, so
// that printers which walk through unexported fields find a function and not a
// string.
//
// Copies of a Secret share one value: Destroy empties them all. The zero Secret
// is empty. A Secret is safe for concurrent use.
type Secret struct {
	open func() *concealed // nil where there never was a value
}

// concealed is the value of a Secret. A short one, as passwords and codes are, is kept
// in buffer, which saves an allocation.
type concealed struct {
	mu     sync.Mutex
	value  []byte
	buffer [16]byte
}

// concealedLong has the room for a longer one: a token, an address.
type concealedLong struct {
	concealed
	room [48]byte
}

// newConcealed returns a concealed with a value of n zero bytes.
func newConcealed(n int) *concealed {
	switch {
	case n <= len(concealed{}.buffer):
		c := new(concealed)
		c.value = c.buffer[:n]
		return c
	case n <= len(concealedLong{}.room):
		c := new(concealedLong)
		c.value = c.room[:n]
		return &c.concealed
	default:
		return &concealed{value: make([]byte, n)}
	}
}

// NewSecret wraps a copy of value. An empty value gives the zero Secret. A []byte is
// the caller's to overwrite; a string stays in memory, as Go can't overwrite it.
func NewSecret[T string | []byte](value T) Secret {
	if len(value) == 0 {
		return Secret{}
	}
	var c *concealed
	zeroing.Do(func() {
		c = newConcealed(len(value))
		copy(c.value, value)
	})
	return Secret{open: c.opener()}
}

// opener is not generic: a closure made in NewSecret would hold its type dictionary too.
func (c *concealed) opener() func() *concealed { return func() *concealed { return c } }

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

// Destroy overwrites the value. All copies of the Secret are empty afterwards.
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

// Empty reports whether there is no value: there never was one, or it was
// destroyed.
func (s Secret) Empty() bool {
	if s.open == nil {
		return true
	}
	c := s.open()
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.value) == 0
}

// reveal returns a copy of the value as a string, which can't be overwritten:
// for values that are stored anyway, never for passwords and codes.
func (s Secret) reveal() (value string) {
	s.Use(func(v []byte) { value = string(v) })
	return value
}

// clone returns a Secret with a copy of the value. Destroying s leaves the
// copy alone.
func (s Secret) clone() (c Secret) {
	s.Use(func(value []byte) { c = NewSecret(value) })
	return c
}

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// Format prints "[redacted]" for every verb and flag.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns "[redacted]"; JSON and XML use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalBinary returns "[redacted]"; gob uses it.
func (Secret) MarshalBinary() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]"; log/slog uses it.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Value returns "[redacted]", for a Secret that is passed to database/sql.
func (Secret) Value() (driver.Value, error) { return redacted, nil }
