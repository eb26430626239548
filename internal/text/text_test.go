package text_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

func TestRedactHidesValuesAndLongNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, want string
		values   []string
	}{
		{in: "", want: ""},
		{in: "输入动态密码", want: "输入动态密码"},
		{in: "请拨 10086", want: "请拨 10086"},
		{in: "1234567890", want: "1234567890"},
		{in: "12345678901", want: "****"},
		{in: "证件 11010119900307867X 有误", want: "证件 **** 有误"},
		{in: "a13800138000b138", want: "a****b138"},
		{in: "code 4711 wrong", want: "code **** wrong", values: []string{"4711"}},
		{in: "4711 and 471", want: "**** and ****", values: []string{"4711", "471"}},
		{in: "x\x00y\ufffd\xffz\n", want: "xy\ufffdz"},
		{in: "keep", want: "keep", values: []string{"", "\xff"}},
	} {
		require.Equal(t, c.want, text.Redact(c.in, c.values, 1024), "%q", c.in)
	}
}

func TestARedactedTextIsShortPrintableAndWithoutTheValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringN(4, 8, -1).Filter(func(s string) bool { return !strings.Contains(s, "*") && text.Printable(s) }).Draw(t, "value")
		in := rapid.String().Draw(t, "before") + value + rapid.String().Draw(t, "after")
		limit := rapid.IntRange(0, 64).Draw(t, "limit")
		out := text.Redact(in, []string{value}, limit)
		require.LessOrEqual(t, len(out), limit)
		require.True(t, utf8.ValidString(out))
		require.False(t, strings.ContainsFunc(out, unicode.IsControl))
		require.NotContains(t, out, value)
	})
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
