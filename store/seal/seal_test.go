package seal_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

// No test may leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// key returns a key of n bytes.
func key(n int) carrierfsm.Secret { return carrierfsm.NewSecret(strings.Repeat("k", n)) }

func sealer(t *testing.T, keys ...seal.Key) carrierfsm.Sealer {
	t.Helper()
	s, err := seal.New(keys...)
	require.NoError(t, err)
	return s
}

func TestNewRefusesKeysThatCantWork(t *testing.T) {
	t.Parallel()
	destroyed := key(32)
	destroyed.Destroy()
	for rule, keys := range map[string][]seal.Key{
		"no key at all":         nil,
		"an empty id":           {{ID: "", Key: key(32)}},
		"an id of 256 bytes":    {{ID: strings.Repeat("i", 256), Key: key(32)}},
		"an id twice":           {{ID: "k1", Key: key(32)}, {ID: "k1", Key: carrierfsm.NewSecret(strings.Repeat("x", 32))}},
		"no bytes":              {{ID: "k1"}},
		"a destroyed key":       {{ID: "k1", Key: destroyed}},
		"16 bytes":              {{ID: "k1", Key: key(16)}},
		"24 bytes":              {{ID: "k1", Key: key(24)}},
		"33 bytes":              {{ID: "k1", Key: key(33)}},
		"a bad key behind good": {{ID: "k1", Key: key(32)}, {ID: "k2", Key: key(31)}},
	} {
		_, err := seal.New(keys...)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, rule)
		require.NotContains(t, err.Error(), "kkk", rule)
	}
}

func TestTheCallerMayDestroyItsCopyOfAKey(t *testing.T) {
	t.Parallel()
	k := key(32)
	s := sealer(t, seal.Key{ID: "k1", Key: k})
	k.Destroy()
	sealed, err := s.Encrypt([]byte("text"), nil)
	require.NoError(t, err)
	plain, err := s.Decrypt(sealed, nil)
	require.NoError(t, err)
	require.Equal(t, "text", string(plain))
}

func TestNoNonceIsUsedTwice(t *testing.T) {
	t.Parallel()
	s := sealer(t, seal.Key{ID: "k1", Key: key(32)})
	a, err := s.Encrypt([]byte("text"), nil)
	require.NoError(t, err)
	b, err := s.Encrypt([]byte("text"), nil)
	require.NoError(t, err)
	require.NotEqual(t, a, b)
}

func TestTheFirstKeySealsAndAllOpen(t *testing.T) {
	t.Parallel()
	old := seal.Key{ID: "old", Key: key(32)}
	next := seal.Key{ID: "new", Key: carrierfsm.NewSecret(strings.Repeat("n", 32))}
	before, rotated := sealer(t, old), sealer(t, next, old)
	sealed, err := before.Encrypt([]byte("text"), []byte("place"))
	require.NoError(t, err)
	plain, err := rotated.Decrypt(sealed, []byte("place"))
	require.NoError(t, err)
	require.Equal(t, "text", string(plain))
	sealed, err = rotated.Encrypt([]byte("text"), []byte("place"))
	require.NoError(t, err)
	_, err = before.Decrypt(sealed, []byte("place"))
	require.Error(t, err, "the new key sealed it")
	plain, err = sealer(t, next).Decrypt(sealed, []byte("place"))
	require.NoError(t, err)
	require.Equal(t, "text", string(plain))
}

func TestNothingOpensThatIsChangedOrMoved(t *testing.T) {
	t.Parallel()
	s := sealer(t, seal.Key{ID: strings.Repeat("i", 255), Key: key(32)}) // the longest id
	sealed, err := s.Encrypt([]byte("text"), []byte("place"))
	require.NoError(t, err)
	plain, err := s.Decrypt(sealed, []byte("place"))
	require.NoError(t, err)
	require.Equal(t, "text", string(plain))
	_, err = s.Decrypt(sealed, []byte("another place"))
	require.Error(t, err)
	for n := range sealed {
		_, err = s.Decrypt(sealed[:n], []byte("place"))
		require.Error(t, err, "cut off after %d bytes", n)
		changed := append([]byte(nil), sealed...)
		changed[n] ^= 1
		_, err = s.Decrypt(changed, []byte("place"))
		require.Error(t, err, "byte %d changed", n)
	}
}

func TestASealerPrintsNothingOfItsKeys(t *testing.T) {
	t.Parallel()
	s := sealer(t, seal.Key{ID: "k1", Key: key(32)})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.Equal(t, "Sealer [redacted]", fmt.Sprintf(verb, s))
	}
}

// A machine appends what it seals to a buffer of its own.
func TestAppendEncryptAppends(t *testing.T) {
	t.Parallel()
	s := sealer(t, seal.Key{ID: "k1", Key: key(32)})
	appender := s.(interface {
		AppendEncrypt(dst, plaintext, associatedData []byte) ([]byte, error)
	})
	sealed, err := appender.AppendEncrypt([]byte("S"), []byte("text"), []byte("place"))
	require.NoError(t, err)
	require.Equal(t, byte('S'), sealed[0])
	plain, err := s.Decrypt(sealed[1:], []byte("place"))
	require.NoError(t, err)
	require.Equal(t, "text", string(plain))
}

// A printer that walks through unexported fields finds the same whatever the key is.
func TestNoWalkThroughASealerReachesItsKey(t *testing.T) {
	t.Parallel()
	walked := func(key string) string {
		var b strings.Builder
		s := sealer(t, seal.Key{ID: "k1", Key: carrierfsm.NewSecret(key)})
		walk(reflect.ValueOf(struct{ s any }{s}), &b, 0)
		require.Contains(t, b.String(), "k1", "the walk reaches the fields")
		return b.String()
	}
	require.Equal(t, walked(strings.Repeat("a", 32)), walked(strings.Repeat("b", 32)))
}

// walk prints what reflection reaches, as spew does; of functions nothing.
func walk(v reflect.Value, b *strings.Builder, depth int) {
	if depth > 12 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), b, depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), b, depth+1)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), b, depth+1)
		}
	case reflect.Func:
	default:
		fmt.Fprintf(b, "%v ", v)
	}
}
