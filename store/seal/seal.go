// Package seal has a carrierfsm.Sealer with AES-256-GCM and key ids, so that
// keys can be rotated.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/zeroing"
)

// Key is one key of New.
type Key struct {
	// ID names the key in what it sealed: 1 to 255 bytes, for instance "2026-11".
	ID string
	// Key is 32 random bytes.
	Key carrierfsm.Secret
}

// errSealed does not say why: a wrong key and a forged text look the same.
var errSealed = errors.New("seal: no key opens it")

// New returns a Sealer with AES-256-GCM. The first key seals; all of them open.
// To rotate, put a new key in front and keep the old ones until every verification
// was resealed (Machine.Reseal). Destroying an old key then erases what it sealed.
//
// Nonces are random: a key is good for 2^32 seals in all processes together. A plain
// verification makes 12, so that is 350 million of them, or four days at a thousand a
// second. Machine.Stats counts the seals of a process, and a warning is logged when one
// process has made half of them. The keys are copied into the ciphers; the
// caller may destroy them.
//
// It returns an error matching carrierfsm.ErrInvalid for a key of another size,
// an empty or repeated ID, or no key at all. The Sealer is safe for concurrent use.
func New(keys ...Key) (carrierfsm.Sealer, error) {
	if len(keys) == 0 {
		return nil, invalid("a sealer needs a key")
	}
	s := new(sealer)
	for _, k := range keys {
		if k.ID == "" || len(k.ID) > 255 || s.find(k.ID) != nil {
			return nil, invalid("the id of a key is empty, too long or used twice")
		}
		aead, err := newGCM(k.Key)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, namedKey{k.ID, func() cipher.AEAD { return aead }})
	}
	return s, nil
}

func newGCM(key carrierfsm.Secret) (aead cipher.AEAD, err error) {
	key.Use(func(value []byte) {
		if len(value) != 32 {
			err = invalid("a key does not have 32 bytes")
			return
		}
		zeroing.Do(func() {
			var block cipher.Block
			if block, err = aes.NewCipher(value); err == nil {
				aead, err = cipher.NewGCMWithRandomNonce(block)
			}
		})
	})
	return aead, err
}

func invalid(why string) error { return fmt.Errorf("%w: seal: %s", carrierfsm.ErrInvalid, why) }

// sealer writes the length of the key's id, the id, the nonce and the ciphertext.
type sealer struct{ keys []namedKey }

// namedKey has its cipher behind a closure: a printer that walks through unexported
// fields would print the key's schedule.
type namedKey struct {
	id   string
	aead func() cipher.AEAD
}

// Format prints nothing of the keys.
func (sealer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("Sealer [redacted]")) }

func (s *sealer) find(id string) *namedKey {
	i := slices.IndexFunc(s.keys, func(k namedKey) bool { return k.id == id })
	if i < 0 {
		return nil
	}
	return &s.keys[i]
}

// Encrypt is carrierfsm.Sealer's.
func (s *sealer) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return s.AppendEncrypt(nil, plaintext, associatedData)
}

// Decrypt is carrierfsm.Sealer's.
func (s *sealer) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	if len(ciphertext) == 0 || len(ciphertext) < 1+int(ciphertext[0]) {
		return nil, errSealed
	}
	end := 1 + int(ciphertext[0])
	key := s.find(string(ciphertext[1:end]))
	if key == nil {
		return nil, errSealed
	}
	plain, err := key.aead().Open(nil, nil, ciphertext[end:], associatedData)
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// AppendEncrypt appends what Encrypt returns to dst: the machine uses it to
// save a copy.
func (s *sealer) AppendEncrypt(dst, plaintext, associatedData []byte) ([]byte, error) {
	key := &s.keys[0]
	dst = append(append(dst, byte(len(key.id))), key.id...)
	return key.aead().Seal(dst, nil, plaintext, associatedData), nil
}
