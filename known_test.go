package carrierfsm_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// named hands in a form with this name and home address.
func named(b *fsmtest.Bench, name, address string) (Verification, error) {
	form := fsmtest.Form()
	form.Name, form.HomeAddress = NewSecret(name), NewSecret(address)
	return b.Submit(Apply{Form: form, Consent: fsmtest.Consent()})
}

// An upstream may repeat later what was sent in an earlier call of the verification.
func TestValuesOfEarlierCallsAreHiddenToo(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"), fsmtest.Code("10004"), fsmtest.Reply(Reply{
		Success: true, Code: "10004", Type: "parsnip", Content: NewSecret("张三丰住在榆树街，密码 PaRsNiP，上次的验证码是 五〇〇〇〇一，这次是 500-002"),
	}))
	b.Must(named(b, "张三丰", "榆树街"))
	b.Must(b.Password("parsnip"))
	b.Must(b.Captcha("500001"))
	v := b.Must(b.Captcha("500002"))
	require.Equal(t, "****住在****，密码 ****，上次的验证码是 ****，这次是 ****", v.Message)
	require.Equal(t, v.Message, lastDetail(b).Message)
	require.Equal(t, "****", lastDetail(b).Type)
}

// A contact has given no consent.
func TestWhatIsKnownOfAContactIsHidden(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Reply(Reply{
		Success: true, Code: "10002", Content: NewSecret("联系人 欧阳修，分机 8-6123"),
	}))
	form := fsmtest.Form()
	form.Contacts = []Contact{{Name: NewSecret("欧阳修"), Phone: NewSecret("8-6123"), Relation: "FRIEND"}}
	b.Must(b.Submit(Apply{Form: form, Consent: fsmtest.Consent()}))
	require.Equal(t, "联系人 ****，分机 ****", b.Must(b.Password("246810")).Message)
}

func TestAnotherMachineKnowsTheValuesOfItsOwnCallsAndOfTheRecord(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, Config{CaptchaWithoutPassword: true})
	b.Reach("10002")
	b.Restart()
	b.Upstream.Then(fsmtest.Reply(Reply{Success: true, Code: "10004", Content: NewSecret("一三八〇〇一三八零零零 " + fsmtest.Token + " 500002 246810")}))
	require.Equal(t, "****", b.Must(b.Captcha("500002")).Message)
}

// telling is an upstream whose replies have this content.
type telling struct {
	accepting
	content string
}

func (u telling) Collect(context.Context, Request) (Reply, error) {
	return Reply{Success: true, Code: "10002", Content: NewSecret(u.content)}, nil
}

func TestATokenThatIsRepeatedIsHiddenByTheMachineThatGotItAndByAnother(t *testing.T) {
	t.Parallel()
	use := func(c *Config) {
		c.Upstream = telling{accepting{Accepted: true, Token: NewSecret("parsnip.walnut"), Source: Source{Website: "chinamobilejs", Online: true}}, "会话 PARSNIP.walnut 有效"}
	}
	for _, another := range []bool{false, true} {
		b := fsmtest.New(t).Replica(use)
		b.Must(b.Apply())
		if another {
			b = b.Replica(use)
		}
		require.Equal(t, "会话 **** 有效", b.Must(b.Password("246810")).Message, another)
	}
}

// The fingerprints are kept no longer than the verification lives.
func TestWhatIsKnownOfAVerificationIsForgottenAtItsEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*fsmtest.Bench){
		"done":     func(b *fsmtest.Bench) { b.Upstream.Then(fsmtest.Code("10008")); b.Must(b.Captcha("500001")) },
		"canceled": func(b *fsmtest.Bench) { b.Must(b.Cancel()) },
		"ended":    func(b *fsmtest.Bench) { require.NoError(t, b.Machine.Expire(context.Background(), b.ID)) },
		"erased":   func(b *fsmtest.Bench) { require.NoError(t, b.Machine.Erase(context.Background(), b.ID)) },
		"closed":   func(b *fsmtest.Bench) { require.NoError(t, b.Machine.Close(context.Background())) },
	} {
		b := fsmtest.New(t)
		b.Reach("10002")
		require.Equal(t, 1, b.Machine.KnownValues())
		end(b)
		require.Zero(t, b.Machine.KnownValues(), name)
	}
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, Config{Now: time.Now, Limits: Limits{Life: time.Hour, IdleLife: 10 * time.Minute}})
		b.Reach("10002")
		pass(time.Hour - time.Second)
		require.Equal(t, 1, b.Machine.KnownValues(), "longer than the password")
		pass(2 * time.Second)
		require.Zero(t, b.Machine.KnownValues())
	})
}

func TestAWebsiteIsANameOrIsNotTaken(t *testing.T) {
	t.Parallel()
	for website, taken := range map[string]bool{
		"chinamobilejs": true, "China_Unicom-2.0": true, strings.Repeat("x", 64): true, "site10086": true,
		strings.Repeat("x", 65): false, "china mobile": false, "china/js": false, "江苏移动": false, "ｊｓ": false, "chinamobilejs\n": false,
		"site135790": false, "1-3-5-7-9-0": false,
	} {
		b := fsmtest.New(t, fsmtest.Accept(website))
		v, err := b.Apply()
		require.NoError(t, err)
		require.Equal(t, taken, v.Source.Website == website, "%q", website)
		if !taken {
			require.Equal(t, OutcomeUnknown, v.Reason, "%q", website)
			require.Empty(t, b.Record().Source)
		}
	}
}

// It is a column in clear, sealed or not.
func TestAWebsiteThatRepeatsWhatWasSentInAnySpellingIsNotTaken(t *testing.T) {
	t.Parallel()
	for _, website := range []string{
		"parsnip", "china-PARSNIP", "p.a.r.s.n.i.p", "pinsrap", base64.RawURLEncoding.EncodeToString([]byte("parsnip")), "7061-7273-6e69-70",
		"site-50000-1", // the code of the call before
		"zhangsanfeng", "zhang.san.feng", "gnefnasgnahz", base64.RawURLEncoding.EncodeToString([]byte("东大街")),
	} {
		b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"), fsmtest.Code("10004"), fsmtest.Next(website))
		b.Must(named(b, "Zhang Sanfeng", "东大街"))
		b.Must(b.Password("parsnip"))
		b.Must(b.Captcha("500001"))
		v := b.Must(b.Captcha("500002"))
		require.Equal(t, OutcomeUnknown, v.Reason, website)
		require.Equal(t, "chinamobilejs", b.Record().Source, website)
	}
}

func TestWhatIsKnownOfAVerificationIsForgottenWhenANewerOneTakesItsPlace(t *testing.T) {
	t.Parallel()
	numbers, err := budget.NewNumbers([]byte(strings.Repeat("k", 32)))
	require.NoError(t, err)
	b := fsmtest.NewWith(t, Config{Numbers: numbers})
	b.Must(b.Apply())
	require.Equal(t, 1, b.Machine.KnownValues())
	newer := b.Create(NewVerification{})
	newer.Must(newer.Apply())
	require.Equal(t, Canceled, b.Get().Reason)
	require.Equal(t, 1, b.Machine.KnownValues(), "those of the newer one")
}

// A word of a name may be one of an address: five letters are, six are not.
func TestAPartOfAWebsiteMayBeAShortName(t *testing.T) {
	t.Parallel()
	for name, taken := range map[string]bool{"Lisis": true, "Lisisi": false} {
		b := fsmtest.New(t, fsmtest.Accept("china-"+name+"-1"))
		b.Must(named(b, name, "东大街"))
		require.Equal(t, taken, b.Get().State == AwaitingPassword, name)
	}
}

// accepting is an upstream that returns this receipt.
type accepting Receipt

func (a accepting) Apply(context.Context, Application) (Receipt, error) { return Receipt(a), nil }
func (accepting) Collect(context.Context, Request) (Reply, error)       { return Reply{}, nil }

func TestATokenIsATokenOrIsNotTaken(t *testing.T) {
	t.Parallel()
	card := fsmtest.Reveal(fsmtest.Form().IDCard)
	for token, taken := range map[string]bool{
		"c0ffee00c0ffee00c0ffee00c0ffee42": true, "eyJhbGciOi.J9_x-1": true, strings.Repeat("t", 256): true,
		"": false, strings.Repeat("t", 257): false, "a token": false, "令牌": false, "t\n": false,
		card: false, "T-" + card: false, strings.Join(strings.Split(card, ""), "."): false, "13800138000": false, "00083100831": false,
		base64.RawURLEncoding.EncodeToString([]byte(card)): false, "T-" + card[:6] + "-T": true, "T-" + card[:17] + "-T": false,
	} {
		b := fsmtest.New(t).Replica(func(c *Config) {
			c.Upstream = accepting{Accepted: true, Token: NewSecret(token), Source: Source{Website: "chinamobilejs", Online: true, ResetMethod: 246810}}
		})
		v, err := b.Apply()
		require.NoError(t, err)
		if !taken {
			require.Equal(t, OutcomeUnknown, v.Reason, "%q", token)
			continue
		}
		require.Equal(t, AwaitingPassword, v.State, "%q", token)
		require.Equal(t, ResetNone, v.Source.ResetMethod, "a number of no known method is not stored")
	}
}

func TestATokenThatHasSixCharactersOfAValueIsNotTaken(t *testing.T) {
	t.Parallel()
	for token, taken := range map[string]bool{"x-WALNUT-x": false, "x-WALNU-x": true} {
		b := fsmtest.New(t).Replica(func(c *Config) {
			c.Upstream = accepting{Accepted: true, Token: NewSecret(token), Source: Source{Website: "chinamobilejs", Online: true}}
		})
		v, err := named(b, "walnut", "东大街")
		require.NoError(t, err)
		require.Equal(t, taken, v.State == AwaitingPassword, token)
	}
}

// A cursor is stored as an adapter returns it.
func TestACursorThatHasASecretIsNotTaken(t *testing.T) {
	t.Parallel()
	for cursor, taken := range map[string]bool{
		"": true, `{"round":2}`: true, strings.Repeat("c", 4096): true,
		strings.Repeat("c", 4097): false, `{"password":"246810"}`: false, "MjQ2ODEw": false,
	} {
		b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Reply(Reply{Success: true, Code: "10002", Cursor: []byte(cursor)}))
		b.Must(b.Apply())
		require.Equal(t, taken, b.Must(b.Password("246810")).Reason == CaptchaRequested, "%.20q", cursor)
	}
}

// Words that the tables don't know are kept only where they are short and plain.
func TestAnUnknownWordIsKeptOnlyWhereItIsOne(t *testing.T) {
	t.Parallel()
	for word, kept := range map[string]bool{
		"MOON": true, "SUBMIT_NEW_THING": true, strings.Repeat("X", 64): true,
		strings.Repeat("X", 65): false, "SUBMIT 1": false, "A1": false, "月": false, "<b>": false, "CELERIAC": false, "c_e_l_e_r_i_a_c": false, "CAIRELEC": false,
	} {
		for code, keptCode := range map[ProcessCode]bool{"19999": true, "7": true, "100017": false, "1e4": false, "-1": false, "９９": false} {
			b := fsmtest.New(t)
			b.Reach()
			b.Upstream.Then(fsmtest.Reply(Reply{Success: true, Code: code, Type: word, Template: word}))
			b.Must(b.Password("celeriac"))
			last := lastDetail(b)
			require.Equal(t, kept, last.Type == word, word)
			require.Equal(t, kept, last.Template == word, word)
			require.Equal(t, keptCode, last.Code == code, code)
		}
	}
}

func TestAnUnknownWordThatRepeatsASecretIsHiddenFromFourLettersOn(t *testing.T) {
	t.Parallel()
	for word, kept := range map[string]bool{"NEW_SPUD": false, "NEW_SPU": true, "SPUD": false} {
		b := fsmtest.New(t)
		b.Reach()
		b.Upstream.Then(fsmtest.Reply(Reply{Success: true, Code: "19999", Type: word, Template: word}))
		b.Must(b.Password("spud"))
		require.Equal(t, kept, lastDetail(b).Type == word, word)
	}
}
