package carrierfsm_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

// A store may hand back anything: a record opens, or the error says why not;
// and one that opens can be decided on.
func FuzzOpenRecord(f *testing.F) {
	s, err := NewSealer(SealKey{ID: "test", Key: NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(f, err)
	seeds := []Opened{ended(Done, CollectionStarted), ended(Failed, Erased)}
	for ask := range answerOf {
		seeds = append(seeds, standing(ask), answering(ask))
	}
	for _, o := range seeds {
		for _, sealer := range []Sealer{nil, s} {
			r, err := Seal(sealer, o)
			require.NoError(f, err)
			f.Add(string(r.State), r.Step, r.Table, r.Body)
		}
	}
	for _, body := range []string{"", "S", "S\x04test", "{}", "null", "[]", "{", `{"ask":"moon"}`, `{"ask":"captcha","attempts":{"captcha":-5}}`, `{"ask":"captcha","intent":{}}`, `{"ask":"captcha","code":"moon"}`, `{"ask":"captcha","resends":1e99}`} {
		f.Add("awaiting_captcha", 3, 1, []byte(body))
		f.Add("done", 3, 0, []byte(body))
	}
	f.Add("awaiting_moonrise", 3, 2, []byte("{}"))
	f.Add("applied", -1, 1, []byte("{}"))
	f.Fuzz(func(t *testing.T, state string, step, table int, body []byte) {
		r := Record{ID: "v1", State: State(state), Step: step, Version: 7, Table: table, Due: coreStart, Body: body}
		o, err := Open(s, r)
		if err != nil {
			require.True(t, errors.Is(err, ErrCorrupt) || errors.Is(err, ErrSealed) || errors.Is(err, ErrNewerTable), "%v", err)
			require.Equal(t, table > TableVersion, errors.Is(err, ErrNewerTable))
			return
		}
		l := DefaultLimits()
		_ = o.View(l)
		for _, kind := range inputKinds {
			if o.Refuse(inputFor(kind, o.Step), coreStart, l) == nil && kind != InputCancel {
				_ = o.Intend(inputFor(kind, o.Step), coreStart, coreStart, coreGrace)
			}
		}
		if d, due := o.Overdue(after(time.Hour), l); due {
			require.Equal(t, o.Version+1, d.Version)
		}
		require.NoError(t, o.Erase(coreStart).Err(), "what opens can be erased")
		_, _ = Seal(s, o)
	})
}

var elevenDigits = regexp.MustCompile(`[0-9]{11}`)

// Whatever upstream writes, its text holds no secret of the call and no long
// number once it is clean.
func FuzzClean(f *testing.F) {
	f.Add("密码 246810 错误", "246810", "13800138000")
	f.Add("请用本机13800138000发送CXXD至10001", "500001", "13800138000")
	f.Add("身份证11010119900307867X不符", "x", "测试用户")
	f.Add("测", "\xe6", "x") // not one that anybody types, but a token may be anything
	f.Add("测", "246810", "\xb5")
	f.Add("号码13800138000已停机", "246810", "")
	f.Add("24\x006810", "246810", "")
	f.Add("24\xff6810\u0085", "246810", "\xe6")
	f.Add("138001380001380013800", "0", "1")
	f.Add(strings.Repeat("测", 400), "测", "13800138000")
	f.Add(strings.Repeat("测", 400), "246810", "13800138000")
	f.Add(strings.Repeat("1", 5000), "", "")
	f.Add("**********5", "5", "*")
	f.Fuzz(func(t *testing.T, text, secret, personal string) {
		got := Clean(text, []Secret{NewSecret(secret)}, personal)
		require.True(t, utf8.ValidString(got))
		require.LessOrEqual(t, len(got), MaxMessage)
		require.NotRegexp(t, elevenDigits, got)
		require.False(t, strings.ContainsFunc(got, unicode.IsControl))
		// One that is made of the mask's own asterisks can't be told from it,
		// and one with characters that nobody types is refused before.
		for _, value := range []string{secret, personal} {
			typed := utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl)
			if value != "" && typed && !strings.Contains(value, "*") {
				require.NotContains(t, got, value)
			}
		}
		require.Equal(t, got, Clean(got, nil), "clean stays clean")
	})
}
