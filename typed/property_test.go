package typed_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/typed"
)

// What a generated spelling is made of.
var (
	gaps     = []string{" ", "  ", "-", " - ", "–", "—", "－", "\u00a0", "　", "\u200b", "\u2060", "\ufeff", "\u00ad", "\u202d", "\ufe0f", "\t"}
	unseen   = []string{"", "", "\u200b", "\u2060", "\u202a", "\ufe0e"}
	around   = []string{"", " ", "\n", "\r\n", "\t", "　", "\ufeff"}
	mistakes = []string{"O", "o", "l", "I", "Ｏ", "О", "〇", "一", "②", "³", "Ⅷ", "*", "?", "4⃣", "5̶", "零", "x"}
	// A message has its code at {}. Each is one that the functions have to read.
	messages = []string{
		"【中国移动】您的验证码为{}，10分钟内有效，请勿泄露。", "验证码：{}（5分钟内有效）", "验证码 {} 请勿泄露", "验证码{},2小时内有效",
		"{}（动态密码）。详询营业厅", "【中国电信】\n动态密码：{}\n", "「{}」", "{}。", "您正在使用手机13800138000登录，随机码{}，请勿告知他人",
		"Your code is {}.", "Your verification code: {}. It expires in 10 minutes.", "{} is your code",
	}
	// What else may stand around a code. Some of it makes a message impossible to read.
	pieces = []string{
		"验证码", "您的", "尾号", "编号", "请于", "分钟内", "年", "元", "号", "一", "十", "is", "code", "O", "a", "GB", "，", "。", "：", ":", ",", ".", "（", ")",
		"-", "/", "*", "#", "¥", " ", "\n", "\u200b", "①", "5", "10", "30", "2026", "8000", "10086", "13800138000", "110101199003078890", "👍", "+", "=",
	}
)

func drawDigits(t *rapid.T, least, most int) string {
	return rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), least, most, -1).Draw(t, "digits")
}

// spell writes digits in scripts and with gaps that are drawn.
func spell(t *rapid.T, value string, between []string) string {
	zero := rapid.SampledFrom(zeros)
	plain := rapid.Bool().Draw(t, "plain digits")
	var text strings.Builder
	for i, r := range value {
		if i > 0 {
			text.WriteString(rapid.SampledFrom(append(between, "", "")).Draw(t, "between"))
		}
		if !plain && r >= '0' && r <= '9' {
			r += zero.Draw(t, "zero") - '0'
		}
		text.WriteRune(r)
	}
	return text.String()
}

// withCheckDigit returns 17 digits with the check digit of an ID card number: weights
// that are powers of 2, modulo 11.
func withCheckDigit(digits string) string {
	sum := 0
	for _, r := range digits {
		sum = (sum + int(r-'0')) * 2 % 11
	}
	return digits + string("0123456789X"[(12-sum)%11])
}

func surround(t *rapid.T, text string) string {
	outside := rapid.SampledFrom(around)
	return outside.Draw(t, "before") + text + outside.Draw(t, "after")
}

func TestWhatThePersonMeantIsReadInAnySpelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := drawDigits(t, 4, 8)
		got, err := typed.Code(surround(t, spell(t, code, gaps)))
		require.NoError(t, err)
		require.Equal(t, code, got)

		phone := "1" + drawDigits(t, 10, 10)
		prefix := rapid.SampledFrom([]string{"", "+86", "0086", "86", "＋８６", "(+86)", "+86 "}).Draw(t, "prefix")
		got, err = typed.Phone(surround(t, prefix+spell(t, phone, gaps)))
		require.NoError(t, err)
		require.Equal(t, phone, got)

		number := withCheckDigit(drawDigits(t, 17, 17))
		if strings.HasSuffix(number, "X") {
			number = number[:17] + rapid.SampledFrom([]string{"X", "x", "Ｘ"}).Draw(t, "the X")
		}
		got, err = typed.IDCard(surround(t, spell(t, number, gaps)))
		require.NoError(t, err)
		require.Equal(t, strings.NewReplacer("x", "X", "Ｘ", "X").Replace(number), got)
	})
}

func TestTheCodeOfAPastedMessageIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := drawDigits(t, 4, 8)
		if strings.HasPrefix(code, "100") {
			return // perhaps a service number
		}
		message := rapid.SampledFrom(messages).Draw(t, "message")
		got, err := typed.Code(surround(t, strings.ReplaceAll(message, "{}", spell(t, code, unseen))))
		require.NoError(t, err)
		require.Equal(t, code, got)
	})
}

// Whatever stands around a code, and however its digits are grouped: it is read as
// this code, or refused.
func TestACodeIsNeverReadAsAnother(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := drawDigits(t, 4, 8)
		soup := rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8)
		left, right := strings.Join(soup.Draw(t, "left"), ""), strings.Join(soup.Draw(t, "right"), "")
		if endsWithDigit(left) || endsWithDigit(reversed(right)) {
			return // then it is another number
		}
		if got, err := typed.Code(left + spell(t, code, gaps) + right); err == nil {
			require.Equal(t, code, got)
		}
	})
}

func endsWithDigit(text string) bool {
	text = strings.TrimRight(text, "\u200b -\n")
	return text != "" && text[len(text)-1] >= '0' && text[len(text)-1] <= '9'
}

func reversed(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

// A code with a character that is no digit in place of one can't be read. In a phone
// number and an ID card number neither.
func TestAMistakeIsNeverReadAsAValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spoilt := func(value string) string {
			i := rapid.IntRange(0, len(value)-1).Draw(t, "at")
			mistake := rapid.SampledFrom(mistakes).Draw(t, "mistake")
			gap := rapid.SampledFrom(append(gaps, "", "", ""))
			return spell(t, value[:i], gaps) + gap.Draw(t, "gap") + mistake + gap.Draw(t, "gap") + spell(t, value[i+1:], gaps)
		}
		got, err := typed.Code(spoilt(drawDigits(t, 4, 8)))
		require.ErrorIs(t, err, typed.ErrNoCode, got)
		got, err = typed.Phone(spoilt("1" + drawDigits(t, 10, 10)))
		require.ErrorIs(t, err, typed.ErrNoPhone, got)
		number := drawDigits(t, 17, 17)
		got, err = typed.IDCard(spoilt(number) + "X")
		require.ErrorIs(t, err, typed.ErrNoIDCard, got)
	})
}

// digitsIn returns the decimal digits of a text, in ASCII.
func digitsIn(text string) string {
	return strings.Map(func(r rune) rune {
		for _, zero := range zeros {
			if r >= zero && r <= zero+9 {
				return '0' + r - zero
			}
		}
		return -1
	}, text)
}

// check checks what holds for any text: the value has its form, its digits stand in
// the text in this order and without others between them, a value is read as itself,
// and both kinds of text are read alike.
func check(t *testing.T, text string, read func(string) (string, error), readBytes func([]byte) ([]byte, error)) {
	t.Helper()
	value, err := read(text)
	inBytes, errBytes := readBytes([]byte(text))
	require.Equal(t, err, errBytes)
	require.Equal(t, value, string(inBytes))
	if err != nil {
		require.Empty(t, value)
		return
	}
	if knowsDigits(text) {
		require.Contains(t, digitsIn(text), digitsIn(value))
	}
	again, err := read(value)
	require.NoError(t, err)
	require.Equal(t, value, again)
	spaced, err := read("\u200b " + text + "\n")
	require.NoError(t, err)
	require.Equal(t, value, spaced)
}

// knowsDigits reports whether zeros has every digit of a text: a later version of
// Unicode has more.
func knowsDigits(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsDigit(r) && digitsIn(string(r)) == "" })
}

func FuzzCode(f *testing.F) {
	for _, m := range messages {
		f.Add(strings.ReplaceAll(m, "{}", "500001"))
	}
	f.Add("500 001")
	f.Fuzz(func(t *testing.T, text string) {
		check(t, text, typed.Code[string], typed.Code[[]byte])
		if code, err := typed.Code(text); err == nil {
			require.Regexp(t, `^[0-9]{4,8}$`, code)
		}
	})
}

func FuzzPhone(f *testing.F) {
	f.Add("+86 138-0013-8000")
	f.Add("００８６１３８００１３８０００")
	f.Fuzz(func(t *testing.T, text string) {
		check(t, text, typed.Phone[string], typed.Phone[[]byte])
		if phone, err := typed.Phone(text); err == nil {
			require.Regexp(t, `^1[0-9]{10}$`, phone)
			require.Contains(t, []string{"", "86", "0086"}, strings.TrimSuffix(digitsIn(text), phone))
		}
	})
}

func FuzzName(f *testing.F) {
	f.Add(" 张伟\n")
	f.Add("ＺＨＡＮＧ　ＷＥＩ")
	f.Fuzz(func(t *testing.T, text string) {
		check(t, text, typed.Name[string], typed.Name[[]byte])
	})
}

func FuzzIDCard(f *testing.F) {
	f.Add("110101 19900307 889x")
	f.Fuzz(func(t *testing.T, text string) {
		check(t, text, typed.IDCard[string], typed.IDCard[[]byte])
		if number, err := typed.IDCard(text); err == nil {
			require.Regexp(t, `^([0-9]{17}[0-9X]|[0-9]{15})$`, number)
		}
	})
}
