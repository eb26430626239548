package text_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/text"
)

func TestANumberIsMaskedBeyondItsEnds(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"": "", "13800138000": "138****8000", "12345678": "123****5678", "1234567": "****", "1": "****", "1380013800x": "****", "电话号码电话": "****",
	} {
		require.Equal(t, want, text.MaskNumber(number), number)
	}
}

func TestChecksOfNamesAndNumbers(t *testing.T) {
	t.Parallel()
	for s, want := range map[string][3]bool{ // a plain name, a phone number, printable
		"":            {false, false, true},
		"13800138000": {true, true, true},
		"23800138000": {true, false, true},
		"1380013800":  {true, false, true},
		"1380013800x": {true, false, true},
		"v-1_~!":      {true, false, true},
		"a b":         {false, false, true},
		"tab\t":       {false, false, false},
		"名":           {false, false, true},
		"\xff":        {false, false, false},
		"１３８００１３８０００": {false, false, true},
	} {
		require.Equal(t, want, [3]bool{text.PlainName(s), text.PhoneNumber(s), text.Printable(s)}, "%q", s)
		require.Equal(t, want[2], text.PrintableBytes([]byte(s)), "%q", s)
	}
	require.True(t, text.Digits("0123456789"))
	require.False(t, text.Digits("12a"))
}

func TestTruncateCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	require.Equal(t, "江", text.Truncate("江苏", 5))
	require.Equal(t, "江苏", text.Truncate("江苏", 6))
	require.Equal(t, "", text.Truncate("江", 2))
	require.Equal(t, "", text.Truncate("江", 0))
}

// A copy of a password would stay in memory. Not parallel: AllocsPerRun counts what the
// whole process allocates.
func TestASecretIsCheckedWithoutACopy(t *testing.T) {
	for _, secret := range [][]byte{bytes.Repeat([]byte("a"), 100), []byte(strings.Repeat("密码", 50))} {
		require.Zero(t, testing.AllocsPerRun(100, func() { text.PrintableBytes(secret) }))
	}
}
