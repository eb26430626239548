package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/httpapi"
	"github.com/carrierfsm/carrierfsm/typed"
)

func decode(kind carrierfsm.InputKind, body string) (carrierfsm.Input, error) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return httpapi.Decode(r, kind, agreement)
}

// A form has what was typed: the number as it is meant, all else as it is.
func TestAFormIsDecoded(t *testing.T) {
	t.Parallel()
	const all = `{"step":2,"name":"张 三","id_card":"11010519491231002x","phone":"＋８６ 138-0013-8000","consent":"2026-11","sensitive_consent":"2026-11","home_address":"a",
		"contacts":[{"name":"甲","phone":"010-1234","relation":"4"},{"phone":"2","name":"乙"}],"sources":[{"name":"chinamobilejs","category":"mobile"}]}`
	in, err := decode(carrierfsm.InputApply, all)
	require.NoError(t, err)
	apply := in.(carrierfsm.Apply)
	require.Equal(t, 2, apply.Step)
	require.Equal(t, "张 三", fsmtest.Reveal(apply.Form.Name))
	require.Equal(t, "13800138000", fsmtest.Reveal(apply.Form.Phone))
	require.Equal(t, "a", fsmtest.Reveal(apply.Form.HomeAddress))
	require.Len(t, apply.Form.Contacts, 2)
	require.Equal(t, "4", apply.Form.Contacts[0].Relation)
	require.Equal(t, "乙", fsmtest.Reveal(apply.Form.Contacts[1].Name))
	require.Equal(t, []carrierfsm.SourceChoice{{Name: "chinamobilejs", Category: "mobile"}}, apply.Form.Sources)
	require.Equal(t, "2026-11", apply.Consent.Policy)
	require.False(t, apply.Consent.At.IsZero())
}

// A password is what was typed, to the byte, in JSON and in a form. A code is what is
// meant.
func TestAPasswordIsNotChanged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("a \"\\/%+&=０１😀é\u0000\t<")), 1, 12, -1)).Draw(t, "password")
		form := "step=1&password=" + url.QueryEscape(password)
		for _, body := range []string{`{"step":1,"password":` + quote(t, password) + `}`, form} {
			in, err := decode(carrierfsm.InputPassword, body)
			require.NoError(t, err, body)
			require.Equal(t, password, fsmtest.Reveal(in.(carrierfsm.Password).Password), body)
		}
	})
	in, err := decode(carrierfsm.InputCaptcha, `{"step":1,"code":"【江苏移动】验证码：５００００１","password":" ０１ "}`)
	require.NoError(t, err)
	require.Equal(t, "500001", fsmtest.Reveal(in.(carrierfsm.Captcha).Code))
	require.Equal(t, " ０１ ", fsmtest.Reveal(in.(carrierfsm.Captcha).Password))
}

// quote writes a string as JSON, with each character plain or escaped.
func quote(t *rapid.T, text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case rapid.Bool().Draw(t, "escape") && r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case r < ' ' || r == '"' || r == '\\' || rapid.Bool().Draw(t, "escape") && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// A body that is not exactly an input is refused, and the error has none of it.
func TestABodyThatIsNotAnInputIsRefused(t *testing.T) {
	t.Parallel()
	for rule, c := range map[string]struct {
		kind carrierfsm.InputKind
		body string
		want error
	}{
		"no JSON":                      {carrierfsm.InputPassword, `{"step":1,"password":"secret7"`, carrierfsm.ErrInvalid},
		"two objects":                  {carrierfsm.InputPassword, `{"step":1,"password":"secret7"}{}`, carrierfsm.ErrInvalid},
		"a list":                       {carrierfsm.InputPassword, `["secret7"]`, carrierfsm.ErrInvalid},
		"an unknown member":            {carrierfsm.InputPassword, `{"step":1,"password":"secret7","x":{"y":[1,"}"]}}`, carrierfsm.ErrInvalid},
		"a member in another case":     {carrierfsm.InputPassword, `{"step":1,"Password":"secret7"}`, carrierfsm.ErrInvalid},
		"a member of another input":    {carrierfsm.InputPassword, `{"step":1,"password":"secret7","code":"123456"}`, carrierfsm.ErrInvalid},
		"a member twice":               {carrierfsm.InputPassword, `{"step":1,"password":"secret7","password":"secret7"}`, carrierfsm.ErrInvalid},
		"a member twice, once escaped": {carrierfsm.InputPassword, `{"step":1,"password":"secret7","p\u0061ssword":"secret7"}`, carrierfsm.ErrInvalid},
		"a member twice in a form":     {carrierfsm.InputPassword, `step=1&password=secret7&password=secret7`, carrierfsm.ErrInvalid},
		"a wrong escape in a form":     {carrierfsm.InputPassword, `step=1&password=secret7%zz`, carrierfsm.ErrInvalid},
		"a cut escape in a form":       {carrierfsm.InputPassword, `step=1&password=secret7%4`, carrierfsm.ErrInvalid},
		"a form that is not UTF-8":     {carrierfsm.InputPassword, `step=1&password=secret7%ff`, carrierfsm.ErrInvalid},
		"JSON that is not UTF-8":       {carrierfsm.InputPassword, "{\"step\":1,\"password\":\"secret7\xff\"}", carrierfsm.ErrInvalid},
		"half a character":             {carrierfsm.InputPassword, `{"step":1,"password":"secret7\ud83d"}`, carrierfsm.ErrInvalid},
		"half a character and another": {carrierfsm.InputPassword, `{"step":1,"password":"secret7\ud83d\u0041"}`, carrierfsm.ErrInvalid},
		"a password that is no text":   {carrierfsm.InputPassword, `{"step":1,"password":7654321}`, carrierfsm.ErrInvalid},
		"a password that is null":      {carrierfsm.InputPassword, `{"step":1,"password":null}`, carrierfsm.ErrInvalid},
		"no step":                      {carrierfsm.InputPassword, `{"password":"secret7"}`, carrierfsm.ErrInvalid},
		"a step that is a text":        {carrierfsm.InputPassword, `{"step":"1","password":"secret7"}`, carrierfsm.ErrInvalid},
		"a step that is negative":      {carrierfsm.InputPassword, `{"step":-1,"password":"secret7"}`, carrierfsm.ErrInvalid},
		"a step with a fraction":       {carrierfsm.InputPassword, `{"step":1.5,"password":"secret7"}`, carrierfsm.ErrInvalid},
		"a step with a cancellation":   {carrierfsm.InputCancel, `{"step":1}`, carrierfsm.ErrInvalid},
		"no code":                      {carrierfsm.InputCaptcha, `{"step":1,"code":"secret7"}`, typed.ErrNoCode},
		"no phone number":              {carrierfsm.InputApply, `{"step":0,"name":"secret7","id_card":"1","phone":"1380013","consent":"2026-11"}`, typed.ErrNoPhone},
		"no name":                      {carrierfsm.InputApply, `{"step":0,"id_card":"secret7","phone":"13800138000","consent":"2026-11"}`, carrierfsm.ErrInvalid},
		"contacts that are no list":    {carrierfsm.InputApply, `{"step":0,` + person + `,"contacts":{}}`, carrierfsm.ErrInvalid},
		"a contact that is no object":  {carrierfsm.InputApply, `{"step":0,` + person + `,"contacts":["secret7"]}`, carrierfsm.ErrInvalid},
		"an unknown member in a list":  {carrierfsm.InputApply, `{"step":0,` + person + `,"contacts":[{"name":"a","phone":"1","x":"secret7"}]}`, carrierfsm.ErrInvalid},
		"another version of the terms": {carrierfsm.InputApply, `{"step":0,` + strings.Replace(person, "2026-11", "2026-12", 1) + `}`, carrierfsm.ErrConsentRequired},
		"no consent":                   {carrierfsm.InputApply, `{"step":0,"name":"secret7","id_card":"1","phone":"13800138000"}`, carrierfsm.ErrConsentRequired},
		"no separate consent":          {carrierfsm.InputApply, `{"step":0,"name":"secret7","id_card":"1","phone":"13800138000","consent":"2026-11"}`, carrierfsm.ErrConsentRequired},
	} {
		in, err := decode(c.kind, c.body)
		require.ErrorIs(t, err, c.want, rule)
		require.Nil(t, in, rule)
		require.NotContains(t, err.Error(), "secret7", rule)
	}
	_, err := decode("guess", `{}`)
	require.Equal(t, 404, httpapi.ProblemOf(err).Status)
}

// slowBody gives a body in small pieces, and keeps the buffers that it was read into.
type slowBody struct {
	rest    string
	buffers [][]byte
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.rest == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 100)], b.rest)
	b.rest, b.buffers = b.rest[n:], append(b.buffers, p[:n])
	return n, nil
}

// Nothing of a body stays in the buffers that it was read into, whether it is an input or
// not, and however it arrives.
func TestABodyIsOverwrittenWhenItIsDecoded(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"step":1,"password":"` + strings.Repeat("secret7", 1000) + `"}`, `{"step":1,"password":"secret7"}`, `{"step":1,"password":"secret7"`,
		"step=1&password=secret7", `{"step":1,"password":"secret7","more":"secret7"}`, `{"step":1,"password":"` + strings.Repeat("secret7", 10_000) + `"}`,
	} {
		for _, length := range []int64{int64(len(body)), -1} {
			slow := &slowBody{rest: body}
			r := httptest.NewRequest(http.MethodPost, "/", slow)
			r.ContentLength = length
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if strings.HasPrefix(body, "{") {
				r.Header.Set("Content-Type", "application/json")
			}
			_, _ = httpapi.Decode(r, carrierfsm.InputPassword, agreement)
			require.NotEmpty(t, slow.buffers)
			for _, b := range slow.buffers {
				require.Empty(t, bytes.Trim(b, "\x00"))
			}
		}
	}
}

// No body makes Decode panic, and what it returns was in the body.
func FuzzDecode(f *testing.F) {
	f.Add("password", `{"step":1,"password":"a\u00e9\\"}`)
	f.Add("apply", `{"step":0,`+person+`,"contacts":[{"name":"a","phone":"1"}, {} ],"sources":[]}`)
	f.Add("captcha", "step=1&code=12%333456&password=+")
	f.Add("cancel", " { } ")
	f.Fuzz(func(t *testing.T, kind, body string) {
		in, err := decode(carrierfsm.InputKind(kind), body)
		if p, ok := in.(carrierfsm.Password); ok && err == nil && utf8.ValidString(body) && !strings.ContainsAny(body, `\%+`) {
			require.Contains(t, body, fsmtest.Reveal(p.Password))
		}
		require.True(t, err == nil || in == nil)
	})
}
