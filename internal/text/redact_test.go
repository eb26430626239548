package text_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/internal/text"
)

func valuesOf(list ...string) *text.Values {
	v := new(text.Values)
	for _, value := range list {
		v.Add(text.Secret, []byte(value))
	}
	return v
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
		{in: "123", want: "123"},
		{in: "1234", want: "****"},
		{in: "1234567890", want: "****"},
		{in: "证件 11010119900307889X 有误", want: "证件 **** 有误"},
		{in: "a13800138000b13", want: "a****b13"},
		{in: "a13800138000b138", want: "****"},
		{in: "code 471 wrong", want: "code **** wrong", values: []string{"471"}},
		{in: "Call me", want: "**** me", values: []string{"call"}},
		{in: "471 and 47", want: "**** and ****", values: []string{"47", "471"}},
		{in: "x\x00y\ufffd\xffz\n", want: "xy\ufffdz"},
		{in: "keep", want: "keep", values: []string{"", "\xff"}},
		{in: "wait!?", want: "wait****", values: []string{"!?"}},
	} {
		require.Equal(t, c.want, text.Redact(c.in, valuesOf(c.values...), 1024), "%q", c.in)
	}
}

func TestALongNumberIsHiddenWhateverItIsWrittenWith(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"密码２４６８１０错误":             "密码****错误",
		"密码٢٤٦٨١٠错误":             "密码****错误",
		"密码②④⑥⑧①⓪错误":             "密码****错误",
		"密码²⁴⁶⁸¹⁰错误":             "密码****错误",
		"密码𝟐𝟒𝟔𝟖𝟏𝟎错误":             "密码****错误",
		"密码二四六八一零错误":             "密码****错误",
		"密码贰肆陆捌壹〇错误":             "密码****错误",
		"密码二十四万六千八百一十错误":         "密码****错误",
		"密码⑳㉑错误":                 "密码****错误",
		"2 4-6.8":                "****",
		"2\u200b4\u20606\u00ad8": "****",
		"2\u03324\u03326\u03328": "****",
		"&#50;&#x34;&#54;&#56;":  "****",
		"%32%34%36%38":           "****",
		`\u0032\x34\u{36}\u0038`: "****",
		"&amp;#50;468":           "****",
		"2&amp;4":                "2&4",
		"还剩2次，60秒后再试":            "还剩2次，60秒后再试",
		"二十四小时内有效":               "二十四小时内有效",
		"MjQ2ODEw":               "****", // 246810
		"abcdefghijklmno1 x":     "**** x",
	} {
		require.Equal(t, want, text.Redact(in, nil, 1024), "%q", in)
	}
}

func TestPublicNumbersAreShownWhereTheyStandAlone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"请用本机发送CXXD至10001获取":  "请用本机发送CXXD至10001获取",
		"发送至10001，60秒":        "发送至10001，60秒",
		"拨打10010、10086、10000": "拨打10010、10086、10000",
		"拨打１００８６":             "拨打１００８６",
		"1008":                "****",
		"100861":              "****",
		"138-10086-0012":      "****",
		"10 086":              "****",
	} {
		require.Equal(t, want, text.Redact(in, nil, 1024), "%q", in)
	}
	require.Equal(t, "拨打****", text.Redact("拨打10086", valuesOf("10086"), 1024), "a password may be that")
}

// spelled writes a value in one of the ways that Redact finds.
var spelled = rapid.Custom(func(t *rapid.T) func(string) string {
	each := func(f func(i int, r rune) string) func(string) string {
		return func(value string) string {
			var out strings.Builder
			for i, r := range []rune(value) {
				out.WriteString(f(i, r))
			}
			return out.String()
		}
	}
	digits := func(alphabet string) func(string) string {
		characters := []rune(alphabet)
		return each(func(_ int, r rune) string {
			if '0' <= r && r <= '9' {
				return string(characters[r-'0'])
			}
			return string(r)
		})
	}
	between := rapid.SampledFrom([]string{" ", "-", "\u200b", "\u00ad", "　", "·", "\u0332", ", ", "\ufe0f\u20e3", "_"}).Draw(t, "separator")
	padding := strings.Repeat("x", rapid.IntRange(0, 2).Draw(t, "shift"))
	return rapid.SampledFrom([]func(string) string{
		func(s string) string { return s },
		strings.ToUpper, strings.ToLower,
		digits("０１２３４５６７８９"), digits("٠١٢٣٤٥٦٧٨٩"), digits("〇一二三四五六七八九"), digits("零壹贰叁肆伍陆柒捌玖"),
		digits("⓪①②③④⑤⑥⑦⑧⑨"), digits("\uf9b2㆒㆓㆔㆕五\uf9d1七⼋九"), digits("𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"), digits("₀₁₂₃₄₅₆₇₈₉"), digits("०१२३४५६७८९"),
		each(func(_ int, r rune) string { return string(r) + between }),
		each(func(_ int, r rune) string { return fmt.Sprintf("&#%d;", r) }),
		each(func(_ int, r rune) string { return fmt.Sprintf("&#x%x;", r) }),
		each(func(_ int, r rune) string { return fmt.Sprintf("&amp;#%d;", r) }),
		each(func(_ int, r rune) string { return fmt.Sprintf(`\u%04x`, r) }),
		each(func(_ int, r rune) string {
			return "%" + strings.Join(strings.Fields(fmt.Sprintf("% x", string(r))), "%")
		}),
		each(func(_ int, r rune) string { // full width
			if '!' <= r && r <= '~' {
				return string(r + '！' - '!')
			}
			return string(r)
		}),
		each(func(_ int, r rune) string { // mathematical letters
			switch {
			case 'a' <= r && r <= 'z':
				return string(r - 'a' + '𝐚')
			case 'A' <= r && r <= 'Z':
				return string(r - 'A' + '𝒜' - ('𝒜' - '𝐀'))
			}
			return string(r)
		}),
		func(s string) string {
			r := []rune(s)
			for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
				r[i], r[j] = r[j], r[i]
			}
			return string(r)
		},
		func(s string) string { return base64.StdEncoding.EncodeToString([]byte(padding + s)) },
		func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(padding + s + padding)) },
		func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))
		},
		func(s string) string { return hex.EncodeToString([]byte(s)) },
		func(s string) string { return strings.TrimSpace(fmt.Sprintf("% X", s)) },
	}).Draw(t, "spelling")
})

// known are values as they are typed: numbers, words with digits, names.
var known = rapid.OneOf(
	rapid.StringMatching(`[0-9]{6,8}`), rapid.StringMatching(`1[0-9]{10}`), rapid.StringMatching(`[0-9]{17}X`),
	rapid.StringMatching(`[a-z][A-Za-z0-9]{5,11}`), rapid.StringMatching(`[王李张刘陈][测试用户]{2,3}`), rapid.StringMatching(`[A-Za-z0-9!@#$*/"']{8,16}`).Filter(func(s string) bool {
		return len(strings.Map(wordOnly, s)) >= 4
	}),
)

func wordOnly(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return r
	}
	return -1
}

func TestAKnownValueIsHiddenInEverySpelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := known.Draw(t, "value")
		written := spelled.Draw(t, "how")(value)
		in := rapid.SampledFrom([]string{"", "密码 ", "您输入的是：", "error: "}).Draw(t, "before") + written + rapid.SampledFrom([]string{"", " 错误", "，请重试", "."}).Draw(t, "after")
		out := text.Redact(in, valuesOf(value), 4096)
		require.Contains(t, out, text.Hidden, "%q", in)
		require.NotContains(t, strings.ToLower(strings.Map(wordOnly, out)), strings.ToLower(strings.Map(wordOnly, value)), "%q", in)
		require.True(t, valuesOf(value).Repeated(in, func(text.Match) bool { return true }), "%q", in)
	})
}

// What Unicode calls compatible with a letter, a digit or a Chinese character is the same,
// and a letter is the same with and without its marks.
func TestAKnownValueIsHiddenInCompatibleCharacters(t *testing.T) {
	t.Parallel()
	for value, spellings := range map[string][]string{
		"pw7f3a91":    {"ᵖʷ⁷ᶠ³ᵃ⁹¹", "ₚw₇f₃ₐ₉₁", "P̂w7f3a91", "ᴾᵂ7F3A91", "Ṕẃ7f3å91"},
		"officina":    {"oﬃcina", "oﬀⁱcina"},
		"张立金力":        {"张⽴⾦⼒", "张\uf9f7\uf90a\uf98a"},
		"José Müller": {"Jose\u0301 Mu\u0308ller", "JOSE MULLER", "José Müller"},
		"Jose Muller": {"José Müller", "Jose\u0301 Mu\u0308ller"},
		"12348620":    {"㆒㆓㆔㆕⼋\uf9d1⼆\uf9b2", "🈩🈔🈪㆕八六🈔零"},
	} {
		for _, written := range spellings {
			require.Equal(t, "密码****错误", text.Redact("密码"+written+"错误", valuesOf(value), 1024), "%q as %q", value, written)
		}
	}
	require.Equal(t, "单号****", text.Redact("单号㆕㆓㆒㆔", nil, 1024), "a number that is not known")
	require.Equal(t, "Café, 5㎏", text.Redact("Café, 5㎏", nil, 1024))
}

// Words between the digits of a known number don't keep it from being found.
func TestAKnownNumberIsHiddenAcrossWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "前三位****，后三位****", text.Redact("前三位246，后三位810", valuesOf("246810"), 1024))
	require.Equal(t, "first **** then ****", text.Redact("first 246 then 810", valuesOf("246810"), 1024))
	require.Equal(t, "first 246 then 81", text.Redact("first 246 then 81", valuesOf("246810"), 1024))
}

func TestARedactedTextIsShortPrintableAndWithoutTheValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringN(1, 8, -1).Filter(func(s string) bool { return !strings.Contains(s, "*") && text.Printable(s) }).Draw(t, "value")
		in := rapid.String().Draw(t, "before") + value + rapid.String().Draw(t, "after")
		limit := rapid.IntRange(0, 64).Draw(t, "limit")
		out := text.Redact(in, valuesOf(value), limit)
		require.LessOrEqual(t, len(out), limit)
		require.True(t, utf8.ValidString(out))
		require.False(t, strings.ContainsFunc(out, unicode.IsControl))
		require.NotContains(t, out, value)
	})
}

func TestATextThatIsEncodedTooOftenIsHiddenWhole(t *testing.T) {
	t.Parallel()
	in := "&" + strings.Repeat("amp;", 12) + "#50;x"
	require.Equal(t, text.Hidden, text.Redact(in, nil, 1024))
	require.True(t, valuesOf("246810").Repeated(in, nil))
}

func TestValuesAreBounded(t *testing.T) {
	t.Parallel()
	v := valuesOf("oldest-one", "oldest-one")
	require.Equal(t, 1, v.Len(), "each is kept once")
	for i := range 2 * 256 {
		v.Add(text.Detail, fmt.Appendf(nil, "value%d", i))
	}
	require.Equal(t, 256, v.Len())
	require.Equal(t, text.Hidden, text.Redact("value511", v, 1024))
	require.Equal(t, "oldest-one", text.Redact("oldest-one", v, 1024), "the oldest gave up its place")
}

func TestAMatchTellsWhatIsRepeated(t *testing.T) {
	t.Parallel()
	v := new(text.Values)
	v.Add(text.Secret, []byte("abc123"))
	v.Add(text.Name, []byte("zhangsan"))
	got := func(in string) (list []text.Match) {
		v.Repeated(in, func(m text.Match) bool { list = append(list, m); return false })
		return list
	}
	require.Equal(t, []text.Match{{Kind: text.Secret, Digit: true, Size: 6}}, got("china-ABC123"))
	require.Equal(t, []text.Match{{Kind: text.Name, Size: 8, Whole: true}}, got("zhang.san"))
	require.Empty(t, got("chinamobilejs"))
}

// Each range of decimal digits in Unicode begins with a zero and has whole tens.
func TestTheDecimalDigitsOfUnicodeComeInTens(t *testing.T) {
	t.Parallel()
	for _, r := range unicode.Nd.R16 {
		require.Zero(t, (r.Hi+1-r.Lo)%10)
		require.EqualValues(t, 1, r.Stride)
	}
	for _, r := range unicode.Nd.R32 {
		require.Zero(t, (r.Hi+1-r.Lo)%10)
		require.EqualValues(t, 1, r.Stride)
	}
}
