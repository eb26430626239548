package carrierfsm_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/carrierfsm/carrierfsm"
)

// kept is a value that has its own JSON codec. encoding/json is the reference.
type kept interface {
	Marshal() ([]byte, error)
	Unmarshal(text []byte) error
}

// storedBodies are bodies that earlier builds have written.
func storedBodies(tb testing.TB) [][]byte {
	tb.Helper()
	text, err := os.ReadFile("testdata/bodies.jsonl")
	require.NoError(tb, err)
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))
}

func TestBodiesOfEarlierBuildsAreReadAndWrittenAsTheyWere(t *testing.T) {
	t.Parallel()
	understood := 0
	for _, text := range storedBodies(t) {
		var got, want Body
		require.NoError(t, json.Unmarshal(text, &want))
		require.NoError(t, got.Unmarshal(text))
		require.Empty(t, cmp.Diff(want, got), "%s", text)
		again, err := got.Marshal()
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
		if Understood(text) {
			understood++
		}
	}
	require.Equal(t, len(storedBodies(t))-1, understood, "all but the one with escapes")
}

// fill sets every field of v to a value that is not zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if at, ok := v.Addr().Interface().(*time.Time); ok {
			*at = coreStart.Add(123456 * time.Microsecond)
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		if at, ok := v.Addr().Interface().(*Attempts); ok {
			for _, k := range PromptKinds() {
				*at = at.Put(k, 7)
			}
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("测试")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(200)
	default:
		v.SetInt(42)
	}
}

// A member that is added to a struct, but not to its codec, fails here.
func TestEveryMemberIsStored(t *testing.T) {
	t.Parallel()
	for _, v := range []kept{new(Body), new(Stored)} {
		fill(reflect.ValueOf(v).Elem())
		want, err := json.Marshal(v)
		require.NoError(t, err)
		got, err := v.Marshal()
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		again := reflect.New(reflect.TypeOf(v).Elem()).Interface().(kept)
		require.NoError(t, again.Unmarshal(got))
		require.Empty(t, cmp.Diff(v, again))
	}
	sparse := &Body{Intent: new(Intent)}
	want, err := json.Marshal(sparse)
	require.NoError(t, err)
	got, err := sparse.Marshal()
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "empty members are omitted")
	b := new(Body)
	fill(reflect.ValueOf(b).Elem())
	text, err := b.Marshal()
	require.NoError(t, err)
	require.True(t, Understood(text))
}

// A member that is added to a snapshot, but not to its packed form, fails here.
func TestAPackedSnapshotComesBackAsItWas(t *testing.T) {
	t.Parallel()
	encoded := cmpopts.IgnoreFields(Record{}, "Source", "InFlight", "Table", "Previous", "Body", "Spends") // encode sets them
	var r Record
	var b Body
	fill(reflect.ValueOf(&r).Elem())
	fill(reflect.ValueOf(&b).Elem())
	require.Equal(t, 3, reflect.TypeFor[Snapshot]().NumField(), "SnapshotOf sets all")
	for _, s := range []Snapshot{SnapshotOf(r, b), prompted(PromptPassword), inFlight(PromptCaptcha), {}} {
		got, ok := Unpack(s.ID, s.Packed())
		require.True(t, ok)
		require.Empty(t, cmp.Diff(s, got, cmp.Exporter(func(reflect.Type) bool { return true }), encoded))
	}
	_, ok := Unpack("v1", "")
	require.False(t, ok, "there is none")
}

// The store in memory and the host keep strings of a snapshot longer than the machine
// keeps what it was packed into, which has the token and the phone number.
func TestAnUnpackedSnapshotKeepsNotWhatItWasPackedInto(t *testing.T) {
	t.Parallel()
	var got Snapshot
	packed := func() weak.Pointer[byte] {
		s := inFlight(PromptCaptcha)
		text := s.Packed()
		got, _ = Unpack(s.ID, text)
		return weak.Make(unsafe.StringData(text))
	}()
	for range 100 {
		if runtime.GC(); packed.Value() == nil {
			break
		}
	}
	require.Nil(t, packed.Value())
	require.Equal(t, AwaitingCaptcha, got.State)
}

func TestASnapshotThatCantBePackedIsNotKept(t *testing.T) {
	t.Parallel()
	s := prompted(PromptCaptcha)
	s.Life = s.Life.Add(time.Nanosecond)
	require.Empty(t, s.Packed())
}

func TestWhatANewerBuildAddsIsPassedOver(t *testing.T) {
	t.Parallel()
	const newer = `"moon":{"phase":["full",null]},`
	for _, text := range storedBodies(t) {
		for at, c := range text {
			if c != '{' || strings.HasSuffix(string(text[:at]), `attempts":`) || strings.HasSuffix(string(text[:at+2]), `{}`) {
				continue
			}
			var got, want Body
			require.NoError(t, want.Unmarshal(text))
			require.NoError(t, got.Unmarshal([]byte(string(text[:at+1])+newer+string(text[at+1:]))))
			require.Empty(t, cmp.Diff(want, got))
		}
	}
}

// Any value is encoded as by encoding/json, and decoded to the same value.
func TestAnythingIsStoredAsEncodingJSONStoresIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringOf(rapid.RuneFrom([]rune("aé测{}[]\"\\<>&,:\x00\x1f\x7f\u2028\ufffd"))), rapid.Just("a\xffb"), rapid.Just("\x80"), rapid.Just(""))
		if rapid.Bool().Draw(t, "plain") { // otherwise most bodies would have an odd text, which encoding/json decodes
			text = rapid.StringOf(rapid.RuneFrom([]rune("aé测 {}[],:\x7f\ufffd")))
		}
		number := rapid.OneOf(rapid.IntRange(-1, 11), rapid.Int())
		moment := rapid.Custom(func(t *rapid.T) time.Time {
			at := time.Unix(0, rapid.Int64().Draw(t, "ns"))
			return at.In(rapid.SampledFrom([]*time.Location{time.UTC, time.Local, time.FixedZone("", 8*3600+60)}).Draw(t, "zone"))
		})
		kind := rapid.Custom(func(t *rapid.T) PromptKind {
			return rapid.OneOf(rapid.SampledFrom(PromptKinds()), rapid.Just(PromptKind(text.Draw(t, "other")))).Draw(t, "kind")
		})
		b := &Body{
			Account: text.Draw(t, "account"), Cursor: []byte(text.Draw(t, "cursor")), At: Source{Website: text.Draw(t, "website"), ResetMethod: ResetMethod(number.Draw(t, "reset"))},
			Consent: &Consent{Policy: text.Draw(t, "policy"), At: moment.Draw(t, "consent")},
			Ask:     kind.Draw(t, "ask"), Message: text.Draw(t, "message"), Code: moment.Draw(t, "code"),
			Attempts: AttemptsOf(rapid.MapOfN(kind, number, 0, 10).Draw(t, "attempts")), Resends: number.Draw(t, "resends"),
			Intent: &Intent{Version: int64(number.Draw(t, "version")), Call: Call(text.Draw(t, "call")), Counted: rapid.SliceOf(kind).Draw(t, "counted"), Canceled: number.Draw(t, "canceled") > 5},
		}
		d := &Stored{
			Detail:    Detail{Message: text.Draw(t, "detail"), Type: text.Draw(t, "type"), Late: number.Draw(t, "late") > 5},
			Reference: text.Draw(t, "reference"),
		}
		for _, v := range []kept{b, d} {
			want, wantErr := json.Marshal(v)
			got, err := v.Marshal()
			require.Equal(t, wantErr == nil, err == nil)
			require.Equal(t, string(want), string(got))
			if err == nil {
				sameReading(t, got, v)
			}
		}
	})
}

// sameReading decodes a text by both codecs.
func sameReading(t require.TestingT, text []byte, like kept) {
	standard := reflect.New(reflect.TypeOf(like).Elem()).Interface()
	ours := reflect.New(reflect.TypeOf(like).Elem()).Interface().(kept)
	wantErr, err := json.Unmarshal(text, standard), ours.Unmarshal(text)
	require.Equal(t, wantErr == nil, err == nil, "%s: %v, %v", text, wantErr, err)
	if err == nil {
		require.True(t, reflect.DeepEqual(standard, any(ours)), "%s\n%s", text, cmp.Diff(standard, any(ours)))
	}
}

// The codec computes a date once for all times of the same day.
func TestTimesOfAnyDayAreStoredAsTheyAre(t *testing.T) {
	t.Parallel()
	day := time.Date(2030, 3, 17, 0, 0, 0, 0, time.UTC)
	times := []time.Time{
		day, day.Add(-1), day.Add(24*time.Hour - 1), day.Add(24 * time.Hour), day.Add(time.Microsecond), day.Add(10 * time.Hour).In(time.FixedZone("", -3600)),
		time.Unix(0, 0).UTC(), time.Unix(-1, 0).UTC(), time.Unix(86400, 0).UTC(), time.Unix(-86400, 1).UTC(), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC),
	}
	for _, first := range times {
		for _, second := range times {
			b := &Body{Code: first, ResendAt: second, Idle: first}
			want, wantErr := json.Marshal(b)
			got, err := b.Marshal()
			require.Equal(t, wantErr == nil, err == nil, "%v %v", first, second)
			require.Equal(t, string(want), string(got))
			if err == nil {
				sameReading(t, got, b)
			}
		}
	}
}

// Any stored text is decoded as by encoding/json.
func FuzzReadStored(f *testing.F) {
	for _, text := range storedBodies(f) {
		f.Add(text)
	}
	for _, text := range []string{
		``, `{`, `{}`, `null`, ` {"ask":"captcha"}`, `{"ask":"captcha"} `, `{"ask":"captcha",}`, `{,"ask":"captcha"}`, `{"ask":"captcha"}}`, `{"ask":"a","ask":"b"}`,
		`{"ASK":"captcha"}`, `{"ask":"\u0063"}`, "{\"ask\":\"\xff\"}", "{\"ask\":\"\n\"}", `{"ask":null}`, `{"token":"a","account":"b"}`, `{"resends":007}`, `{"resends":-0}`, `{"resends":-}`,
		`{"resends":1.0}`, `{"resends":1e1}`, `{"resends":99999999999999999999}`, `{"attempts":{}}`, `{"attempts":{"a":1,}}`, `{"attempts":{"a":1,"a":2}}`, `{"attempts":{,}}`,
		`{"intent":{"counted":[]}}`, `{"intent":{"counted":["a",]}}`, `{"intent":{"counted":[,"a"]}}`, `{"intent":{"counted":["a""b"]}}`, `{"intent":{"counted":["a","b"],"canceled":true}}`,
		`{"intent":{"canceled":false}}`, `{"intent":{"canceled":truth}}`, `{"intent":null,"lost":{}}`, `{"cursor":"AP97Bw=="}`, `{"cursor":"AP97Bw"}`, `{"cursor":""}`, `{"code":"2030-03-17T17:51:40+08:00"}`,
		`{"code":"2030-03-17T17:51:40,5Z"}`, `{"code":""}`,
		`{"code":"2030-02-28T10:00:00Z"}`, `{"code":"2030-02-29T10:00:00Z"}`, `{"code":"2032-02-29T10:00:00Z"}`, `{"code":"2030-04-31T10:00:00Z"}`, `{"code":"2030-12-31T10:00:00Z"}`,
		`{"code":"2030-01-00T10:00:00Z"}`, `{"code":"2030-00-01T10:00:00Z"}`, `{"code":"2030-13-01T10:00:00Z"}`, `{"code":"20x0-01-01T10:00:00Z"}`, `{"code":"2030-x1-01T10:00:00Z"}`, `{"code":"2030-01-0xT10:00:00Z"}`,
		`{"code":"2030x01-01T10:00:00Z"}`, `{"code":"2030-01x01T10:00:00Z"}`, `{"code":"2030-01-01 10:00:00Z"}`, `{"code":"0000-01-01T10:00:00Z"}`, `{"code":"0001-01-01T00:00:00Z"}`,
		`{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T23:59:59.000001Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T24:00:00Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T23:59:60Z"}`,
		`{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T23:60:00Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T1:00:00Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T10:00:00.Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T10:00:00,5Z"}`,
		`{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T10:00:00.1234567891Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T10.00:00Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T10:00:00+00:00"}`, `{"since":"2030-03-17T10:00:00+08:00","code":"2030-03-17T10:00:00Z"}`,
		`{"since":"2030-03-17T01:00:00+08:00","code":"2030-03-17T10:00:00Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T10:00:00X"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T10:00:00x5Z"}`,
		`{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T1x:00:00Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T10:00x00Z"}`, `{"since":"2030-03-17T10:00:00Z","code":"2030-03-17T10:00:00.5xZ"}`,
		`{"resends":-7}`, "{\"ask\":\"\x80\"}", `{"source":{"website":"","online":true,"reset":2}}`, `{"type":"CONTROL","message":"a","late":true,"tables":"x"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		sameReading(t, text, new(Body))
		sameReading(t, text, new(Stored))
	})
}
