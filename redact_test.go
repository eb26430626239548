package carrierfsm_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// A Detail must not hold a number, nor a text of any length, whichever member of the
// reply it comes from.
func TestNoWordOfUpstreamBringsANumberIntoTheHistory(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	b.Upstream.Then(fsmtest.Reply(Reply{
		Success: true, Code: "13800138000", Type: "账号13800138000", Template: "SUBMIT_" + strings.Repeat("X", 1<<16),
	}))
	b.Must(b.Captcha("500001"))
	last := lastDetail(b)
	require.NotContains(t, string(last.Code), "13800138000")
	require.NotContains(t, last.Type, "13800138000")
	require.Less(t, len(last.Template), 1024)
}

// A code that is known except for a character that Clean drops is unknown: the reply
// table must see it as it was received.
func TestCleaningMakesNoUnknownWordAKnownOne(t *testing.T) {
	t.Parallel()
	for _, r := range []Reply{
		{Success: true, Code: "10008\x00"},
		{Success: true, Code: "10\xff008"},
		{Success: true, Code: "1000\u00858"},
		{Success: true, Code: "10003\n"},
		{Success: true, Code: "", Template: "SUBMIT_QUERY_PWD\n"},
		{Success: true, Code: "10005", Type: "ERROR\t"},
		{Success: true, Type: "RUN\x00NING"},
	} {
		b := fsmtest.New(t)
		b.Reach("10002")
		b.Upstream.Then(fsmtest.Reply(r))
		after := b.Must(b.Captcha("500001"))
		require.Equal(t, ReplyUnrecognized, after.Reason, "%q %q %q", r.Code, r.Template, r.Type)
	}
}

func TestAnUnknownWordIsKeptAndOneOfNothingIsNotTheEmptyOne(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	b.Upstream.Then(fsmtest.Reply(Reply{Success: true, Code: "99999", Type: "MOON", Template: "\x00"}))
	b.Must(b.Captcha("500001"))
	last := lastDetail(b)
	require.Equal(t, []string{"99999", "MOON", "****"}, []string{string(last.Code), last.Type, last.Template})
}

func TestWhatIsHiddenInUpstreamsText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":       "",
		"输入动态密码": "输入动态密码",
		"请用本机发送CXXD至10001获取验证码":             "请用本机发送CXXD至10001获取验证码",
		"密码246810错误":                        "密码****错误",
		"24\x0068\x1b10":                    "****",
		"用户测试用户您好":                          "用户****您好",
		"号码13800138000已停机":                  "号码****已停机",
		"1380013800":                        "****",
		"还剩2次，60秒后重试":                       "还剩2次，60秒后重试",
		"身份证11010119900307889X不符":           "身份证****不符",
		"\xff坏\xfe了":                        "坏了",
		"号码13800138099已停机":                  "号码****已停机",
		"单号1380013809:1":                    "单号****",
		strings.Repeat("测", MaxMessage/3+1): strings.Repeat("测", MaxMessage/3),
		strings.Repeat("x", MaxMessage):     strings.Repeat("x", MaxMessage),
	} {
		require.Equal(t, want, Redact(text, []Secret{NewSecret("246810"), {}}, "测试用户", ""), "%q", text)
	}
}

// A value that is part of another one must not leave the rest of that readable.
func TestTheLongerValueIsHiddenFirst(t *testing.T) {
	t.Parallel()
	for _, personal := range [][]string{{"2468", "246810"}, {"246810", "2468"}} {
		require.Equal(t, "密码****", Redact("密码246810", nil, personal...))
		require.Equal(t, "密码****", Redact("密码246810", []Secret{NewSecret(personal[1])}, personal[0]))
	}
}

func TestANumberIsShownByItsEndsOnly(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"": "", "13800138000": "138****8000", "13800138": "138****0138", "1380013": "****", "1380013800x": "****", "1380013800/": "****",
		"1380013800:": "****",
	} {
		o := prompted(PromptPassword)
		o.Account = number
		require.Equal(t, want, o.View(DefaultLimits()).Account, "%q", number)
	}
}

// A cleaned text of the upstream's has no secret of the call and no long number.
func FuzzClean(f *testing.F) {
	f.Add("密码 246810 错误", "246810", "13800138000")
	f.Add("请用本机13800138000发送CXXD至10001", "500001", "13800138000")
	f.Add("身份证11010119900307889X不符", "x", "测试用户")
	f.Add("测", "\xe6", "x") // no input may be that, but a token may
	f.Add("测", "246810", "\xb5")
	f.Add("号码13800138000已停机", "246810", "")
	f.Add("24\x006810", "246810", "")
	f.Add("24\xff6810\u0085", "246810", "\xe6")
	f.Add("138001380001380013800", "0", "1")
	f.Add(strings.Repeat("测", 400), "测", "13800138000")
	f.Add(strings.Repeat("测", 400), "246810", "13800138000")
	f.Add(strings.Repeat("1", 5000), "", "")
	f.Add("**********5", "5", "*")
	f.Add("0010送000A至10000", "001", "1") // the rest of a public number
	f.Add(strings.Repeat("测", 340)+"10001", "", "")
	f.Fuzz(func(t *testing.T, text, secret, personal string) {
		got := Redact(text, []Secret{NewSecret(secret)}, personal)
		require.True(t, utf8.ValidString(got))
		require.LessOrEqual(t, len(got), MaxMessage)
		require.NotRegexp(t, elevenDigits, got)
		require.False(t, strings.ContainsFunc(got, unicode.IsControl))
		// A value of asterisks can't be distinguished from a redacted one, and a value
		// with unprintable characters is refused before.
		for _, value := range []string{secret, personal} {
			typed := utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl)
			if value != "" && typed && !strings.Contains(value, "*") {
				require.NotContains(t, got, value)
			}
		}
		require.Equal(t, got, Redact(got, nil), "a cleaned text is not changed")
	})
}

var elevenDigits = regexp.MustCompile(`[0-9]{11}`)

// The website of a source is a column, is sent with requests and labels metrics. It
// must not contain what was sent.
func TestASourceThatRepeatsWhatWasSentIsNotTaken(t *testing.T) {
	t.Parallel()
	for value, b := range map[string]*fsmtest.Bench{
		"Pw7f3a91":    fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Next("chinaPw7f3a91")),
		"13800138000": fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Next("13800138000")),
	} {
		_, err := b.Apply()
		require.NoError(t, err)
		v, err := b.Password("Pw7f3a91")
		require.NoError(t, err)
		require.Equal(t, OutcomeUnknown, v.Reason, value)
		require.Equal(t, "chinamobilejs", v.Source.Website, value)
		for _, tr := range b.History() {
			require.NotContains(t, tr.Detail.Source, value)
		}
	}
	for _, website := range []string{"13800138000", "china-00000000000000000000000000000001"} { // the number, the token
		v, err := fsmtest.New(t, fsmtest.Accept(website)).Apply()
		require.NoError(t, err)
		require.Equal(t, OutcomeUnknown, v.Reason)
		require.Empty(t, v.Source)
	}
}

// A value of at least four characters with a digit is looked for; a shorter one may be
// part of a word.
func TestAValueTooShortToBeOneIsNotLookedForInAWebsite(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{"1234": "chinamobilejs", "123": "china123"} {
		b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Next("china"+password))
		_, err := b.Apply()
		require.NoError(t, err)
		v, err := b.Password(password)
		require.NoError(t, err)
		require.Equal(t, want, v.Source.Website)
	}
}

func TestTheNameOfASourceIsCleaned(t *testing.T) {
	t.Parallel()
	next := Source{Website: "chinaunicom", Name: "联通 Pw7f3a91 13800138000", Online: true}
	b := fsmtest.New(t,
		fsmtest.AcceptAt(Source{Website: "chinamobilejs", Name: "江苏移动 测试用户", Online: true}),
		fsmtest.Reply(Reply{Success: true, Code: "10008", Type: "CONTROL", Next: &next}))
	v, err := b.Apply()
	require.NoError(t, err)
	require.Equal(t, "江苏移动 ****", v.Source.Name)
	v, err = b.Password("Pw7f3a91")
	require.NoError(t, err)
	require.Equal(t, "联通 ****", v.Source.Name)
	require.Equal(t, "联通 Pw7f3a91 13800138000", next.Name, "the source that the upstream returned is not changed")
}

// A word of an address may be part of a website.
func TestAnAddressMayBePartOfAWebsite(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"))
	form := fsmtest.Form()
	form.HomeAddress = NewSecret("china")
	v, err := b.Machine.Submit(context.Background(), b.ID, Apply{Form: form, Consent: fsmtest.Consent()})
	require.NoError(t, err)
	require.Equal(t, AwaitingPassword, v.State)
}

func TestANoteIsReadWhereItWasSealedForAndNowhereElse(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, Config{Sealer: sealer(t)})
	b.Reach("10002")
	sealed := b.Machine.SealNote(b.ID, "billing", "call 13800138000 about 246810")
	note, err := b.Machine.OpenNote(b.ID, "billing", sealed)
	require.NoError(t, err)
	require.Equal(t, "call **** about ****", note)
	for _, at := range [][2]string{{b.ID, "mail"}, {"other", "billing"}} {
		note, err = b.Machine.OpenNote(at[0], at[1], sealed)
		require.ErrorIs(t, err, ErrSealed)
		require.Empty(t, note)
	}
	elsewhere := b.Replica(func(c *Config) { c.Deployment = "another" })
	_, err = elsewhere.Machine.OpenNote(b.ID, "billing", sealed)
	require.ErrorIs(t, err, ErrSealed)
	for _, none := range [][]byte{nil, {}, []byte("a text")} {
		_, err = b.Machine.OpenNote(b.ID, "billing", none)
		require.ErrorIs(t, err, ErrCorrupt)
	}
}
