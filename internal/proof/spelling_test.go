package proof_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// An upstream repeats what it was sent, in this call or an earlier one, in any spelling
// that G9 names and in any part of its reply. Nothing that is stored or shown has it.
func TestNoSpellingOfWhatWasSentIsKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := newRepeater(t)
		ctx := context.Background()
		store := memory.New()
		m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: r, Now: fsmtest.NewClock().Now})
		require.NoError(t, err)
		defer func() { require.NoError(t, m.Close(ctx)) }()
		_, err = m.Create(ctx, carrierfsm.NewVerification{ID: "v1"})
		require.NoError(t, err)
		r.submit(m, carrierfsm.Apply{Form: carrierfsm.Form{
			Name: r.secret("name"), IDCard: r.secret("card"), Phone: carrierfsm.NewSecret(canaryPhone), HomeAddress: r.secret("address"),
		}, Consent: fsmtest.Consent()})
		v, err := m.Get(ctx, "v1")
		require.NoError(t, err)
		if v.Prompt.Kind == carrierfsm.PromptPassword {
			v = r.submit(m, carrierfsm.Password{Step: v.Step, Password: r.secret("password")})
			for range 2 {
				if v.Prompt != nil && v.Prompt.Kind == carrierfsm.PromptCaptcha {
					v = r.submit(m, carrierfsm.Captcha{Step: v.Step, Code: r.secret("code")})
				}
			}
		}
		history, err := m.History(ctx, "v1")
		require.NoError(t, err)
		record, err := store.Load(ctx, "v1")
		require.NoError(t, err)
		kept := fmt.Sprintf("%+v %+v %+v %s %s", v, v.Prompt, history, record.Source, record.Body)
		kept = strings.NewReplacer(canaryPhone, "", canaryToken, "", "138****8042", "").Replace(kept) // may be there
		for _, written := range r.written {
			quoted, err := json.Marshal(written)
			require.NoError(t, err)
			require.NotContains(t, kept, written)
			require.NotContains(t, kept, strings.Trim(string(quoted), `"`))
		}
	})
}

// repeater is an upstream that repeats one of the values it was sent so far.
type repeater struct {
	t       *rapid.T
	values  map[string]string // by what they are
	sent    []string
	written []string // what it wrote of them
}

func newRepeater(t *rapid.T) *repeater {
	return &repeater{t: t, values: map[string]string{
		"name":     rapid.StringMatching(`[王李张刘陈][伟芳娜敏静]{2}|[A-Z][a-z]{6,9}`).Draw(t, "name"),
		"card":     withCheckDigit(rapid.StringMatching(`[1-9][0-9]{16}`).Draw(t, "card")),
		"address":  rapid.StringMatching(`[东西南北]大街[甲乙丙丁]{2}`).Draw(t, "address"),
		"password": rapid.StringMatching(`[0-9]{6}|[0-9]{8}|[b-z]{8}|[a-z][0-9][a-zA-Z0-9]{6}`).Draw(t, "password"),
		"code":     rapid.StringMatching(`[0-9]{6}`).Draw(t, "code"),
	}}
}

func (r *repeater) secret(what string) carrierfsm.Secret {
	r.sent = append(r.sent, r.values[what])
	return carrierfsm.NewSecret(r.values[what])
}

func (r *repeater) submit(m *carrierfsm.Machine, in carrierfsm.Input) carrierfsm.Verification {
	v, err := m.Submit(context.Background(), "v1", in)
	require.NoError(r.t, err)
	return v
}

func (r *repeater) repeat() string {
	value := rapid.SampledFrom(r.sent).Draw(r.t, "value")
	written := spellings[rapid.SampledFrom(spellingNames).Draw(r.t, "spelling")](value)
	r.written = append(r.written, written)
	return written
}

func (r *repeater) place() string {
	return rapid.SampledFrom([]string{"text", "text", "name", "website", "type", "template", "code", "cursor"}).Draw(r.t, "place")
}

func (r *repeater) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	receipt := carrierfsm.Receipt{
		Accepted: true, Token: carrierfsm.NewSecret(canaryToken), Source: carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true},
	}
	switch r.place() {
	case "name":
		receipt.Source.Name = "江苏移动 " + r.repeat()
	case "website":
		receipt.Source.Website = r.repeat()
	case "code":
		receipt.Token = carrierfsm.NewSecret(r.repeat())
	default:
		receipt.Message = carrierfsm.NewSecret("您输入的是 " + r.repeat() + "。")
	}
	return receipt, nil
}

func (r *repeater) Collect(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
	reply := carrierfsm.Reply{Success: true, Type: "CONTROL", Code: "10002"}
	switch r.place() {
	case "name":
		reply.Code, reply.Next = "10008", &carrierfsm.Source{Website: "chinaunicom", Name: r.repeat(), Online: true}
	case "website":
		reply.Code, reply.Next = "10008", &carrierfsm.Source{Website: r.repeat(), Name: "联通", Online: true}
	case "type":
		reply.Type = r.repeat()
	case "template":
		reply.Template = r.repeat()
	case "code":
		reply.Code = carrierfsm.ProcessCode(r.repeat())
	default:
		reply.Content = carrierfsm.NewSecret("您输入的是 " + r.repeat() + "，有误。")
	}
	return reply, nil
}

// spellings write a value in the ways that G9 names.
var spellings = map[string]func(string) string{
	"as it is":     func(s string) string { return s },
	"capitals":     strings.ToUpper,
	"small":        strings.ToLower,
	"full width":   runes(func(r rune) string { return string(shifted(r, '!', '~', '！')) }),
	"arabic":       runes(func(r rune) string { return string(shifted(r, '0', '9', '٠')) }),
	"bold":         runes(func(r rune) string { return string(shifted(r, '0', '9', '𝟎')) }),
	"chinese":      runes(func(r rune) string { return numeral(r, "〇一二三四五六七八九") }),
	"formal":       runes(func(r rune) string { return numeral(r, "零壹贰叁肆伍陆柒捌玖") }),
	"circled":      runes(func(r rune) string { return numeral(r, "⓪①②③④⑤⑥⑦⑧⑨") }),
	"spaced":       runes(func(r rune) string { return string(r) + " " }),
	"dashed":       runes(func(r rune) string { return string(r) + "-" }),
	"zero width":   runes(func(r rune) string { return string(r) + "\u200b" }),
	"soft hyphens": runes(func(r rune) string { return string(r) + "\u00ad" }),
	"keycaps":      runes(func(r rune) string { return string(r) + "\ufe0f\u20e3" }),
	"entities":     runes(func(r rune) string { return fmt.Sprintf("&#%d;", r) }),
	"hex entities": runes(func(r rune) string { return fmt.Sprintf("&#x%X;", r) }),
	"escapes":      runes(func(r rune) string { return fmt.Sprintf(`\u%04x`, r) }),
	"reversed": func(s string) (out string) {
		for _, r := range s {
			out = string(r) + out
		}
		return out
	},
	"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 shifted": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("p" + s + "q")) },
	"base64 twice": func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))
	},
	"hexadecimal": func(s string) string { return hex.EncodeToString([]byte(s)) },
}

var spellingNames = func() (names []string) {
	for name := range spellings {
		names = append(names, name)
	}
	return names
}()

func runes(f func(rune) string) func(string) string {
	return func(s string) string {
		var out strings.Builder
		for _, r := range s {
			out.WriteString(f(r))
		}
		return out.String()
	}
}

func shifted(r, first, last, to rune) rune {
	if r < first || r > last {
		return r
	}
	return r - first + to
}

func numeral(r rune, numerals string) string {
	if r < '0' || r > '9' {
		return string(r)
	}
	return string([]rune(numerals)[r-'0'])
}

// withCheckDigit returns 17 digits with the check digit of an ID card number.
func withCheckDigit(digits string) string {
	sum := 0
	for _, r := range digits {
		sum = (sum + int(r-'0')) * 2 % 11
	}
	return digits + string("0123456789X"[(12-sum)%11])
}
