package carrierfsm

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/jsonfields"
	"github.com/carrierfsm/carrierfsm/internal/wordset"
)

// The members of the stored structs, in the order and with the names of their
// json tags. What jsonfields does not handle, encoding/json does.

// appendJSON appends what json.Marshal returns.
func (b *body) appendJSON(dst []byte) ([]byte, error) {
	f := jsonfields.Write(dst)
	if b.fields(&f); f.Done() {
		return f.Text(), nil
	}
	return appendMarshal(dst, *b)
}

// unmarshal is json.Unmarshal into a zero body.
func (b *body) unmarshal(text []byte) error {
	f := jsonfields.Read(text, knownWords)
	if b.fields(&f); f.Done() {
		return nil
	}
	var decoded body
	err := json.Unmarshal(text, &decoded)
	*b = decoded
	return err
}

// appendJSON appends what json.Marshal returns.
func (d *storedDetail) appendJSON(dst []byte) ([]byte, error) {
	f := jsonfields.Write(dst)
	if d.fields(&f); f.Done() {
		return f.Text(), nil
	}
	return appendMarshal(dst, *d)
}

// unmarshal is json.Unmarshal into a zero storedDetail.
func (d *storedDetail) unmarshal(text []byte) error {
	f := jsonfields.Read(text, knownWords)
	if d.fields(&f); f.Done() {
		return nil
	}
	var decoded storedDetail
	err := json.Unmarshal(text, &decoded)
	*d = decoded
	return err
}

// storedDetail is what an entry holds beyond its columns.
type storedDetail struct {
	Detail
	Reference string `json:"reference,omitempty"`
	// Dwell is one more than the microseconds of the column, and the column Source
	// equals Detail.Source. It is zero where both columns are: earlier builds have
	// neither.
	Dwell int64 `json:"dwell,omitempty"`
}

// appendMarshal appends what json.Marshal returns.
func appendMarshal(dst []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(dst, text...), err
}

func (b *body) fields(f *jsonfields.Fields) {
	f.String("reference", &b.Reference, jsonfields.Omit)
	f.String("number", &b.Number, jsonfields.Omit)
	f.Bool("proved", &b.Proved)
	f.String("account", &b.Account, jsonfields.Omit)
	f.String("token", &b.Token, jsonfields.Omit)
	if f.Object("source", b.At != Source{}) {
		b.At.fields(f)
	}
	f.Bytes("cursor", &b.Cursor)
	if f.Object("consent", b.Consent != nil) {
		jsonfields.Alloc(f, &b.Consent).fields(f)
	}
	f.Time("since", &b.Since, jsonfields.Omit)
	jsonfields.Word(f, "ask", &b.Ask, jsonfields.Omit)
	f.String("message", &b.Message, jsonfields.Omit)
	f.Time("code", &b.Code, jsonfields.Omit)
	f.Time("resend", &b.ResendAt, jsonfields.Omit)
	f.Time("idle", &b.Idle, jsonfields.Omit)
	f.Time("life", &b.Life, jsonfields.Omit)
	if f.Object("sources", b.Sources != nil) {
		jsonfields.Alloc(f, &b.Sources).fields(f)
	}
	b.Attempts.fields(f, "attempts")
	jsonfields.Int(f, "resends", &b.Resends, jsonfields.Omit)
	jsonfields.Int(f, "resets", &b.Resets, jsonfields.Omit)
	f.Bool("skipping", &b.Skipping)
	jsonfields.Int(f, "password_step", &b.PasswordStep, jsonfields.Omit)
	if f.Object("ended", b.Ended != nil) {
		jsonfields.Alloc(f, &b.Ended).fields(f)
	}
	if f.Object("watch", b.Watch != nil) {
		jsonfields.Alloc(f, &b.Watch).fields(f)
	}
	if f.Object("intent", b.Intent != nil) {
		jsonfields.Alloc(f, &b.Intent).fields(f)
	}
	if f.Object("lost", b.Lost != nil) {
		jsonfields.Alloc(f, &b.Lost).fields(f)
	}
	f.End()
}

func (s *Source) fields(f *jsonfields.Fields) {
	f.String("website", &s.Website, jsonfields.Keep)
	f.String("name", &s.Name, jsonfields.Omit)
	f.Bool("online", &s.Online)
	jsonfields.Int(f, "reset", &s.ResetMethod, jsonfields.Omit)
	f.End()
}

func (s *sources) fields(f *jsonfields.Fields) {
	jsonfields.Words(f, "collected", &s.Collected)
	jsonfields.Int(f, "wanted", &s.Wanted, jsonfields.Omit)
	f.End()
}

func (e *ended) fields(f *jsonfields.Fields) {
	jsonfields.Word(f, "prompt", &e.Prompt, jsonfields.Omit)
	jsonfields.Word(f, "after", &e.After, jsonfields.Omit)
	f.String("by", &e.By, jsonfields.Omit)
	f.Bool("replaced", &e.Replaced)
	f.End()
}

func (c *Consent) fields(f *jsonfields.Fields) {
	f.String("policy", &c.Policy, jsonfields.Keep)
	f.Time("at", &c.At, jsonfields.Keep)
	f.String("channel", &c.Channel, jsonfields.Keep)
	f.End()
}

func (w *watch) fields(f *jsonfields.Fields) {
	jsonfields.Int(f, "tries", &w.Tries, jsonfields.Omit)
	f.Time("until", &w.Until, jsonfields.Keep)
	f.End()
}

func (in *intent) fields(f *jsonfields.Fields) {
	jsonfields.Int(f, "version", &in.Version, jsonfields.Keep)
	jsonfields.Word(f, "call", &in.Call, jsonfields.Keep)
	jsonfields.Word(f, "input", &in.Input, jsonfields.Keep)
	f.Time("at", &in.At, jsonfields.Keep)
	f.Time("deadline", &in.Deadline, jsonfields.Keep)
	jsonfields.Words(f, "counted", &in.Counted)
	jsonfields.Words(f, "spent", &in.Spent)
	f.Bool("accepted", &in.Accepted)
	f.Bool("canceled", &in.Canceled)
	f.String("by", &in.By, jsonfields.Omit)
	f.End()
}

func (d *storedDetail) fields(f *jsonfields.Fields) {
	jsonfields.Word(f, "input", &d.Input, jsonfields.Omit)
	f.String("by", &d.By, jsonfields.Omit)
	f.String("source", &d.Source, jsonfields.Omit)
	jsonfields.Word(f, "fault", &d.Fault, jsonfields.Omit)
	jsonfields.Word(f, "code", &d.Code, jsonfields.Omit)
	jsonfields.Word(f, "type", &d.Type, jsonfields.Omit)
	jsonfields.Word(f, "template", &d.Template, jsonfields.Omit)
	f.String("message", &d.Message, jsonfields.Omit)
	f.Bool("contradiction", &d.Contradiction)
	f.Bool("late", &d.Late)
	f.String("tables", &d.Tables, jsonfields.Omit)
	f.String("reference", &d.Reference, jsonfields.Omit)
	jsonfields.Int(f, "dwell", &d.Dwell, jsonfields.Omit)
	f.End()
}

// MarshalJSON is json.Marshaler's.
func (a attempts) MarshalJSON() ([]byte, error) {
	counts := make(map[PromptKind]int, len(a))
	for _, c := range a {
		counts[c.Kind] = c.N
	}
	return json.Marshal(counts)
}

// UnmarshalJSON is json.Unmarshaler's.
func (a *attempts) UnmarshalJSON(data []byte) error {
	var counts map[PromptKind]int
	if err := json.Unmarshal(data, &counts); err != nil || counts == nil {
		return err
	}
	*a = make(attempts, 0, len(counts))
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		*a = append(*a, attemptCount{k, counts[k]})
	}
	return nil
}

// fields is an object of numbers in ascending order of their names.
func (a *attempts) fields(f *jsonfields.Fields, name string) {
	if !f.Object(name, len(*a) > 0) {
		return
	}
	if f.Reading() {
		a.read(f)
	} else {
		for _, c := range *a {
			f.PutCount(string(c.Kind), c.N)
		}
	}
	f.End()
}

func (a *attempts) read(f *jsonfields.Fields) {
	*a = make(attempts, 0, 2)
	for name, n, ok := f.NextCount(); ok; name, n, ok = f.NextCount() {
		if last := len(*a) - 1; last >= 0 && (*a)[last].Kind >= PromptKind(name) {
			f.Fail() // another order: encoding/json sorts it
		}
		*a = append(*a, attemptCount{PromptKind(name), n})
	}
}

// knownWords are the words that decoded records share instead of copying them.
var knownWords = func() map[string]string {
	all := make(map[string]string)
	add := func(words ...string) {
		for _, w := range words {
			all[w] = w
		}
	}
	for _, c := range []wordset.Column{callColumn, codeColumn, templateColumn, kindColumn} {
		add(c...)
	}
	for state := range stateSince {
		add(string(state))
	}
	for event := range eventSince {
		add(string(event))
	}
	for kind := range answeredBy {
		add(string(kind))
	}
	for kind := range callOf {
		add(string(kind))
	}
	for _, kind := range budget.Kinds() {
		add(string(kind))
	}
	add(string(InputCancel), string(FaultNotSent), string(FaultUnknown))
	return all
}()
