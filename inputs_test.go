package carrierfsm_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/typed"
)

func TestAnInputThatCouldNeverBeRightIsRefusedAsInvalid(t *testing.T) {
	t.Parallel()
	form := application(0).Form
	with := func(change func(*carrierfsm.Apply)) carrierfsm.Apply {
		a := application(0)
		change(&a)
		return a
	}
	secret := carrierfsm.NewSecret[string]
	cases := []struct {
		rule  string
		input carrierfsm.Input
		want  error
	}{
		{"no input at all", nil, carrierfsm.ErrInvalid},
		{"an empty code", carrierfsm.Captcha{Step: 3}, carrierfsm.ErrInvalid},
		{"a code of 10 MB", carrierfsm.Captcha{Step: 3, Code: secret(strings.Repeat("1", 10<<20))}, carrierfsm.ErrInvalid},
		{"a code with a line break", carrierfsm.Captcha{Step: 3, Code: secret("12\n34")}, carrierfsm.ErrInvalid},
		{"a code that is not UTF-8", carrierfsm.Captcha{Step: 3, Code: secret("\xff\xfe")}, carrierfsm.ErrInvalid},
		{"a code without a step", carrierfsm.Captcha{Code: secret("500001")}, carrierfsm.ErrInvalid},
		{"a code for a prompt not yet shown", carrierfsm.Captcha{Step: 9, Code: secret("500001")}, carrierfsm.ErrInvalid},
		{"a carry of 10 MB", carrierfsm.Captcha{Step: 3, Code: secret("500001"), Carry: carrierfsm.NewSecret(strings.Repeat("A", 10<<20))}, carrierfsm.ErrInvalid},
		{"a password of 10 MB beside a code", carrierfsm.Captcha{Step: 3, Code: secret("500001"), Password: secret(strings.Repeat("1", 10<<20))}, carrierfsm.ErrInvalid},
		{"no code beside a password", carrierfsm.Captcha{Step: 3, Password: secret("246810")}, carrierfsm.ErrInvalid},
		{"a new password of 10 MB", carrierfsm.ResetCaptcha{Step: 3, Code: secret("500001"), NewPassword: secret(strings.Repeat("1", 10<<20))}, carrierfsm.ErrInvalid},
		{"no code beside a new password", carrierfsm.ResetCaptcha{Step: 3, NewPassword: secret("864200")}, carrierfsm.ErrInvalid},
		{"an empty password", carrierfsm.Password{Step: 3}, carrierfsm.ErrInvalid},
		{"a password without a step", carrierfsm.Password{Password: secret("246810")}, carrierfsm.ErrInvalid},
		{"an empty query password", carrierfsm.QueryPassword{Step: 3}, carrierfsm.ErrInvalid},
		{"a resend without a step", carrierfsm.ResendCaptcha{}, carrierfsm.ErrInvalid},
		{"a form with a negative step", with(func(a *carrierfsm.Apply) { a.Step = -1 }), carrierfsm.ErrInvalid},
		{"a phone number with letters", with(func(a *carrierfsm.Apply) { a.Form.Phone = carrierfsm.NewSecret("1380013800x") }), carrierfsm.ErrInvalid},
		{"a phone number too short", with(func(a *carrierfsm.Apply) { a.Form.Phone = carrierfsm.NewSecret("1380013800") }), carrierfsm.ErrInvalid},
		{"a phone number of another country", with(func(a *carrierfsm.Apply) { a.Form.Phone = carrierfsm.NewSecret("23800138000") }), carrierfsm.ErrInvalid},
		{"a form without a name", with(func(a *carrierfsm.Apply) { a.Form.Name = carrierfsm.NewSecret("") }), carrierfsm.ErrInvalid},
		{"a form without an ID card", with(func(a *carrierfsm.Apply) { a.Form.IDCard = carrierfsm.NewSecret("") }), carrierfsm.ErrInvalid},
		{"a name of a megabyte", with(func(a *carrierfsm.Apply) { a.Form.Name = carrierfsm.NewSecret(strings.Repeat("测", 1<<20)) }), carrierfsm.ErrInvalid},
		{"a contact without a number", with(func(a *carrierfsm.Apply) {
			a.Form.Contacts = []carrierfsm.Contact{{Name: carrierfsm.NewSecret("联系人")}}
		}), carrierfsm.ErrInvalid},
		{"a relation that is not printable", with(func(a *carrierfsm.Apply) {
			a.Form.Contacts = []carrierfsm.Contact{{Name: carrierfsm.NewSecret("联系人"), Phone: carrierfsm.NewSecret("13800138009"), Relation: "\n"}}
		}), carrierfsm.ErrInvalid},
		{"too many sources", with(func(a *carrierfsm.Apply) { a.Form.Sources = make([]carrierfsm.SourceChoice, 11) }), carrierfsm.ErrInvalid},
		{"a source without a name", with(func(a *carrierfsm.Apply) { a.Form.Sources = []carrierfsm.SourceChoice{{Category: "mobile"}} }), carrierfsm.ErrInvalid},
		{"a source that is not printable", with(func(a *carrierfsm.Apply) { a.Form.Sources = []carrierfsm.SourceChoice{{Name: "a\x00"}} }), carrierfsm.ErrInvalid},
		{"a category that is not printable", with(func(a *carrierfsm.Apply) {
			a.Form.Sources = []carrierfsm.SourceChoice{{Name: "a", Category: "\n"}}
		}), carrierfsm.ErrInvalid},
		{"too many contacts", with(func(a *carrierfsm.Apply) { a.Form.Contacts = make([]carrierfsm.Contact, 21) }), carrierfsm.ErrInvalid},
		{"no consent", carrierfsm.Apply{Form: form}, carrierfsm.ErrConsentRequired},
		{"a consent without a time", with(func(a *carrierfsm.Apply) { a.Consent.At = time.Time{} }), carrierfsm.ErrConsentRequired},
		{"a consent without a policy", with(func(a *carrierfsm.Apply) { a.Consent.Policy = "" }), carrierfsm.ErrConsentRequired},
		{"a consent without a channel", with(func(a *carrierfsm.Apply) { a.Consent.Channel = "" }), carrierfsm.ErrConsentRequired},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			b := fsmtest.New(t)
			before := b.Get()
			if _, form := c.input.(carrierfsm.Apply); !form {
				before = b.Reach("10002")
			}
			sent := len(b.Upstream.Calls())
			_, err := b.Submit(c.input)
			require.ErrorIs(t, err, c.want)
			require.Less(t, len(err.Error()), 200, "an error must not contain the input")
			require.Len(t, b.Upstream.Calls(), sent)
			after := b.Get()
			require.Equal(t, before.Step, after.Step)
			require.False(t, after.InFlight)
		})
	}
}

// The limit itself is accepted, one more is not.

func TestTheLongestInputIsStillTaken(t *testing.T) {
	t.Parallel()
	secret := func(n int) carrierfsm.Secret { return carrierfsm.NewSecret(strings.Repeat("1", n)) }
	message := func(n int) carrierfsm.Input {
		return carrierfsm.Captcha{Step: 3, Code: carrierfsm.NewSecret("500001" + strings.Repeat(" ", n-6))}
	}
	password := func(n int) carrierfsm.Input {
		return carrierfsm.Captcha{Step: 3, Code: secret(6), Password: secret(n)}
	}
	carry := func(n int) carrierfsm.Input {
		return carrierfsm.Captcha{Step: 3, Code: secret(6), Carry: carrierfsm.NewSecret(strings.Repeat("A", n))}
	}
	with := func(change func(a *carrierfsm.Apply, n int)) func(int) carrierfsm.Input {
		return func(n int) carrierfsm.Input {
			a := application(0)
			change(&a, n)
			return a
		}
	}
	for rule, c := range map[string]struct {
		most  int
		input func(n int) carrierfsm.Input
	}{
		"a code":     {8, func(n int) carrierfsm.Input { return carrierfsm.Captcha{Step: 3, Code: secret(n)} }},
		"a paste":    {typed.Longest, message},
		"password":   {128, password},
		"a carry":    {4096, carry},
		"a name":     {64, with(func(a *carrierfsm.Apply, n int) { a.Form.Name = carrierfsm.NewSecret(strings.Repeat("x", n)) })},
		"an address": {512, with(func(a *carrierfsm.Apply, n int) { a.Form.HomeAddress = carrierfsm.NewSecret(strings.Repeat("x", n)) })},
		"a policy":   {512, with(func(a *carrierfsm.Apply, n int) { a.Consent.Policy = strings.Repeat("x", n) })},
		"contacts": {20, with(func(a *carrierfsm.Apply, n int) {
			a.Form.Contacts = nil
			for range n {
				a.Form.Contacts = append(a.Form.Contacts, carrierfsm.Contact{Name: carrierfsm.NewSecret("联系人"), Phone: carrierfsm.NewSecret("13800138009")})
			}
		})},
		"sources": {10, with(func(a *carrierfsm.Apply, n int) {
			a.Form.Sources = nil
			for range n {
				a.Form.Sources = append(a.Form.Sources, carrierfsm.SourceChoice{Name: "chinamobilejs"})
			}
		})},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			b := fsmtest.New(t)
			if _, form := c.input(c.most).(carrierfsm.Apply); !form {
				b.Reach("10002")
			}
			_, err := b.Submit(c.input(c.most + 1))
			require.ErrorIs(t, err, carrierfsm.ErrInvalid)
			b.Upstream.Otherwise(fsmtest.Code("10002"))
			_, err = b.Submit(c.input(c.most))
			require.NoError(t, err)
		})
	}
}

func TestEveryDigitIsOneOfAPhoneNumber(t *testing.T) {
	t.Parallel()
	for _, phone := range []string{"13800138000", "13800138099"} {
		a := application(0)
		a.Form.Phone = carrierfsm.NewSecret(phone)
		b := fsmtest.New(t)
		b.Must(b.Submit(a))
	}
	for _, phone := range []string{"1380013800/", "1380013800:"} { // next to 0 and 9 in ASCII
		a := application(0)
		a.Form.Phone = carrierfsm.NewSecret(phone)
		b := fsmtest.New(t)
		_, err := b.Submit(a)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	}
}

// JSON holds the years up to 9999, in UTC.
func TestAConsentOfAnotherAgeIsRefused(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	east := time.FixedZone("", 14*3600)
	for at, want := range map[time.Time]error{
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC): carrierfsm.ErrInvalid,
		time.Unix(math.MaxInt64, 0):                  carrierfsm.ErrInvalid,
		time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC):    carrierfsm.ErrInvalid,
		time.Unix(0, 0):                              carrierfsm.ErrInvalid,
		time.Date(2030, 1, 1, 5, 0, 0, 1, east):      nil,
	} {
		consent := fsmtest.Consent()
		consent.At = at
		_, err := b.Submit(carrierfsm.Apply{Form: fsmtest.Form(), Consent: consent})
		require.ErrorIs(t, err, want, at)
	}
}

func TestTheSecretsOfAFormAreDestroyedWhetherOrNotItIsAccepted(t *testing.T) {
	t.Parallel()
	secrets := func() []carrierfsm.Secret {
		list := make([]carrierfsm.Secret, 9)
		for i, value := range []string{"测试用户", "11010119900307889X", "13800138000", "street 1", "01012345678", "street 2", "01087654321", "联系人", "13800138009"} {
			list[i] = carrierfsm.NewSecret(value)
		}
		return list
	}
	b := fsmtest.New(t)
	for _, step := range []int{5, 0} { // refused, accepted
		s := secrets()
		_, err := b.Submit(carrierfsm.Apply{Step: step, Consent: fsmtest.Consent(), Form: carrierfsm.Form{
			Name: s[0], IDCard: s[1], Phone: s[2], HomeAddress: s[3], HomePhone: s[4], WorkAddress: s[5], WorkPhone: s[6],
			Contacts: []carrierfsm.Contact{{Name: s[7], Phone: s[8], Relation: "friend"}},
		}})
		require.Equal(t, step == 0, err == nil, "%v", err)
		for i, secret := range s {
			require.True(t, secret.Empty(), "step %d: secret %d", step, i)
		}
	}
}

// The spellings of 500001 that people paste.
var spellings = []string{
	" 500001", "500001\n", "500 001", "500-001", "５００００１", "500\u200b001", "\ufeff500001",
	"【中国移动】您的验证码为500001，10分钟内有效，请勿泄露。", "验证码：500001（5分钟内有效）", "Your code is 500001.",
}

func TestACodeIsReadBeforeItIsSent(t *testing.T) {
	t.Parallel()
	for _, text := range spellings {
		b := fsmtest.New(t, fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Online: true, ResetMethod: carrierfsm.ResetBySMS}))
		b.Must(b.Apply())
		b.Upstream.Then(fsmtest.Code("10002"), fsmtest.Code("11000"), fsmtest.Code("10002"), fsmtest.Code("10008"))
		b.Must(b.RequestReset())
		b.Must(b.ResetCaptcha(text, ""))
		require.Equal(t, 1, b.Upstream.Arrivals("500001"), text)
		b.Must(b.Password("246810"))
		pasted := carrierfsm.NewSecret(text)
		v := b.Must(b.Submit(carrierfsm.Captcha{Step: b.Get().Step, Code: pasted}))
		require.Equal(t, carrierfsm.Done, v.State)
		require.Equal(t, 2, b.Upstream.Arrivals("500001"), text)
		require.Zero(t, b.Upstream.Arrivals(text))
		require.True(t, pasted.Empty(), "what was typed is destroyed")
	}
}

// Nothing is sent, no attempt counts, nothing is committed, and the prompt is
// returned, so that the person can be asked again.
func TestWhatHoldsNoCodeIsRefusedBeforeTheIntentWithThePrompt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "123", "123456789", "O00001", "500001 500002", "验证码：500001，序列：500002", "请用本机发送CXXD至10001获取查询详单的验证码",
		"12\n34", "500001\x00", "\xff", strings.Repeat("1", 10<<20),
	} {
		b := fsmtest.New(t)
		b.Reach("10002")
		before, v := b.Record(), b.Get()
		refused, err := b.Captcha(text)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid)
		require.ErrorIs(t, err, typed.ErrNoCode)
		require.Less(t, len(err.Error()), 200, "an error must not contain the input")
		require.Equal(t, v, refused)
		require.Equal(t, before, b.Record())
		require.Len(t, b.Upstream.Calls(), 2, "the application, the password")
	}
}

// applied is an upstream that keeps the values of the latest application.
type applied struct {
	carrierfsm.Upstream
	phone, idCard, home, contact *string
}

func (a applied) Apply(ctx context.Context, in carrierfsm.Application) (carrierfsm.Receipt, error) {
	*a.phone, *a.idCard = fsmtest.Reveal(in.Form.Phone), fsmtest.Reveal(in.Form.IDCard)
	*a.home, *a.contact = fsmtest.Reveal(in.Form.HomePhone), fsmtest.Reveal(in.Form.Contacts[0].Phone)
	return a.Upstream.Apply(ctx, in)
}

func TestTheNumbersOfAFormAreReadBeforeTheyAreSent(t *testing.T) {
	t.Parallel()
	up := applied{phone: new(string), idCard: new(string), home: new(string), contact: new(string)}
	submit := func(phone, idCard, other string) carrierfsm.Verification {
		a := application(0)
		a.Form.Phone, a.Form.IDCard, a.Form.HomePhone = carrierfsm.NewSecret(phone), carrierfsm.NewSecret(idCard), carrierfsm.NewSecret(other)
		a.Form.Contacts = []carrierfsm.Contact{{Name: carrierfsm.NewSecret("联系人"), Phone: carrierfsm.NewSecret(other)}}
		b := fsmtest.New(t).Replica(func(c *carrierfsm.Config) {
			up.Upstream = c.Upstream
			c.Upstream = up
		})
		v := b.Must(b.Submit(a))
		require.True(t, a.Form.Contacts[0].Phone.Empty(), "what was typed is destroyed")
		return v
	}
	v := submit("+86 138-0013-8000", "110101 19900307 889x", "00861380013 8009")
	require.Equal(t, "138****8000", v.Account)
	require.Equal(t, []string{"13800138000", "11010119900307889X", "13800138009", "13800138009"}, []string{*up.phone, *up.idCard, *up.home, *up.contact})
	submit("13800138000", "a passport", "010-1234 5678")
	require.Equal(t, []string{"a passport", "010-1234 5678", "010-1234 5678"}, []string{*up.idCard, *up.home, *up.contact}, "other numbers stay as they were typed")
}

func TestAFormIsCheckedBeforeAnythingIsCreated(t *testing.T) {
	t.Parallel()
	form := func(name, idCard, phone string) carrierfsm.Form {
		return carrierfsm.Form{Name: carrierfsm.NewSecret(name), IDCard: carrierfsm.NewSecret(idCard), Phone: carrierfsm.NewSecret(phone)}
	}
	for _, good := range []carrierfsm.Form{
		fsmtest.Form(), form(" 张 伟", "110101-19900307-889x", "+86 138 0013 8000"), form("张伟", "E12345678", "13800138000"), form("张伟", "110101900307889", "13800138000"),
	} {
		before := fsmtest.Reveal(good.Phone)
		require.NoError(t, good.Check())
		require.Equal(t, before, fsmtest.Reveal(good.Phone))
	}
	for want, list := range map[error][]carrierfsm.Form{
		typed.ErrNoPhone:  {form("张伟", "11010119900307889X", "1380013800"), form("张伟", "11010119900307889X", "")},
		typed.ErrNoIDCard: {form("张伟", "110101199003078891", "13800138000"), form("张伟", "1101011990030788X", "13800138000"), form("张伟", "无", "13800138000"), form("张伟", "", "13800138000")},
		typed.ErrNoName:   {form("1", "11010119900307889X", "13800138000"), form("", "11010119900307889X", "13800138000")},
	} {
		for i, bad := range list {
			err := bad.Check()
			require.ErrorIs(t, err, want, i)
			require.ErrorIs(t, err, carrierfsm.ErrInvalid, i)
			b := fsmtest.New(t)
			_, err = b.Submit(carrierfsm.Apply{Form: bad, Consent: fsmtest.Consent()})
			require.ErrorIs(t, err, want, i)
			require.Empty(t, b.Events())
		}
	}
}

func TestAPhoneNumberThatCannotBeReadIsRefusedWithThePrompt(t *testing.T) {
	t.Parallel()
	for _, phone := range []string{"+1 380 013 8000", "1380013800", "+852 13800138000", "13800138000 13800138001"} {
		b := fsmtest.New(t)
		a := application(0)
		a.Form.Phone = carrierfsm.NewSecret(phone)
		v, err := b.Submit(a)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid)
		require.ErrorIs(t, err, typed.ErrNoPhone)
		require.Equal(t, b.Get(), v)
		require.Empty(t, b.Upstream.Calls())
	}
}

// The number of a passport or a permit is taken as it is: five letters and digits or
// more, of which one is a letter. An ID card whose check digit is wrong is none.
func TestTheNumberOfAnotherDocumentHasALetterAndFiveCharacters(t *testing.T) {
	t.Parallel()
	for number, taken := range map[string]bool{
		"E12345678": true, "a0000": true, "Z9999": true, "z0909": true, "A909X": true, "ABCDE": true, "12345678X": true, "123456789x": true,
		"A123": false, "ABCD": false, "12345678": false, "@1234": false, "[1234": false, "`1234": false, "{1234": false, "a///:": false,
		"1234567890x": false, "110101199003078891": false,
	} {
		form := fsmtest.Form()
		form.IDCard = carrierfsm.NewSecret(number)
		require.Equal(t, taken, form.Check() == nil, number)
	}
}

func TestWhatWasTypedIsReadByBeginToo(t *testing.T) {
	t.Parallel()
	b, a := fsmtest.New(t, fsmtest.Accept("chinamobilejs")), application(0)
	a.Form.Phone = carrierfsm.NewSecret("１３８ ００１３ ８０００")
	v, err := begin(b, carrierfsm.NewVerification{}, a)
	require.NoError(t, err)
	require.Equal(t, "138****8000", v.Account)
}

func TestAPasswordIsSentAsItWasTyped(t *testing.T) {
	t.Parallel()
	for _, value := range []string{" 246810", "246810 ", "２４６８１０", "24-68-10", "246\u200b810", "246 810", "服务密码246810"} {
		b := fsmtest.New(t, fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}))
		b.Must(b.Apply())
		b.Upstream.Then(fsmtest.Code("10002"), fsmtest.Code("11000"), fsmtest.Code("10022"), fsmtest.Code("10002"), fsmtest.Code("10008"))
		b.Must(b.RequestReset())
		b.Must(b.ResetCaptcha("500001", value))
		require.Equal(t, 1, b.Upstream.Arrivals(value), "as the new password")
		b.Must(b.Password(value))
		require.Equal(t, 2, b.Upstream.Arrivals(value), "as the password")
		b.Must(b.QueryPassword(value))
		require.Equal(t, 4, b.Upstream.Arrivals(value), "as the query password, with the password")
		b.Must(b.Submit(carrierfsm.Captcha{Step: b.Get().Step, Code: carrierfsm.NewSecret("500002"), Password: carrierfsm.NewSecret(value)}))
		require.Equal(t, 5, b.Upstream.Arrivals(value), "with a code")
	}
}

// Each package is named once in a text that a host logs, however often errors wrap
// others, and the text says what is accepted.
func TestTheTextOfAnErrorNamesEachPackageOnceAndSaysWhatIsAccepted(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	v := b.Reach("10002")
	_, err := b.Submit(carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret("none")})
	require.EqualError(t, err, "carrierfsm: invalid input: there is no code of 4 to 8 digits, or no single one (id "+v.ID+", awaiting_captcha, step 3, captcha)")
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	require.ErrorIs(t, err, typed.ErrNoCode)
	_, err = b.Machine.Create(t.Context(), carrierfsm.NewVerification{ID: "order 1"})
	require.EqualError(t, err, "carrierfsm: invalid input: the id is not 1 to 128 bytes of printable ASCII without spaces")
	_, err = b.Machine.Get(t.Context(), "unknown")
	require.EqualError(t, err, "carrierfsm: no such verification (id unknown)")
}
