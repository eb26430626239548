package typed_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/typed"
)

func TestACodeIsReadInEverySpellingOfIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"500001", " 500001 ", "500001\r\n", "\t500001", "500 001", "5 0 0 0 0 1", "500-001", "500–001", "500 - 001", "500\u00a0001",
		"５００００１", "５００　００１", "５００－００１", "500\u200b001", "\ufeff500001", "500\u2060001", "\u202a500001\u202c", "\u202d500001\u202c",
		"٥٠٠٠٠١", "५००००१", "𝟓𝟎𝟎𝟎𝟎𝟏", "500\u00ad001", "5\ufe0f0\ufe0f0001", "500\u3164001", "-500001-",
	} {
		code, err := typed.Code(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, "500001", code, "%q", text)
	}
	for _, text := range []string{"5000", "50000", "50000123"} {
		code, err := typed.Code(text)
		require.NoError(t, err)
		require.Equal(t, text, code)
	}
}

func TestACodeIsTakenOutOfAPastedMessage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"【中国移动】您的验证码为500001，10分钟内有效，请勿泄露。",
		"【中国移动】尊敬的客户，您的短信验证码是５００００１，请于１０分钟内输入。",
		"验证码：500001（5分钟内有效）", "验证码:500001", "验证码 500001 请勿泄露", "验证码500001,10分钟内有效",
		"500001（动态密码）", "【中国电信】\n动态密码：500001\n", "「500001」", "500001。", "(500001)", "“500001”",
		"您的验证码是：500001。【中国联通】", "中国联通：随机码500001；尾号80", "13800138000的验证码：500001",
		"Your code is 500001.", "Your verification code: 500001. It expires in 10 minutes.", "500001 is your code", "CODE:500001",
		"您的随机数是500001", "验证码（6位）：500001", "您的6位验证码为 500001",
		"您的验\u200b证码为500\u200b001，请勿泄露",
	} {
		code, err := typed.Code(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, "500001", code, "%q", text)
	}
}

func TestATextWithoutOneClearCodeIsRefused(t *testing.T) {
	t.Parallel()
	for rule, texts := range map[string][]string{
		"nothing to read":                  {"", " ", "\n", "-", "\u200b", "。", "验证码"},
		"too few or too many digits":       {"123", "1 2 3", "123456789", "123 456 789", "验证码123", "13800138000", "110101199003078890"},
		"two numbers that could be it":     {"您的验证码500001，序列1234", "10086：500001", "500001\n500002", "500001，500002", "验证码1234 5678", "尾号8000的验证码500001"},
		"a number that is not separate":    {"验证码 12 3456", "验证码12-3456", "12.3456", "验证码12.3456", "(12)3456", "12(3456)", "12,3456", "1234,56", "12\n3456", "12\n34", "验证码 500001 10分钟", "12:3456", "2026-11-29 验证码错误", "2026/11/29", "2026.11.29到期", "1234.56元"},
		"a letter or a sign next to it":    {"O12345", "12345O", "l2345", "1O2345", "G-500001", "A500001", "¥1234", "1234%", "****8000", "尾号*8000", "t.cn/500001", "?id=500001", "#500001", "+500001", "验证码 + 12345", "验证码 👍 12345", "12345元", "500001x"},
		"letters that look like digits":    {"O 12345", "12345 O", "OO 1234", "OO，1234", "Ｏ 12345", "О 12345", "验证码 O 12345", "验证码 12345 O"},
		"other numerals next to it":        {"一二3456", "验证码一二3456", "一，二3456", "验证码①，23456", "验证码12345，⑥", "①2345", "²3456", "Ⅷ3456", "½3456", "1⃣2⃣3456", "12345①", "1̶2̶3̶4̶5"},
		"the last digits of a number":      {"验证码已发送至尾号为8000的手机", "尾号是：8000", "尾号为 8000", "手机尾数8000", "尾数为8000", "后四位8000", "末四位：8000", "卡尾8000"},
		"an amount":                        {"余额1234", "您的余额：1234。", "余额为1234", "金额 1234", "话费1234"},
		"a number of another kind":         {"2026年11月29日，您的申请已受理", "尾号8000的用户", "尾号：8000", "请拨打10086", "请用本机发送CXXD至10001获取查询详单的验证码", "余额1234元", "验证码50000110分钟内有效", "5000015天"},
		"control characters, or not UTF-8": {"500\x00001", "500001\x07", "500001\xff", "\xff\xfe", "500\u009b001", "您的验证码\x07是500001", "您的验证码\xff是500001"},
		"displayed in another order":       {"\u202e100005\u202c", "\u202b500 001\u202c", "\u2067500-001\u2069", "500\u200f 001"},
		"too long":                         {strings.Repeat(" ", typed.Longest) + "500001", "500001" + strings.Repeat("，请勿泄露", typed.Longest)},
	} {
		for _, text := range texts {
			code, err := typed.Code(text)
			require.ErrorIs(t, err, typed.ErrNoCode, "%s: %q was read as %s", rule, text, code)
			require.Empty(t, code)
		}
	}
}

func TestAPhoneNumberIsReadInEverySpellingOfIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"13800138000", "138 0013 8000", "138-0013-8000", "+8613800138000", "+86 138 0013 8000", "+86-138-0013-8000", "8613800138000",
		"0086 138 0013 8000", "008613800138000", "00 86 13800138000", "(+86) 13800138000", "（＋８６）13800138000", "１３８００１３８０００",
		"＋８６　１３８００１３８０００", "\u202d138 0013 8000\u202c", " 13800138000\n", "138\u200b00138000",
	} {
		phone, err := typed.Phone(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, "13800138000", phone, "%q", text)
	}
	for _, text := range []string{
		"", "1380013800", "138001380000", "23800138000", "+13800138000", "+1 380 013 8000", "+85 13800138000", "+8523800138000", "013800138000",
		"86 1380013800", "13800138000,13800138001", "13800138000 13800138001", "138.0013.8000", "1380013800O", "1380013800x", "138\n00138000",
		"我的号码13800138000", "++8613800138000", "86+13800138000", "+86+8613800138000", "868613800138000", "\u202e00083100831\u202c", "1380013800\x00", "1380013800一",
	} {
		phone, err := typed.Phone(text)
		require.ErrorIs(t, err, typed.ErrNoPhone, "%q was read as %s", text, phone)
		require.Empty(t, phone)
	}
}

func TestAnIDCardNumberIsReadInEverySpellingOfIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"11010119900307889X", "11010119900307889x", "110101 19900307 889x", "110101-19900307-889X", "１１０１０１１９９００３０７８８９Ｘ",
		"11010119900307889ｘ", " 11010119900307889X\n", "110101\u200b19900307889X", "110101　1990　0307　889x",
	} {
		number, err := typed.IDCard(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, "11010119900307889X", number, "%q", text)
	}
	for _, same := range []string{"110101900307889", "110101199003078662"} {
		number, err := typed.IDCard(same)
		require.NoError(t, err)
		require.Equal(t, same, number)
	}
	for _, text := range []string{
		"110101199003078890", "11010119900307898X", "31010119900307889X", // a digit is wrong, or two are in the wrong order
		"", "无", "1101011990030786", "11010119900307889XX", "1101011990030786X7", "11010119900307889×", "11010119900307889Ⅹ", "11010119900307889Y",
		"x", "1101019003078 6x", "110101\n19900307889X", "身份证11010119900307889X",
	} {
		number, err := typed.IDCard(text)
		require.ErrorIs(t, err, typed.ErrNoIDCard, "%q was read as %s", text, number)
		require.Empty(t, number)
	}
}

func TestANameHasLettersAndNoDigits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"张伟": "张伟", " 张伟\n": "张伟", "欧阳娜娜": "欧阳娜娜", "阿不都热合曼·买买提": "阿不都热合曼·买买提", "Anne-Marie O'Neil Jr.": "Anne-Marie O'Neil Jr.",
		"张\u200b伟": "张伟", "ＺＨＡＮＧ　ＷＥＩ": "ZHANG WEI", "José": "José",
	} {
		name, err := typed.Name(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, name, "%q", text)
	}
	for _, text := range []string{
		"", " ", "无", "13800138000", "张伟1", "张伟①", "张，伟", "\u202e张伟", "张伟\x00", "\xff张伟", "··", "张伟<b>", "张\n伟", strings.Repeat("张", 65),
	} {
		name, err := typed.Name(text)
		require.ErrorIs(t, err, typed.ErrNoName, "%q was read as %s", text, name)
		require.Empty(t, name)
	}
}

// The zeros of the scripts that have decimal digits, by the Unicode database.
var zeros = []rune{
	0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20, 0x1040,
	0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0,
	0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730,
	0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140,
	0x1e2f0, 0x1e950, 0x1fbf0,
}

func TestEveryDecimalDigitHasItsValue(t *testing.T) {
	t.Parallel()
	for _, zero := range zeros {
		var text strings.Builder
		for _, digit := range "97531864" {
			text.WriteRune(zero + digit - '0')
		}
		code, err := typed.Code(text.String())
		require.NoError(t, err, "%U", zero)
		require.Equal(t, "97531864", code, "%U", zero)
	}
}

func TestAValueThatNeedsNoChangeIsReturnedItself(t *testing.T) {
	code, phone, number := []byte("500001"), []byte("13800138000"), "13800138000"
	same, err := typed.Code(code)
	require.NoError(t, err)
	require.Same(t, &code[0], &same[0])
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, err1 := typed.Code(code)
		_, err2 := typed.Phone(phone)
		_, err3 := typed.Phone(number)
		if errors.Join(err1, err2, err3) != nil {
			t.Error("refused")
		}
	}))
	other := []byte(" 500001")
	changed, err := typed.Code(other)
	require.NoError(t, err)
	require.Equal(t, " 500001", string(other), "the text is left as it was typed")
	require.Equal(t, "500001", string(changed))
}
