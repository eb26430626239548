package carrierfsm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

func TestNewSealerRefusesKeysThatCantWork(t *testing.T) {
	t.Parallel()
	key := func(n int) Secret { return NewSecret(strings.Repeat("k", n)) }
	gone := key(32)
	gone.Destroy()
	for rule, keys := range map[string][]SealKey{
		"no key at all":        nil,
		"an empty id":          {{ID: "", Key: key(32)}},
		"an id too long":       {{ID: strings.Repeat("i", 256), Key: key(32)}},
		"an id twice":          {{ID: "k1", Key: key(32)}, {ID: "k1", Key: NewSecret(strings.Repeat("x", 32))}},
		"no bytes":             {{ID: "k1"}},
		"a destroyed key":      {{ID: "k1", Key: gone}},
		"16 bytes":             {{ID: "k1", Key: key(16)}},
		"24 bytes":             {{ID: "k1", Key: key(24)}},
		"33 bytes":             {{ID: "k1", Key: key(33)}},
		"a bad key behind one": {{ID: "k1", Key: key(32)}, {ID: "k2", Key: key(31)}},
	} {
		_, err := NewSealer(keys...)
		require.ErrorIs(t, err, ErrInvalid, rule)
		require.NotContains(t, err.Error(), "kkk", rule)
	}
	k := key(32)
	s, err := NewSealer(SealKey{ID: strings.Repeat("i", 255), Key: k})
	require.NoError(t, err)
	k.Destroy()
	a, err := s.Encrypt([]byte("x"), nil)
	require.NoError(t, err, "the caller may destroy its copy")
	b, err := s.Encrypt([]byte("x"), nil)
	require.NoError(t, err)
	require.NotEqual(t, a, b, "no nonce is used twice")
	plain, err := s.Decrypt(a, nil)
	require.NoError(t, err)
	require.Equal(t, "x", string(plain))
}

func TestASealKeysIDIsAtMostOneByteLong(t *testing.T) {
	t.Parallel()
	key := NewSecret("0123456789abcdef0123456789abcdef")
	_, err := NewSealer(SealKey{ID: strings.Repeat("x", 256), Key: key})
	require.ErrorIs(t, err, ErrInvalid)
	s, err := NewSealer(SealKey{ID: strings.Repeat("x", 255), Key: key})
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
