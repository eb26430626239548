package carrierfsm

import (
	"container/heap"
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
	queue  expiries // the same, by when each is destroyed
	closed bool

	began time.Time     // what the times below count from
	timer *time.Timer   // of all of them
	rings time.Duration // when it does; 0 where it is not set
}

type heldPassword struct {
	id     string
	secret Secret
	step   int           // at which it was given
	until  time.Duration // when it is destroyed
	at     int           // in the queue
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
	if v.held == nil {
		v.held, v.began = make(map[string]*heldPassword), time.Now()
	}
	now := time.Since(v.began)
	h := &heldPassword{id: id, secret: s, step: step, until: now + after}
	v.held[id] = h
	heap.Push(&v.queue, h)
	v.wake(now)
}

// wake sets the timer for what is destroyed first. It may ring too early,
// because that was dropped, which does no harm.
func (v *vault) wake(now time.Duration) {
	if len(v.queue) == 0 || v.rings != 0 && v.rings <= v.queue[0].until {
		return
	}
	v.rings = v.queue[0].until
	if wait := v.rings - now; v.timer == nil {
		v.timer = time.AfterFunc(wait, v.expire)
	} else {
		v.timer.Reset(wait)
	}
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

// expire destroys what has been held long enough.
func (v *vault) expire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rings = 0
	now := time.Since(v.began)
	for len(v.queue) > 0 && v.queue[0].until <= now {
		v.dropLocked(v.queue[0].id)
	}
	v.wake(now)
}

func (v *vault) dropLocked(id string) {
	if h := v.held[id]; h != nil {
		heap.Remove(&v.queue, h.at)
		h.secret.Destroy()
		delete(v.held, id)
	}
	if len(v.queue) == 0 && v.rings != 0 { // it would keep the machine in memory
		v.timer.Stop()
		v.rings = 0
	}
}

// expiries is a heap of what is held, by when it is destroyed.
type expiries []*heldPassword

func (q expiries) Len() int           { return len(q) }
func (q expiries) Less(i, j int) bool { return q[i].until < q[j].until }

func (q expiries) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

// Push is heap.Interface's.
func (q *expiries) Push(x any) {
	h, _ := x.(*heldPassword)
	h.at = len(*q)
	*q = append(*q, h)
}

// Pop is heap.Interface's.
func (q *expiries) Pop() any {
	last := len(*q) - 1
	h := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return h
}

// carry seals a password for the host or the person's client to keep: bound
// to the id, the website and the step at which it was given, good until then.
// It is empty where there is no Sealer or no password.
func (c codec) carry(o *opened, password Secret, until time.Time) string {
	if c.sealer == nil || password.Empty() {
		return ""
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+maxSecret), uint64(until.UnixMicro())) // never moved: it would leave a copy
	password.Use(func(value []byte) { plain = append(plain, value...) })
	defer clear(plain[:cap(plain)])
	sealed, err := c.sealer.Encrypt(plain, carryData(o))
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// uncarry opens a carry; empty where it is none, not for this password, or
// past its deadline.
func (c codec) uncarry(o *opened, carry string, now time.Time) Secret {
	sealed, err := base64.RawURLEncoding.DecodeString(carry)
	if err != nil || carry == "" || c.sealer == nil {
		return Secret{}
	}
	plain, err := c.sealer.Decrypt(sealed, carryData(o))
	if err != nil || len(plain) < 8 {
		return Secret{}
	}
	defer clear(plain)
	until := time.UnixMicro(int64(binary.BigEndian.Uint64(plain)))
	if !now.Before(until) {
		return Secret{}
	}
	return secretOf(plain[8:])
}

func carryData(o *opened) []byte {
	return fmt.Appendf(nil, "carrierfsm carry %s %s %d", o.ID, o.At.Website, o.PasswordStep)
}
