package carrierfsm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// A bound belongs to what it bounds: the longest, the last and the most are
// still taken, and what is one beyond is not.

func TestTheLongestInputIsStillTaken(t *testing.T) {
	t.Parallel()
	secret := func(n int) carrierfsm.Secret { return carrierfsm.NewSecret(strings.Repeat("1", n)) }
	code := func(n int) carrierfsm.Input { return carrierfsm.Captcha{Step: 3, Code: secret(n)} }
	carry := func(n int) carrierfsm.Input {
		return carrierfsm.Captcha{Step: 3, Code: secret(6), Carry: strings.Repeat("A", n)}
	}
	with := func(change func(a *carrierfsm.Apply, n int)) func(int) carrierfsm.Input {
		return func(n int) carrierfsm.Input {
			a := application(0)
			change(&a, n)
			return a
		}
	}
	for rule, c := range map[string]struct {
		most  int
		input func(n int) carrierfsm.Input
	}{
		"a code":   {128, code},
		"a carry":  {4096, carry},
		"a name":   {512, with(func(a *carrierfsm.Apply, n int) { a.Form.Name = strings.Repeat("x", n) })},
		"a policy": {512, with(func(a *carrierfsm.Apply, n int) { a.Consent.Policy = strings.Repeat("x", n) })},
		"contacts": {20, with(func(a *carrierfsm.Apply, n int) {
			a.Form.Contacts = nil
			for range n {
				a.Form.Contacts = append(a.Form.Contacts, carrierfsm.Contact{Name: "联系人", Phone: "13800138009"})
			}
		})},
		"sources": {10, with(func(a *carrierfsm.Apply, n int) {
			a.Form.Sources = nil
			for range n {
				a.Form.Sources = append(a.Form.Sources, carrierfsm.SourceChoice{Name: "chinamobilejs"})
			}
		})},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			b := fsmtest.New(t)
			if _, form := c.input(c.most).(carrierfsm.Apply); !form {
				b.Reach("10002")
			}
			_, err := b.Submit(c.input(c.most + 1))
			require.ErrorIs(t, err, carrierfsm.ErrInvalid)
			b.Upstream.Otherwise(fsmtest.Code("10002"))
			_, err = b.Submit(c.input(c.most))
			require.NoError(t, err)
		})
	}
}

func TestEveryDigitIsOneOfAPhoneNumber(t *testing.T) {
	t.Parallel()
	for _, phone := range []string{"13800138000", "13800138099"} {
		a := application(0)
		a.Form.Phone = phone
		b := fsmtest.New(t)
		b.Must(b.Submit(a))
	}
	for _, phone := range []string{"1380013800/", "1380013800:"} { // beside 0 and 9 in ASCII
		a := application(0)
		a.Form.Phone = phone
		b := fsmtest.New(t)
		_, err := b.Submit(a)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	}
}

func TestTheLongestNamesAreStillTaken(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.New(t)
	long := strings.Repeat("~", 128) // the last of what is printable
	_, err := b.Machine.Create(ctx, carrierfsm.NewVerification{ID: long, Key: long})
	require.NoError(t, err)
	for _, n := range []carrierfsm.NewVerification{{ID: long + "~"}, {Key: long + "~"}, {ID: "a\x7f"}} {
		_, err = b.Machine.Create(ctx, n)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	}
	require.ErrorIs(t, b.Machine.Expire(carrierfsm.ByOperator(ctx, long[:65]), b.ID), carrierfsm.ErrInvalid)
	require.NoError(t, b.Machine.Expire(carrierfsm.ByOperator(ctx, long[:64]), b.ID))

	cfg := carrierfsm.Config{Store: b.Store, Upstream: b.Upstream}
	handle := func(context.Context, carrierfsm.Transition) error { return nil }
	cfg.Handlers = map[string]carrierfsm.Handler{long: handle}
	_, err = carrierfsm.New(cfg)
	require.NoError(t, err)
	cfg.Handlers = map[string]carrierfsm.Handler{long + "~": handle}
	_, err = carrierfsm.New(cfg)
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
}

func TestASealKeysIDIsAtMostOneByteLong(t *testing.T) {
	t.Parallel()
	key := carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")
	_, err := carrierfsm.NewSealer(carrierfsm.SealKey{ID: strings.Repeat("x", 256), Key: key})
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	s, err := carrierfsm.NewSealer(carrierfsm.SealKey{ID: strings.Repeat("x", 255), Key: key})
	require.NoError(t, err)
	sealed, err := s.Encrypt([]byte("text"), []byte("place"))
	require.NoError(t, err)
	plain, err := s.Decrypt(sealed, []byte("place"))
	require.NoError(t, err)
	require.Equal(t, "text", string(plain))
	for n := range sealed {
		_, err = s.Decrypt(sealed[:n], []byte("place"))
		require.Error(t, err, "cut off after %d bytes", n)
	}
}

// purging is a store that has so much to purge at each call.
type purging struct {
	carrierfsm.Store
	left []int
}

func (p *purging) Purge(context.Context, time.Time, int) (n int, err error) {
	n, p.left = p.left[0], p.left[1:]
	return n, nil
}

func TestPurgeGoesOnUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	store := &purging{left: []int{500, 500, 3}}
	b := fsmtest.New(t)
	m := b.Replica(func(c *carrierfsm.Config) { store.Store, c.Store = c.Store, store })
	n, err := m.Machine.Purge(context.Background(), b.Clock.Now())
	require.NoError(t, err)
	require.Equal(t, 1003, n)
	require.Empty(t, store.left)
}

// contested is a store in which somebody else always writes first.
type contested struct {
	carrierfsm.Store
	tries int
}

func (c *contested) Commit(context.Context, carrierfsm.Record, ...carrierfsm.Entry) error {
	c.tries++
	return carrierfsm.ErrConflict
}

func (c *contested) Erase(context.Context, carrierfsm.Record, ...carrierfsm.Entry) error {
	c.tries++
	return carrierfsm.ErrConflict
}

func TestWhatLosesEveryRaceGivesUpAfterSixteen(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, act := range map[string]func(*carrierfsm.Machine) error{
		"erase":  func(m *carrierfsm.Machine) error { return m.Erase(ctx, "v1") },
		"expire": func(m *carrierfsm.Machine) error { return m.Expire(ctx, "v1") },
		"reseal": func(m *carrierfsm.Machine) error { return m.Reseal(ctx, "v1") },
		"cancel": func(m *carrierfsm.Machine) error {
			_, err := m.Submit(ctx, "v1", carrierfsm.Cancel{})
			return err
		},
		"apply": func(m *carrierfsm.Machine) error {
			_, err := m.Submit(ctx, "v1", application(0))
			return err
		},
	} {
		store := &contested{}
		b := fsmtest.New(t).Replica(func(c *carrierfsm.Config) { store.Store, c.Store = c.Store, store })
		require.ErrorIs(t, act(b.Machine), carrierfsm.ErrConflict, name)
		require.Equal(t, 16, store.tries, name)
	}
}
