package carrierfsm

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

// sealCarry seals a password for the host or the person's client to keep:
// bound to the id, the website and the step at which the password was
// submitted, and valid until then. It is empty where there is no Sealer or no
// password, or where the Sealer fails.
func (c codec) sealCarry(s *snapshot, password Secret, until time.Time) Secret {
	if c.sealer == nil || password.Empty() {
		return Secret{}
	}
	plain := make([]byte, 0, 8+maxSecret) // large enough: growing it would leave a copy in memory
	plain = binary.BigEndian.AppendUint64(plain, uint64(until.UnixMicro()))
	password.Use(func(value []byte) { plain = append(plain, value...) })
	defer clear(plain[:cap(plain)])
	sealed, err := c.sealer.Encrypt(plain, carryData(s))
	if err != nil {
		return Secret{}
	}
	return NewSecret(base64.RawURLEncoding.EncodeToString(sealed))
}

// openPassword returns the password that a carry holds. It is empty if the
// carry is invalid, belongs to another password, or is past its deadline.
func (c codec) openPassword(s *snapshot, carry Secret, now time.Time) (password Secret) {
	if c.sealer == nil {
		return Secret{}
	}
	carry.Use(func(value []byte) {
		sealed, err := base64.RawURLEncoding.AppendDecode(nil, value)
		if err != nil || len(sealed) == 0 {
			return
		}
		plain, err := c.sealer.Decrypt(sealed, carryData(s))
		if err != nil || len(plain) < 8 {
			return
		}
		defer clear(plain)
		until := time.UnixMicro(int64(binary.BigEndian.Uint64(plain)))
		if now.Before(until) {
			password = NewSecret(plain[8:])
		}
	})
	return password
}

func carryData(s *snapshot) []byte {
	return fmt.Appendf(nil, "carrierfsm carry %s %s %d", s.ID, s.At.Website, s.PasswordStep)
}
