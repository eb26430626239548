package budget

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"sync"

	"github.com/carrierfsm/carrierfsm/typed"
)

// Numbers makes the keys of phone numbers. The zero value is no choice: a
// carrierfsm.Machine wants one that NewNumbers or None returned. It is safe for
// concurrent use and prints nothing of its secret.
type Numbers struct {
	key  func(number string) string
	none bool
}

// shortestSecret is the least length of a secret: there are so few phone numbers that
// whoever has the secret can find the number of each key.
const shortestSecret = 32

// NewNumbers returns Numbers with a secret of the host: at least 32 random bytes, used
// for nothing else, the same in all replicas. With another secret all numbers have
// other keys, and nothing is counted for them. The secret is copied.
func NewNumbers(secret []byte) (Numbers, error) {
	if len(secret) < shortestSecret {
		return Numbers{}, fmt.Errorf("budget: the secret for the keys of numbers has %d bytes, not at least %d", len(secret), shortestSecret)
	}
	secret = slices.Clone(secret)
	hashes := sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }} // making one costs more than its use
	return Numbers{key: func(number string) string {
		h := hashes.Get().(hash.Hash)
		defer func() {
			h.Reset() // it has the number
			hashes.Put(h)
		}()
		var sum [sha256.Size]byte
		_, _ = h.Write(append([]byte("carrierfsm number "), number...))
		return base64.RawURLEncoding.EncodeToString(h.Sum(sum[:0])[:18])
	}}, nil
}

// None is the choice to count nothing: for hosts that limit what is done for a number
// themselves, and for tests. Nothing then keeps strangers from having a number locked.
func None() Numbers { return Numbers{none: true} }

// Chosen reports whether n was returned by NewNumbers or None.
func (n Numbers) Chosen() bool { return n.none || n.key != nil }

// Counted reports whether n was returned by NewNumbers.
func (n Numbers) Counted() bool { return n.key != nil }

// Key returns the key of a phone number: a keyed hash of 24 ASCII characters. The
// number is read as typed.Phone does, so each spelling has the same key; the error is
// typed.ErrNoPhone. With None the key is empty.
func (n Numbers) Key(number string) (string, error) {
	phone, err := typed.Phone(number)
	if err != nil {
		return "", err
	}
	if n.key == nil {
		return "", nil
	}
	return n.key(phone), nil
}

// Format prints the type's name.
func (Numbers) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "budget.Numbers [redacted]") }
