package carrierfsm

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
)

// Sealer encrypts what is stored, bound to its place by the associated data.
// A tink AEAD is one. It must be safe for concurrent use, and Decrypt must
// open what older keys sealed. Neither may keep or change what it is given.
type Sealer interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// SealKey is one key of NewSealer.
type SealKey struct {
	// ID names the key in what it sealed: 1 to 255 bytes, for instance "2026-11".
	ID string
	// Key is 32 random bytes.
	Key Secret
}

// errSealed says nothing of why: a wrong key and a forged text look the same.
var errSealed = errors.New("carrierfsm: no key opens it")

// NewSealer returns a Sealer with AES-256-GCM. The first key seals; all of
// them open, so a new key is put in front and the old ones stay behind it
// until every record has been sealed anew (Machine.Reseal). Nonces are random:
// use a key for at most 2^32 seals, which is some 800 million verifications.
// The keys are copied into the ciphers; the caller may destroy them.
//
// It returns an error matching ErrInvalid for a key of another size, an empty
// or repeated ID, or no key at all.
func NewSealer(keys ...SealKey) (Sealer, error) {
	if len(keys) == 0 {
		return nil, invalid("a sealer needs a key")
	}
	s := new(gcmSealer)
	for _, k := range keys {
		if k.ID == "" || len(k.ID) > 255 || s.find(k.ID) != nil {
			return nil, invalid("a seal key's id is empty, too long or there twice")
		}
		aead, err := newGCM(k.Key)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, gcmKey{k.ID, aead})
	}
	return s, nil
}

func newGCM(key Secret) (aead cipher.AEAD, err error) {
	key.Use(func(value []byte) {
		if len(value) != 32 {
			err = invalid("a seal key is not of 32 bytes")
			return
		}
		block, e := aes.NewCipher(value)
		if e != nil {
			err = fmt.Errorf("carrierfsm: seal key: %w", e)
			return
		}
		aead, err = cipher.NewGCMWithRandomNonce(block)
	})
	return aead, err
}

// gcmSealer writes: the length of the key's id, the id, nonce and ciphertext.
type gcmSealer struct{ keys []gcmKey }

type gcmKey struct {
	id   string
	aead cipher.AEAD
}

// Format prints nothing of the keys.
func (*gcmSealer) Format(f fmt.State, _ rune) { printRedacted(f, "Sealer") }

func (s *gcmSealer) find(id string) *gcmKey {
	i := slices.IndexFunc(s.keys, func(k gcmKey) bool { return k.id == id })
	if i < 0 {
		return nil
	}
	return &s.keys[i]
}

func (s *gcmSealer) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return s.appendEncrypted(nil, plaintext, associatedData), nil
}

func (s *gcmSealer) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	return s.appendDecrypted(nil, ciphertext, associatedData)
}

// appendEncrypted appends what Encrypt returns.
func (s *gcmSealer) appendEncrypted(out, plaintext, associatedData []byte) []byte {
	key := &s.keys[0]
	out = append(append(out, byte(len(key.id))), key.id...)
	return key.aead.Seal(out, nil, plaintext, associatedData)
}

// appendDecrypted appends what Decrypt returns.
func (s *gcmSealer) appendDecrypted(out, ciphertext, associatedData []byte) ([]byte, error) {
	if len(ciphertext) == 0 || len(ciphertext) < 1+int(ciphertext[0]) {
		return nil, errSealed
	}
	end := 1 + int(ciphertext[0])
	key := s.find(string(ciphertext[1:end]))
	if key == nil {
		return nil, errSealed
	}
	out, err := key.aead.Open(out, nil, ciphertext[end:], associatedData)
	if err != nil {
		return nil, errSealed
	}
	return out, nil
}
