package carrierfsm_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

const hidden = "s3cr3t-246810"

// Values that hold a Secret, as careless code could print them.
type (
	openHolder   struct{ Password Secret }
	closedHolder struct{ password Secret }
	deepHolder   struct {
		inner  closedHolder
		pinner *closedHolder
		list   []Secret
		byName map[string]Secret
		any    any
	}
)

func holders() map[string]any {
	s := NewSecret(hidden)
	return map[string]any{
		"itself":              s,
		"a pointer":           &s,
		"a field":             openHolder{s},
		"an unexported field": closedHolder{s},
		"pointers to both":    []any{&openHolder{s}, &closedHolder{s}},
		"a slice":             []Secret{s, s},
		"an array":            [1]Secret{s},
		"a map":               map[string]Secret{"password": s},
		"all at once":         deepHolder{closedHolder{s}, &closedHolder{s}, []Secret{s}, map[string]Secret{"p": s}, s},
		"an input":            Password{Step: 1, Password: s},
		"a code":              Captcha{Step: 1, Code: s, Password: s},
		"a request":           Request{Input: InputPassword, Password: s, QueryPassword: s, Captcha: s},
		"a request, by field": struct{ r Request }{Request{Password: s}},
		"a form":              Form{Name: s, IDCard: s, Phone: s, Contacts: []Contact{{Name: s, Phone: s}}},
		"a form, by field":    struct{ f Form }{Form{Name: s, Contacts: []Contact{{Phone: s}}}},
		"an application":      &Application{Form: Form{Name: s}},
		"a receipt":           struct{ r Receipt }{Receipt{Token: s, Message: s}},
		"a reply":             struct{ r Reply }{Reply{Content: s}},
		"a prompt":            Verification{Prompt: &Prompt{Carry: s}},
		"a verification":      Verification{ID: "v1", Token: s},
		"a carry":             struct{ c Captcha }{Captcha{Carry: s}},
	}
}

// requireHidden checks that no form of the value is in a text.
func requireHidden(t *testing.T, printed, why string) {
	t.Helper()
	for _, form := range []string{hidden, "246810", fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden), strings.Trim(fmt.Sprintf("%d", []byte(hidden)), "[]"), strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(hidden)), "[]byte{"), "}")} {
		require.NotContains(t, printed, form, why)
	}
}

func TestNoVerbOfFmtShowsASecret(t *testing.T) {
	t.Parallel()
	for name, holder := range holders() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%08b", "%c", "%U", "%p", "%T", "%t", "%e", "%.3s", "%100v"} {
			requireHidden(t, fmt.Sprintf(verb, holder), verb+" of "+name)
		}
		requireHidden(t, fmt.Sprint(holder)+fmt.Sprintln(holder)+fmt.Errorf("x: %v", holder).Error(), name)
	}
	s := NewSecret(hidden)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, "[redacted]", fmt.Sprintf(verb, s), verb)
	}
	require.Equal(t, "[redacted]", s.String())
}

func TestNoEncoderShowsASecret(t *testing.T) {
	t.Parallel()
	s := NewSecret(hidden)
	text, err := json.Marshal(map[string]any{"a": s, "b": &s, "c": openHolder{s}, "d": closedHolder{s}, "e": []Secret{s}, "f": map[string]Secret{"p": s}})
	require.NoError(t, err)
	require.JSONEq(t, `{"a":"[redacted]","b":"[redacted]","c":{"Password":"[redacted]"},"d":{},"e":["[redacted]"],"f":{"p":"[redacted]"}}`, string(text))

	text, err = xml.Marshal(struct {
		XMLName xml.Name `xml:"x"`
		A       Secret   `xml:"a,attr"`
		B       Secret
		C       []Secret
	}{A: s, B: s, C: []Secret{s}})
	require.NoError(t, err)
	requireHidden(t, string(text), "xml")
	require.Equal(t, 3, strings.Count(string(text), "[redacted]"))

	var b bytes.Buffer
	require.NoError(t, gob.NewEncoder(&b).Encode(openHolder{s}))
	requireHidden(t, b.String(), "gob")
	require.Contains(t, b.String(), "[redacted]")

	value, err := s.Value()
	require.NoError(t, err)
	require.Equal(t, "[redacted]", value)
	require.Error(t, json.Unmarshal([]byte(`{"Password":"246810"}`), new(openHolder)), "nothing is decoded into a Secret")
}

func TestNoLoggerShowsASecret(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&b, nil), slog.NewTextHandler(&b, nil)} {
		for name, holder := range holders() {
			slog.New(h).Info("m", "holder", holder, slog.Group("g", "holder", holder))
			requireHidden(t, b.String(), name)
			b.Reset()
		}
		slog.New(h).Info("m", "secret", NewSecret(hidden))
		require.Contains(t, b.String(), "[redacted]")
		b.Reset()
	}
}

// walk prints what reflection reaches, unexported fields too, as spew does.
func walk(v reflect.Value, b *strings.Builder, depth int) {
	if depth > 8 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), b, depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), b, depth+1)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), b, depth+1)
		}
		fmt.Fprintf(b, "%v ", v)
	case reflect.Map:
		for _, k := range v.MapKeys() {
			walk(v.MapIndex(k), b, depth+1)
		}
	default:
		fmt.Fprintf(b, "%v ", v)
	}
}

func TestNoWalkThroughUnexportedFieldsReachesASecret(t *testing.T) {
	t.Parallel()
	everything := cmp.Exporter(func(reflect.Type) bool { return true })
	for name, holder := range holders() {
		var b strings.Builder
		walk(reflect.ValueOf(holder), &b, 0)
		requireHidden(t, b.String(), name)
		requireHidden(t, cmp.Diff(holder, nil, everything), "go-cmp, "+name)
		requireHidden(t, cmp.Diff(openHolder{NewSecret(hidden)}, openHolder{NewSecret(hidden)}, everything), "go-cmp of two")
		var failed failure
		assert.Equal(&failed, struct{}{}, holder)
		assert.Equal(&failed, holder, holders()[name])
		assert.Nil(&failed, holder)
		require.NotEmpty(t, failed.text.String())
		requireHidden(t, failed.text.String(), "testify, "+name)
		_ = assert.ObjectsAreEqual(holder, holder)
	}
}

// failure collects what a failing test prints.
type failure struct{ text strings.Builder }

func (f *failure) Errorf(format string, args ...any) { fmt.Fprintf(&f.text, format, args...) }

func TestDestroyEmptiesEveryCopy(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 16, 17, 48, 49, 4096} {
		typed := strings.Repeat("x", size)
		s := NewSecret(typed)
		second := s
		var held []byte
		s.Use(func(value []byte) { require.Equal(t, typed, string(value)); held = value })
		second.Destroy()
		second.Destroy()
		require.True(t, s.Empty())
		s.Use(func(value []byte) { require.Empty(t, value) })
		require.Equal(t, make([]byte, size), held, "the bytes are overwritten")
	}

	var zero Secret
	zero.Destroy()
	require.True(t, zero.Empty())
	require.True(t, NewSecret("").Empty())
	zero.Use(func(value []byte) { require.Empty(t, value) })
	require.Equal(t, "[redacted]", fmt.Sprint(zero), "an empty one is printed like any other")
}

// Not parallel: AllocsPerRun counts what the whole process allocates.
func TestTheValueOfAPasswordOrATokenNeedsNoAllocationOfItsOwn(t *testing.T) {
	var s Secret
	for _, size := range []int{1, 16, 17, 48} {
		value := make([]byte, size)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { s = NewSecret(value) }), 2.0, "the closure, and what it holds")
	}
	s.Destroy()
}

func TestASecretMayBeUsedAndDestroyedAtOnce(t *testing.T) {
	t.Parallel()
	s := NewSecret(hidden)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 200 {
				s.Use(func(value []byte) {
					if len(value) > 0 && string(value) != hidden {
						t.Error("half a secret")
					}
				})
				_ = s.Empty()
				_ = fmt.Sprint(s)
				if i == 0 && n == 100 {
					s.Destroy()
				}
			}
		})
	}
	group.Wait()
	require.True(t, s.Empty())
}

func TestAReplyPrintsItsWordsAndNotItsContent(t *testing.T) {
	t.Parallel()
	r := Reply{Success: true, Code: "10002", Type: "CONTROL", Content: NewSecret("secret")}
	require.Contains(t, fmt.Sprintf("%+v", r), "Success:true Code:10002 Type:CONTROL")
	require.Contains(t, fmt.Sprintf("%+v", r), "Content:[redacted]")
}

// passed are the values that pass through the hands of hosts and adapters.
func passed() []any {
	return []any{
		Form{},
		Contact{},
		SourceChoice{},
		Consent{},
		Application{},
		Receipt{},
		Source{},
		Request{},
		Reply{},
		Apply{},
		Password{},
		QueryPassword{},
		Captcha{},
		ResendCaptcha{},
		RequestReset{},
		ResetCaptcha{},
		SkipSource{},
		Cancel{},
		Prompt{},
		Verification{},
		End{},
		Transition{},
		Detail{},
		NewVerification{},
	}
}

// filled returns a value of the type with hidden in every Secret that can be in it.
func filled(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch {
	case t == reflect.TypeFor[Secret]():
		v.Set(reflect.ValueOf(NewSecret(hidden)))
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				v.Field(i).Set(filled(t.Field(i).Type))
			}
		}
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		v.Elem().Set(filled(t.Elem()))
	case t.Kind() == reflect.Slice:
		v.Set(reflect.Append(v, filled(t.Elem())))
	}
	return v
}

// A host may hold any of them in an unexported field, where fmt calls no method.
func TestNoValueThatPassesThroughAHostPrintsWhatItHolds(t *testing.T) {
	t.Parallel()
	for _, zero := range passed() {
		value := filled(reflect.TypeOf(zero)).Interface()
		name := fmt.Sprintf("%T", value)
		held := struct {
			value any
			list  []any
		}{value, []any{value, &value}}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			requireHidden(t, fmt.Sprintf(verb+verb, value, held), verb+" of "+name)
		}
		var b bytes.Buffer
		_ = json.NewEncoder(&b).Encode(value)
		_ = gob.NewEncoder(&b).Encode(value)
		_ = xml.NewEncoder(&b).Encode(value)
		slog.New(slog.NewTextHandler(&b, nil)).Info("m", "value", value, "held", held)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "value", value, "held", held)
		requireHidden(t, b.String(), "encoders and loggers, "+name)
		var walked strings.Builder
		walk(reflect.ValueOf(held), &walked, 0)
		requireHidden(t, walked.String(), "a walk, "+name)
	}
}

// A field of these values that is a plain text or number holds nothing personal. A new
// one must be looked at, and be a Secret if it could.
func TestEveryPlainFieldIsKnown(t *testing.T) {
	t.Parallel()
	var plain []string
	for _, zero := range passed() {
		of := reflect.TypeOf(zero)
		for i := range of.NumField() {
			switch f := of.Field(i); f.Type.Kind() {
			case reflect.String, reflect.Interface, reflect.Map, reflect.Slice:
				if f.Type != reflect.TypeFor[[]Contact]() && f.Type != reflect.TypeFor[[]SourceChoice]() {
					plain = append(plain, of.Name()+"."+f.Name)
				}
			default:
			}
		}
	}
	require.Equal(t, []string{
		"Contact.Relation", "SourceChoice.Name", "SourceChoice.Category", "Consent.Policy", "Consent.Channel",
		"Source.Website", "Source.Name", // checked and redacted
		"Request.Input", "Request.Website", "Request.Cursor", // a cursor has no secret: the machine refuses one
		"Reply.Code", "Reply.Type", "Reply.Template", "Reply.Cursor", // the machine checks them before it keeps them
		"Prompt.Kind", "Prompt.Reason", "Prompt.Message",
		"Verification.ID", "Verification.State", "Verification.Reason", "Verification.Message", "Verification.Collected", "Verification.Reference", "Verification.Account", "Verification.Mark", // masked
		"End.Prompt", "End.After", "End.By",
		"Transition.ID", "Transition.From", "Transition.Event", "Transition.To", "Transition.Reference",
		"Detail.Input", "Detail.By", "Detail.Source", "Detail.Fault", "Detail.Code", "Detail.Type", "Detail.Template", "Detail.Message", "Detail.Tables",
		"NewVerification.ID", "NewVerification.Key", "NewVerification.Reference", // none of them personal
	}, plain)
}
