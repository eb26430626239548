package carrierfsm

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/binding"
	"github.com/carrierfsm/carrierfsm/internal/zeroing"
)

// Sealer encrypts what is stored, bound to its place by the associated data.
// Package store/seal has one with AES-256-GCM; a tink AEAD is one too. It must
// be safe for concurrent use, and Decrypt must open what older keys sealed.
// Neither method may keep or change its arguments.
type Sealer interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// appendSealer is a further power of a Sealer, which saves a copy: the result is
// appended to dst.
type appendSealer interface {
	AppendEncrypt(dst, plaintext, associatedData []byte) ([]byte, error)
}

// The first byte of a sealed body or detail. Plain JSON begins with '{'.
const (
	// boundPrefix begins what is sealed now: marks of the columns follow, then what
	// the Sealer returned.
	boundPrefix = '2'
	// unboundPrefix begins what earlier builds sealed: it is bound to the id and the
	// step alone.
	unboundPrefix = 'S'
)

// codec encodes snapshots and transitions for a store, and decodes them: see codec.go.
// This file has what it seals them with.
type codec struct {
	sealer     Sealer
	deployment string
	// acceptPlain, refuseUnbound and sealUnbound are those of Config.
	acceptPlain, refuseUnbound, sealUnbound bool
	seals                                   *atomic.Int64 // how many were made
	warnOfSeals                             func(n int64) // logs that the key has sealed so many
}

// encoding is how a body or a detail is stored.
type encoding int

const (
	encodingPlain encoding = iota
	encodingUnbound
	encodingBound
	encodingBlank // a detail that was erased
)

func encodingOf(stored []byte) encoding {
	switch {
	case len(stored) == 0:
		return encodingBlank
	case stored[0] == boundPrefix:
		return encodingBound
	case stored[0] == unboundPrefix:
		return encodingUnbound
	default:
		return encodingPlain
	}
}

// keySeals is how many random nonces a key of AES-GCM is good for: the chance that two
// are equal is then 2^-33.
const keySeals = int64(1) << 32

// appendSealed appends what the Sealer makes of a text.
func (c codec) appendSealed(dst, plain, data []byte) ([]byte, error) {
	var sealed []byte
	var err error
	if c.seals != nil { // nil in tests of the codec alone
		if n := c.seals.Add(1); n >= keySeals/2 && n%(keySeals/32) == 0 {
			c.warnOfSeals(n)
		}
	}
	if s, ok := c.sealer.(appendSealer); ok {
		dst, err = s.AppendEncrypt(dst, plain, data)
	} else if sealed, err = c.sealer.Encrypt(plain, data); err == nil {
		dst = append(dst, sealed...)
	}
	if err != nil {
		return dst, fmt.Errorf("carrierfsm: the sealer failed: %w", err)
	}
	return dst, nil
}

// refuseEncoding refuses what is not bound, where a Sealer is configured and Config does
// not accept it.
func (c codec) refuseEncoding(e encoding, what string) error {
	switch {
	case c.sealer == nil:
		return nil
	case e == encodingUnbound && c.refuseUnbound:
		return forged("its %s is sealed as by an earlier build (Config.RefuseUnbound)", what)
	case (e == encodingPlain || e == encodingBlank) && !c.acceptPlain:
		return forged("its %s is not sealed (Config.AcceptPlain)", what)
	}
	return nil
}

// openBound opens a bound body or detail. Its errors match ErrSealed, and ErrForged
// if a value has changed.
func (c codec) openBound(stored []byte, values *binding.Values, names []string) ([]byte, error) {
	begin := 1 + len(values.Marks())
	if len(stored) < begin {
		return nil, fmt.Errorf("%w: it is cut off", ErrSealed)
	}
	text, err := c.unseal(stored[begin:], values.Data())
	if c.sealer == nil {
		return nil, err
	}
	var changed []string
	for _, i := range values.Changed(stored[1:begin]) {
		changed = append(changed, names[i])
	}
	if changed == nil { // opened; or another key, or the text itself was changed
		return text, err
	}
	return nil, forged("%s", strings.Join(changed, ", "))
}

// unseal decrypts a sealed body or detail. Its errors match ErrSealed.
func (c codec) unseal(sealed, data []byte) (plain []byte, err error) {
	if c.sealer == nil {
		return nil, fmt.Errorf("%w: no Sealer is configured", ErrSealed)
	}
	if plain, err = c.sealer.Decrypt(sealed, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return plain, nil
}

// recordColumns and entryColumns name what bindRecord and bindEntry bind, in order.
var (
	recordColumns = [...]string{
		"deployment", "id", "version", "step", "state", "table", "source", "reason",
		"in_flight", "due", "created", "updated", "key", "commit_id",
	}
	entryColumns = [...]string{"deployment", "id", "step", "from", "event", "to", "at"}
)

// bindRecord sets v to what the body of a record is bound to: all columns.
func bindRecord(v *binding.Values, deployment string, r *Record) {
	v.Begin("carrierfsm record 2")
	v.Text(deployment)
	v.Text(r.ID)
	v.Number(r.Version)
	v.Number(int64(r.Step))
	v.Text(string(r.State))
	v.Number(int64(r.Table))
	v.Text(r.Source)
	v.Text(string(r.Reason))
	v.Flag(r.InFlight)
	v.Time(r.Due)
	v.Time(r.Created)
	v.Time(r.Updated)
	v.Text(r.Key)
	v.Bytes(r.CommitID[:])
}

// bindEntry sets v to what the detail of an entry is bound to: all columns but the
// position, which the store sets.
func bindEntry(v *binding.Values, deployment string, e *Entry) {
	v.Begin("carrierfsm detail 2")
	v.Text(deployment)
	v.Text(e.ID)
	v.Number(int64(e.Step))
	v.Text(string(e.From))
	v.Text(string(e.Event))
	v.Text(string(e.To))
	v.Time(e.At)
}

// The associated data of what is unbound: the title, the id, and of a detail the step.
const (
	unboundRecord = "carrierfsm record "
	unboundDetail = "carrierfsm detail "
)

func bindUnbound(v *binding.Values, title, id string, step int) {
	v.Begin(title)
	v.Raw(id)
	if title == unboundDetail {
		v.Raw(" " + strconv.Itoa(step))
	}
}

// sealCarry seals a password for the host or the person's client to keep:
// bound to the deployment, the id, the website and the step at which the password was
// submitted, and valid until then. It is empty where there is no Sealer or no
// password, or where the Sealer fails.
func (c codec) sealCarry(s *snapshot, password Secret, until time.Time) (carry Secret) {
	if c.sealer == nil || password.Empty() {
		return Secret{}
	}
	zeroing.Do(func() {
		plain := make([]byte, carrySize) // always full: the length says nothing of the password's
		binary.BigEndian.PutUint64(plain, uint64(until.UnixMicro()))
		password.Use(func(value []byte) { plain[8] = byte(copy(plain[9:], value)) })
		defer clear(plain)
		if sealed, err := c.appendSealed(nil, plain, c.carryData(s)); err == nil {
			carry = NewSecret(base64.RawURLEncoding.EncodeToString(sealed))
		}
	})
	return carry
}

// openPassword returns the password that a carry holds. It is empty if the
// carry is invalid, belongs to another password, or is past its deadline.
func (c codec) openPassword(s *snapshot, carry Secret, now time.Time) (password Secret) {
	if c.sealer == nil {
		return Secret{}
	}
	carry.Use(func(value []byte) {
		zeroing.Do(func() { password = c.openCarry(s, value, now) })
	})
	return password
}

func (c codec) openCarry(s *snapshot, carry []byte, now time.Time) (password Secret) {
	sealed, err := base64.RawURLEncoding.AppendDecode(nil, carry)
	if err != nil || len(sealed) == 0 {
		return password
	}
	plain, err := c.sealer.Decrypt(sealed, c.carryData(s))
	if err != nil || len(plain) != carrySize {
		return password
	}
	defer clear(plain)
	until := time.UnixMicro(int64(binary.BigEndian.Uint64(plain)))
	if size := int(plain[8]); now.Before(until) && size <= maxSecret {
		password = NewSecret(plain[9 : 9+size])
	}
	return password
}

// carrySize is the size of what a carry seals: the deadline, the length of the
// password, and room for the longest one.
const carrySize = 8 + 1 + maxSecret

func (c codec) carryData(s *snapshot) []byte {
	var v binding.Values
	v.Begin("carrierfsm carry 2")
	v.Text(c.deployment)
	v.Text(s.ID)
	v.Text(s.At.Website)
	v.Number(int64(s.PasswordStep))
	return v.Data()
}

// notePrefix begins a note that is not sealed.
const notePrefix = '"'

// sealNote seals a note, bound to the deployment, the verification and the place; nil if
// the Sealer fails. Without a Sealer the note is readable.
func (c codec) sealNote(id, place, note string) []byte {
	if c.sealer == nil {
		return append([]byte{notePrefix}, note...)
	}
	var v binding.Values
	bindNote(&v, c.deployment, id, place)
	sealed, err := c.appendSealed(append([]byte{boundPrefix}, v.Marks()...), []byte(note), v.Data())
	if err != nil {
		return nil
	}
	return sealed
}

// openNote opens what sealNote returned. Its errors match ErrSealed, ErrForged or
// ErrCorrupt.
func (c codec) openNote(id, place string, stored []byte) (string, error) {
	if len(stored) == 0 || stored[0] != notePrefix && stored[0] != boundPrefix {
		return "", fmt.Errorf("%w: it is no note", ErrCorrupt)
	}
	if stored[0] == notePrefix {
		return string(stored[1:]), c.refuseEncoding(encodingPlain, "note")
	}
	var v binding.Values
	bindNote(&v, c.deployment, id, place)
	note, err := c.openBound(stored, &v, noteNames[:])
	return string(note), err
}

// noteNames name what bindNote binds, in order.
var noteNames = [...]string{"deployment", "id", "place"}

func bindNote(v *binding.Values, deployment, id, place string) {
	v.Begin("carrierfsm note 2")
	v.Text(deployment)
	v.Text(id)
	v.Text(place)
}
