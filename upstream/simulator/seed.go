package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// seed is what tokens and codes are derived from, so that they need not be kept.
type seed string

// token names the nth application: 32 hexadecimal digits.
func (s seed) token(n int) string { return hex.EncodeToString(s.mac("token", "", n)[:16]) }

// accessToken is the nth access token: 32 hexadecimal digits.
func (s seed) accessToken(n int) string { return hex.EncodeToString(s.mac("access", "", n)[:16]) }

// code is the nth code that is texted for a token: 6 digits.
func (s seed) code(token string, n int) string {
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(s.mac("code", token, n))%1_000_000)
}

// password is the service password that the carrier texts as the nth message
// for a token: 6 digits.
func (s seed) password(token string, n int) string {
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(s.mac("password", token, n))%1_000_000)
}

// imprint stands for a password that the carrier has to know again.
func (s seed) imprint(phone, website, password string) string {
	return hex.EncodeToString(s.mac("imprint", phone+" "+website+" "+password, 0)[:16])
}

// fingerprint tells seeds apart without giving them away.
func (s seed) fingerprint() string { return hex.EncodeToString(s.mac("fingerprint", "", 0)[:8]) }

func (s seed) mac(what, of string, n int) []byte {
	h := hmac.New(sha256.New, []byte(s))
	_, _ = fmt.Fprintf(h, "%s %s %d", what, of, n)
	return h.Sum(nil)
}
