package carrierfsm_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

func sealerOf(t *testing.T, ids ...string) Sealer {
	t.Helper()
	keys := make([]seal.Key, len(ids))
	for i, id := range ids {
		keys[i] = seal.Key{ID: id, Key: NewSecret((id + strings.Repeat("k", 32))[:32])}
	}
	s, err := seal.New(keys...)
	require.NoError(t, err)
	return s
}

// sameBody compares two bodies.
func sameBody(a, b Snapshot) string {
	a.Record, b.Record = Record{}, Record{}
	return cmp.Diff(a, b, cmp.AllowUnexported(Snapshot{}), cmpopts.EquateEmpty())
}

func TestABodyComesBackAsItWas(t *testing.T) {
	t.Parallel()
	s := sealerOf(t, "k1")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		moment := rapid.Custom(func(t *rapid.T) time.Time {
			return time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "µs")).UTC()
		})
		o := prompted(rapid.SampledFrom(PromptKinds()).Draw(t, "ask"))
		o.Account, o.Token, o.Message = text.Draw(t, "account"), text.Draw(t, "token"), text.Draw(t, "message")
		o.At.Name = text.Draw(t, "name")
		o.Cursor = rapid.SliceOf(rapid.Byte()).Draw(t, "cursor")
		o.Code, o.ResendAt, o.Idle, o.Life = moment.Draw(t, "code"), moment.Draw(t, "resend"), moment.Draw(t, "idle"), moment.Draw(t, "life")
		o.Attempts = AttemptsOf(rapid.MapOf(rapid.SampledFrom(PromptKinds()), rapid.IntRange(0, 50)).Draw(t, "attempts"))
		if rapid.Bool().Draw(t, "in flight") {
			o.Intent = &Intent{Version: rapid.Int64().Draw(t, "version"), Call: CallCollect, Input: InputCaptcha, At: moment.Draw(t, "at"), Deadline: moment.Draw(t, "deadline"), Counted: []PromptKind{PromptCaptcha}}
		}
		for _, s := range []Sealer{nil, s} {
			r, err := Seal(s, o)
			require.NoError(t, err)
			again, err := Open(s, r)
			require.NoError(t, err)
			require.Empty(t, sameBody(o, again))
			if s != nil && len(o.Token) > 3 {
				require.NotContains(t, string(r.Body), o.Token)
			}
		}
	})
}

func TestARecordTellsTheTableThatItNeeds(t *testing.T) {
	t.Parallel()
	r, err := Seal(nil, prompted(PromptCaptcha))
	require.NoError(t, err)
	require.Equal(t, 1, r.Table)
	for table, want := range map[int]error{-1: nil, 0: nil, TableVersion: nil, TableVersion + 1: ErrNewerTable, 1 << 30: ErrNewerTable} {
		r.Table = table
		o, err := Open(nil, r)
		if want == nil {
			require.NoError(t, err, "an older table is accepted")
			require.Equal(t, PromptCaptcha, o.Ask)
		} else {
			require.ErrorIs(t, err, want)
			require.NotErrorIs(t, err, ErrCorrupt)
		}
	}
	r.Table, r.State, r.Body = TableVersion+1, "awaiting_moonrise", []byte("not JSON")
	_, err = Open(nil, r)
	require.ErrorIs(t, err, ErrNewerTable, "a newer record is not corrupt")
}

func TestARecordThatMakesNoSenseIsCorrupt(t *testing.T) {
	t.Parallel()
	for rule, spoil := range map[string]func(*Record){
		"an unknown state":          func(r *Record) { r.State = "awaiting_moonrise" },
		"no state":                  func(r *Record) { r.State = "" },
		"at rest in applied":        func(r *Record) { r.State = Applied },
		"a negative step":           func(r *Record) { r.Step = -1 },
		"no body":                   func(r *Record) { r.Body = nil },
		"half a body":               func(r *Record) { r.Body = r.Body[:len(r.Body)/2] },
		"a body with something on":  func(r *Record) { r.Body = append(r.Body, '}') },
		"a prompt of another world": func(r *Record) { r.Body = []byte(`{"ask":"moonrise"}`) },
		"nothing asked":             func(r *Record) { r.Body = []byte(`{}`) },
		"another type":              func(r *Record) { r.Body = []byte(`{"ask":5}`) },
	} {
		r, err := Seal(nil, prompted(PromptCaptcha))
		require.NoError(t, err)
		spoil(&r)
		_, err = Open(nil, r)
		require.ErrorIs(t, err, ErrCorrupt, rule)
		require.NotContains(t, err.Error(), "13800138000", rule)
	}
}

func TestOnlyItsOwnSealerOpensARecordAndOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	s := sealerOf(t, "k1")
	sealed, err := Seal(s, prompted(PromptCaptcha))
	require.NoError(t, err)
	require.False(t, bytes.Contains(sealed.Body, []byte("138")), "the account is sealed")
	plain, err := Seal(nil, prompted(PromptCaptcha))
	require.NoError(t, err)
	other := sealed
	other.ID = "v2"
	sameID, err := seal.New(seal.Key{ID: "k1", Key: NewSecret(strings.Repeat("x", 32))})
	require.NoError(t, err)
	for rule, c := range map[string]struct {
		sealer Sealer
		record Record
		want   error
	}{
		"its own":                         {s, sealed, nil},
		"its own key behind a new one":    {sealerOf(t, "k2", "k1"), sealed, nil},
		"plaintext, a sealer since":       {s, plain, ErrForged},
		"another key":                     {sealerOf(t, "k2"), sealed, ErrSealed},
		"another key by the same name":    {sameID, sealed, ErrSealed},
		"no sealer":                       {nil, sealed, ErrSealed},
		"moved to another id":             {s, other, ErrForged},
		"cut to its first byte":           {s, withBody(sealed, sealed.Body[:1]), ErrSealed},
		"cut in the middle":               {s, withBody(sealed, sealed.Body[:len(sealed.Body)/2]), ErrSealed},
		"sealed around what is no record": {s, withBody(sealed, sealRaw(t, s, "moon")), ErrCorrupt},
	} {
		o, err := Open(c.sealer, c.record)
		if c.want == nil {
			require.NoError(t, err, rule)
			require.Empty(t, sameBody(prompted(PromptCaptcha), o), rule)
			continue
		}
		require.ErrorIs(t, err, c.want, rule)
		require.False(t, errors.Is(err, ErrCorrupt) && errors.Is(err, ErrSealed), rule)
	}
	for i := range sealed.Body {
		spoilt := bytes.Clone(sealed.Body)
		spoilt[i] ^= 1
		_, err := Open(s, withBody(sealed, spoilt))
		require.Error(t, err, "byte %d", i)
		require.True(t, errors.Is(err, ErrSealed) || i == 0 && errors.Is(err, ErrCorrupt))
	}
}

func withBody(r Record, body []byte) Record { r.Body = body; return r }

func sealRaw(t *testing.T, s Sealer, text string) []byte {
	t.Helper()
	sealed, err := s.Encrypt([]byte(text), []byte("carrierfsm record v1"))
	require.NoError(t, err)
	return append([]byte("S"), sealed...)
}

func TestADetailOpensOnlyAtItsOwnStep(t *testing.T) {
	t.Parallel()
	s := sealerOf(t, "k1")
	tr := Transition{ID: "v1", Step: 3, From: AwaitingPassword, Event: CaptchaRequested, To: AwaitingCaptcha, At: coreStart, Detail: Detail{Input: InputPassword, Code: "10002", Message: "输入动态密码"}}
	e, err := SealEntry(s, tr)
	require.NoError(t, err)
	again, err := OpenEntry(s, e)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(tr, again))
	for _, move := range []func(*Entry){func(e *Entry) { e.Step = 4 }, func(e *Entry) { e.ID = "v2" }, func(e *Entry) { e.Detail = e.Detail[:5] }} {
		moved := e
		move(&moved)
		_, err = OpenEntry(s, moved)
		require.ErrorIs(t, err, ErrSealed)
	}
	_, err = OpenEntry(nil, e)
	require.ErrorIs(t, err, ErrSealed)
	e.Detail = nil
	blank, err := OpenEntry(nil, e)
	require.NoError(t, err, "an erased detail needs no key")
	require.Equal(t, Detail{}, blank.Detail)
}

func TestASealerThatFailsIsNotTakenForPlaintext(t *testing.T) {
	t.Parallel()
	_, err := Seal(brokenSealer{}, prompted(PromptCaptcha))
	require.ErrorIs(t, err, errSealerBroke)
	sealed, err := Seal(sealerOf(t, "k1"), prompted(PromptCaptcha))
	require.NoError(t, err)
	_, err = Open(brokenSealer{}, sealed)
	require.ErrorIs(t, err, ErrSealed)
}

var errSealerBroke = errors.New("the key service is away")

type brokenSealer struct{}

func (brokenSealer) Encrypt([]byte, []byte) ([]byte, error) { return nil, errSealerBroke }

func (brokenSealer) Decrypt([]byte, []byte) ([]byte, error) { return nil, errSealerBroke }

// A store may return anything: a record opens, or the error is typed. What opens can be
// decided on.
func FuzzOpenRecord(f *testing.F) {
	s, err := seal.New(seal.Key{ID: "test", Key: NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(f, err)
	seeds := []Snapshot{ended(Done, CollectionStarted), ended(Failed, Erased)}
	for ask := range answerOf {
		seeds = append(seeds, prompted(ask), inFlight(ask))
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
		require.NoError(t, o.Erase(coreStart).Err(), "a record that opens can be erased")
		_, _ = Seal(s, o)
	})
}
