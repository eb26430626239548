package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// seed derives tokens and codes, so that they need not be stored.
type seed string

// token is the token of the nth application: 32 hexadecimal digits.
func (s seed) token(n int) string { return hex.EncodeToString(s.mac("token", "", n)[:16]) }

// accessToken is the nth access token: 32 hexadecimal digits.
func (s seed) accessToken(n int) string { return hex.EncodeToString(s.mac("access", "", n)[:16]) }

// code is the nth message for a token: a code of 6 digits.
func (s seed) code(token string, n int) string {
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(s.mac("code", token, n))%1_000_000)
}

// password is the nth message for a token: a new service password of 6 digits.
func (s seed) password(token string, n int) string {
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(s.mac("password", token, n))%1_000_000)
}

// passwordHash hashes a password that was reset, to compare it later.
func (s seed) passwordHash(phone, website, password string) string {
	return hex.EncodeToString(s.mac("imprint", phone+" "+website+" "+password, 0)[:16])
}

// fingerprint identifies a seed without revealing it.
func (s seed) fingerprint() string { return hex.EncodeToString(s.mac("fingerprint", "", 0)[:8]) }

func (s seed) mac(what, of string, n int) []byte {
	h := hmac.New(sha256.New, []byte(s))
	_, _ = fmt.Fprintf(h, "%s %s %d", what, of, n)
	return h.Sum(nil)
}
