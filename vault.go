package carrierfsm

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// vault holds passwords in memory while the codes that travel with them are
// awaited, each until the deadline of what is asked. Nothing of it is stored.
type vault struct {
	mu     sync.Mutex
	held   map[string]*heldPassword
	closed bool
}

type heldPassword struct {
	secret Secret
	step   int // at which it was given
	timer  *time.Timer
}

// hold takes over the secret, in the place of one that is held for the id,
// and destroys it after the given time.
func (v *vault) hold(id string, step int, s Secret, after time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dropLocked(id)
	if v.closed || s.Empty() {
		s.Destroy()
		return
	}
	h := &heldPassword{secret: s, step: step}
	h.timer = time.AfterFunc(after, func() { v.expire(id, h) })
	if v.held == nil {
		v.held = make(map[string]*heldPassword)
	}
	v.held[id] = h
}

// get returns a copy of the password that was given at this step; empty if
// none is held. The caller destroys the copy.
func (v *vault) get(id string, step int) Secret {
	v.mu.Lock()
	defer v.mu.Unlock()
	if h := v.held[id]; h != nil && h.step == step {
		return h.secret.clone()
	}
	return Secret{}
}

// drop destroys what is held for the id.
func (v *vault) drop(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dropLocked(id)
}

// close destroys all and holds nothing more.
func (v *vault) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	for id := range v.held {
		v.dropLocked(id)
	}
}

func (v *vault) expire(id string, h *heldPassword) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.held[id] == h {
		v.dropLocked(id)
	}
}

func (v *vault) dropLocked(id string) {
	if h := v.held[id]; h != nil {
		h.timer.Stop()
		h.secret.Destroy()
		delete(v.held, id)
	}
}

// carry seals a password for the host or the person's client to keep: bound
// to the id, the website and the step at which it was given, good until then.
// It is empty where there is no Sealer or no password.
func (c codec) carry(o opened, password Secret, until time.Time) string {
	if c.sealer == nil || password.Empty() {
		return ""
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(until.UnixMicro()))
	password.Use(func(value []byte) { plain = append(plain, value...) })
	defer clear(plain)
	sealed, err := c.sealer.Encrypt(plain, carryData(o))
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// uncarry opens a carry; empty where it is none, not for this password, or
// past its deadline.
func (c codec) uncarry(o opened, carry string, now time.Time) Secret {
	sealed, err := base64.RawURLEncoding.DecodeString(carry)
	if err != nil || carry == "" || c.sealer == nil {
		return Secret{}
	}
	plain, err := c.sealer.Decrypt(sealed, carryData(o))
	if err != nil || len(plain) < 8 {
		return Secret{}
	}
	until := time.UnixMicro(int64(binary.BigEndian.Uint64(plain)))
	if !now.Before(until) {
		clear(plain)
		return Secret{}
	}
	return secretOf(plain[8:])
}

func carryData(o opened) []byte {
	return fmt.Appendf(nil, "carrierfsm carry %s %s %d", o.ID, o.At.Website, o.PasswordStep)
}
