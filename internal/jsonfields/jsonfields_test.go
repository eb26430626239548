package jsonfields_test

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/internal/jsonfields"
)

type word string

// object has a member of each kind, and the tags that encoding/json needs to
// write the same.
type object struct {
	Text   string    `json:"text,omitempty"`
	Kept   string    `json:"kept"`
	Word   word      `json:"word,omitempty"`
	Words  []word    `json:"words,omitempty"`
	Int    int       `json:"int,omitempty"`
	Long   int64     `json:"long"`
	Flag   bool      `json:"flag,omitempty"`
	At     time.Time `json:"at,omitzero"`
	Bytes  []byte    `json:"bytes,omitempty"`
	Inner  *inner    `json:"inner,omitempty"`
	Counts counts    `json:"counts,omitempty"`
}

type inner struct {
	N int `json:"n"`
}

type counts map[string]int

func (o *object) fields(f *jsonfields.Fields) {
	f.String("text", &o.Text, jsonfields.Omit)
	f.String("kept", &o.Kept, jsonfields.Keep)
	jsonfields.Word(f, "word", &o.Word, jsonfields.Omit)
	jsonfields.Words(f, "words", &o.Words)
	jsonfields.Int(f, "int", &o.Int, jsonfields.Omit)
	jsonfields.Int(f, "long", &o.Long, jsonfields.Keep)
	f.Bool("flag", &o.Flag)
	f.Time("at", &o.At, jsonfields.Omit)
	f.Bytes("bytes", &o.Bytes)
	if f.Object("inner", o.Inner != nil) {
		in := jsonfields.Alloc(f, &o.Inner)
		jsonfields.Int(f, "n", &in.N, jsonfields.Keep)
		f.End()
	}
	if f.Object("counts", len(o.Counts) > 0) {
		if f.Reading() {
			o.Counts = make(counts)
			for name, n, ok := f.NextCount(); ok; name, n, ok = f.NextCount() {
				o.Counts[name] = n
			}
		} else {
			for name, n := range o.Counts { // of one: a map has no order
				f.PutCount(name, n)
			}
		}
		f.End()
	}
	f.End()
}

func write(o object) (string, bool) {
	f := jsonfields.Write([]byte("before"))
	o.fields(&f)
	if !f.Done() {
		return "", false
	}
	return string(f.Text()[len("before"):]), true
}

func read(text string) (o object, ok bool) {
	f := jsonfields.Read([]byte(text), map[string]string{"known": "known"})
	o.fields(&f)
	return o, f.Done()
}

func same(a, b object) string { return cmp.Diff(a, b, cmpopts.EquateEmpty()) }

func objects(t *rapid.T, text *rapid.Generator[string]) object {
	o := object{
		Text: text.Draw(t, "text"), Kept: text.Draw(t, "kept"),
		Word:  word(rapid.SampledFrom([]string{"", "known", "unknown"}).Draw(t, "word")),
		Words: rapid.SliceOfN(rapid.SampledFrom([]word{"known", "other", ""}), 0, 3).Draw(t, "words"),
		Int:   rapid.Int().Draw(t, "int"), Long: rapid.Int64().Draw(t, "long"), Flag: rapid.Bool().Draw(t, "flag"),
		Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"),
	}
	if rapid.Bool().Draw(t, "has a time") {
		o.At = time.UnixMicro(rapid.Int64Range(-62e15, 253e15).Draw(t, "µs")).UTC()
	}
	if rapid.Bool().Draw(t, "has an inner") {
		o.Inner = &inner{N: rapid.Int().Draw(t, "n")}
	}
	if rapid.Bool().Draw(t, "has counts") {
		o.Counts = counts{text.Draw(t, "name"): rapid.IntRange(-50, 50).Draw(t, "count")}
	}
	return o
}

func TestWhatIsWrittenIsWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := objects(t, rapid.String())
		text, ok := write(o)
		if !ok {
			return // left to encoding/json
		}
		want, err := json.Marshal(o)
		require.NoError(t, err)
		require.Equal(t, string(want), text)
	})
}

func TestOrdinaryObjectsAreWrittenAndReadWithoutEncodingJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := objects(t, rapid.SampledFrom([]string{"", "plain", "江苏移动", "138****8000"}))
		const most = int64(1e18 - 1) // 18 digits
		within := func(n int64) int64 { return min(max(n, -most), most) }
		o.Int, o.Long = int(within(int64(o.Int))), within(o.Long)
		if o.Inner != nil {
			o.Inner.N = int(within(int64(o.Inner.N)))
		}
		text, ok := write(o)
		require.True(t, ok)
		again, ok := read(text)
		require.True(t, ok, text)
		require.Empty(t, same(o, again))
	})
}

func TestWhatIsReadIsWhatEncodingJSONReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(objects(t, rapid.String()))
		require.NoError(t, err)
		if rapid.Bool().Draw(t, "damaged") && len(text) > 0 {
			i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text[i] = rapid.SampledFrom([]byte(`{}[]",:0123456789 \abtrue-`)).Draw(t, "byte")
		}
		got, ok := read(string(text))
		if !ok {
			return
		}
		var want object
		require.NoError(t, json.Unmarshal(text, &want), string(text))
		require.Empty(t, same(want, got), string(text))
	})
}

func TestAnythingUnusualIsLeftToEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `{`, `[]`, `null`, `{"kept":"x","long":1`, `{"kept":"x","long":1}x`, ` {"kept":"x","long":1}`,
		`{"kept":"\u0041","long":1}`, "{\"kept\":\"\xff\",\"long\":1}", "{\"kept\":\"a\nb\",\"long\":1}",
		`{"long":1,"kept":"x"}`, `{"kept":"x","long":1,"new":true}`, `{"kept":"x","long":01}`, `{"kept":"x","long":-}`,
		`{"kept":"x","long":1.5}`, `{"kept":"x","long":1234567890123456789}`, `{"kept":"x","long":1,"at":"yesterday"}`,
		`{"kept":"x","long":1,"bytes":"?"}`, `{"kept":"x","words":["known",],"long":1}`, `{"kept":"x","long":1,"flag":false}`,
		`{"kept":"x","long":1,"counts":{"a":1,}}`,
	} {
		_, ok := read(text)
		require.False(t, ok, text)
	}
	_, ok := write(object{Kept: "a<b"})
	require.False(t, ok)
	_, ok = write(object{At: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.False(t, ok)
}

func TestANumberBeyondAnIntFails(t *testing.T) {
	t.Parallel()
	const text = `{"kept":"x","int":4294967297,"long":1}`
	o, ok := read(text)
	if strconv.IntSize == 32 {
		require.False(t, ok)
		return
	}
	require.True(t, ok)
	require.Equal(t, int64(math.MaxUint32+2), int64(o.Int))
}
