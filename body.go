package carrierfsm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// opened is a record with its body decoded: what the decisions work on. It is
// a value: a decision returns a new one and leaves the old as it was.
type opened struct {
	Record
	body
}

// body is what a record holds beyond its columns. It is stored as JSON, sealed
// where a Sealer is configured. It never holds a password or a code.
type body struct {
	// Who and where.
	Account string   `json:"account,omitempty"`
	Token   string   `json:"token,omitempty"`
	At      Source   `json:"source,omitzero"`
	Cursor  []byte   `json:"cursor,omitempty"`
	Consent *Consent `json:"consent,omitempty"`

	// Since is when the present state was entered from another; zero once it has ended.
	Since time.Time `json:"since,omitzero"`

	// What is asked now.
	Ask      PromptKind `json:"ask,omitempty"`
	Message  string     `json:"message,omitempty"`
	Code     time.Time  `json:"code,omitzero"`   // when the code is too old
	ResendAt time.Time  `json:"resend,omitzero"` // when another may be asked for
	Idle     time.Time  `json:"idle,omitzero"`   // when upstream drops the token
	Life     time.Time  `json:"life,omitzero"`   // when the whole has taken too long

	// What was used up, per source.
	Attempts spent `json:"attempts,omitempty"`
	Resends  int   `json:"resends,omitempty"`
	Resets   int   `json:"resets,omitempty"`

	// Skipping tells that upstream has perhaps been asked to leave this source out.
	Skipping bool `json:"skipping,omitempty"`

	// PasswordStep is the step at which the password in use was given.
	PasswordStep int `json:"password_step,omitempty"`

	// Watch is set while the report of what is done is waited for.
	Watch *watch `json:"watch,omitempty"`

	// Intent is the call that is about to be made, or is under way.
	Intent *intent `json:"intent,omitempty"`
	// Lost is an intent that was settled as unknown in the latest commit: an
	// answer that comes late still finds its place.
	Lost *intent `json:"lost,omitempty"`
}

// fields are the members of a body, as the tags of the struct say.
func (b *body) fields(f *fields) {
	f.string("account", &b.Account, omit)
	f.string("token", &b.Token, omit)
	if f.object("source", b.At != Source{}) {
		b.At.fields(f)
	}
	f.bytes("cursor", &b.Cursor)
	if f.object("consent", b.Consent != nil) {
		made(f, &b.Consent).fields(f)
	}
	f.time("since", &b.Since, omit)
	f.word("ask", (*string)(&b.Ask), omit)
	f.string("message", &b.Message, omit)
	f.time("code", &b.Code, omit)
	f.time("resend", &b.ResendAt, omit)
	f.time("idle", &b.Idle, omit)
	f.time("life", &b.Life, omit)
	f.spent("attempts", &b.Attempts)
	number(f, "resends", &b.Resends, omit)
	number(f, "resets", &b.Resets, omit)
	f.flag("skipping", &b.Skipping)
	number(f, "password_step", &b.PasswordStep, omit)
	if f.object("watch", b.Watch != nil) {
		made(f, &b.Watch).fields(f)
	}
	if f.object("intent", b.Intent != nil) {
		made(f, &b.Intent).fields(f)
	}
	if f.object("lost", b.Lost != nil) {
		made(f, &b.Lost).fields(f)
	}
	f.end()
}

// marshal appends what json.Marshal returns.
func (b *body) marshal(text []byte) ([]byte, error) {
	f := writing(text)
	if b.fields(&f); f.done() {
		return f.text, nil
	}
	return appendJSON(text, *b)
}

func appendJSON(text []byte, v any) ([]byte, error) {
	more, err := json.Marshal(v)
	return append(text, more...), err
}

// unmarshal is json.Unmarshal into a zero body.
func (b *body) unmarshal(text []byte) error {
	f := reading(text)
	if b.fields(&f); f.done() {
		return nil
	}
	var anew body
	err := json.Unmarshal(text, &anew)
	*b = anew
	return err
}

// intent is the durable note that an upstream call is about to be made.
type intent struct {
	// Version is the record's version that opened it, and so its name.
	Version int64     `json:"version"`
	Call    Call      `json:"call"`
	Input   InputKind `json:"input"`
	At      time.Time `json:"at"`
	// Deadline is absolute: nothing is sent after it.
	Deadline time.Time `json:"deadline"`
	// Counted are the attempts that went up with it.
	Counted []PromptKind `json:"counted,omitempty"`
	// Canceled tells that a cancellation waits for the settlement.
	Canceled bool `json:"canceled,omitempty"`
	// By is the operator who canceled.
	By string `json:"by,omitempty"`
}

func (in *intent) fields(f *fields) {
	number(f, "version", &in.Version, keep)
	f.word("call", (*string)(&in.Call), keep)
	f.word("input", (*string)(&in.Input), keep)
	f.time("at", &in.At, keep)
	f.time("deadline", &in.Deadline, keep)
	f.kinds("counted", &in.Counted)
	f.flag("canceled", &in.Canceled)
	f.string("by", &in.By, omit)
	f.end()
}

// The first byte of a body tells what it is: '{' begins plain JSON.
const sealedBody = 'S'

// codec turns records and details into what the store keeps, and back.
type codec struct{ sealer Sealer }

// open decodes a record. Its errors match ErrNewerTable, ErrSealed or ErrCorrupt.
func (c codec) open(r Record) (opened, error) {
	if r.Table > TableVersion {
		return opened{Record: r}, fmt.Errorf("%w: %d, this build has %d", ErrNewerTable, r.Table, TableVersion)
	}
	if !r.State.Valid() || r.State == Applied || r.Step < 0 {
		return opened{Record: r}, fmt.Errorf("%w: its columns make no sense", ErrCorrupt)
	}
	o := opened{Record: r}
	text, err := r.Body, error(nil)
	if isSealed(text) {
		w := newDraft()
		defer w.release()
		w.place = appendRecordPlace(w.place, r.ID)
		text, err = c.decrypt(w, text)
	}
	if err == nil && o.unmarshal(text) != nil {
		err = errNotOurs
	}
	if err == nil && promptSince[o.Ask] == 0 && !r.State.Terminal() {
		err = fmt.Errorf("%w: it asks for nothing that is known", ErrCorrupt)
	}
	return o, err
}

// seal encodes the body of o into the draft's record and sets the columns that
// follow from the rest.
func (c codec) seal(o *opened, w *draft) (err error) {
	if o.Reason == Erased {
		c = codec{} // a tombstone holds nothing, and everyone may read it
	}
	r := &w.record
	*r = o.Record
	r.Source = o.At.Website
	r.InFlight = o.Intent != nil
	r.Table = max(stateSince[o.State], eventSince[o.Reason], promptSince[o.Ask])
	text, err := o.marshal(c.room(w))
	if err == nil {
		w.place = appendRecordPlace(w.place[:0], r.ID)
		r.Body, err = c.took(w, text)
	}
	return err
}

// room is where the text of a body or a detail is to be appended.
func (c codec) room(w *draft) []byte {
	if c.sealer != nil {
		return w.plain[:0]
	}
	return w.text
}

// took makes what was appended to room a part of the draft, sealed where there
// is a Sealer, and returns that part.
func (c codec) took(w *draft, text []byte) (_ []byte, err error) {
	begin := len(w.text)
	if c.sealer == nil {
		w.text = text
	} else {
		w.plain = text
		w.text, err = c.encrypt(append(w.text, sealedBody), text, w.place)
	}
	return w.text[begin:len(w.text):len(w.text)], err
}

// encrypt appends what the sealer makes of a text.
func (c codec) encrypt(sealed, plain, place []byte) ([]byte, error) {
	if own, ok := c.sealer.(*gcmSealer); ok {
		return own.appendEncrypted(sealed, plain, place), nil
	}
	more, err := c.sealer.Encrypt(plain, place)
	if err != nil {
		return sealed, fmt.Errorf("carrierfsm: the sealer failed: %w", err)
	}
	return append(sealed, more...), nil
}

func isSealed(data []byte) bool { return len(data) > 0 && data[0] == sealedBody }

// decrypt opens what was sealed for the draft's place, into the draft's room
// where it can.
func (c codec) decrypt(w *draft, data []byte) (plain []byte, err error) {
	switch own, ok := c.sealer.(*gcmSealer); {
	case c.sealer == nil:
		return nil, fmt.Errorf("%w: it is sealed and no Sealer is configured", ErrSealed)
	case ok:
		plain, err = own.appendDecrypted(w.plain[:0], data[1:], w.place)
		w.plain = plain
	default:
		plain, err = c.sealer.Decrypt(data[1:], w.place)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return plain, nil
}

var errNotOurs = fmt.Errorf("%w: its body is not one of ours", ErrCorrupt)

// appendRecordPlace and appendDetailPlace bind what is sealed to its place.
func appendRecordPlace(place []byte, id string) []byte {
	return append(append(place, "carrierfsm record "...), id...)
}

func appendDetailPlace(place []byte, id string, step int) []byte {
	place = append(append(place, "carrierfsm detail "...), id...)
	return strconv.AppendInt(append(place, ' '), int64(step), 10)
}

// entry encodes a transition for the store.
func (c codec) entry(t *Transition, w *draft) (Entry, error) {
	if t.Event == Erased {
		c = codec{}
	}
	e := Entry{ID: t.ID, Step: t.Step, From: t.From, Event: t.Event, To: t.To, At: t.At}
	text, err := t.Detail.marshal(c.room(w))
	if err == nil {
		w.place = appendDetailPlace(w.place[:0], t.ID, t.Step)
		e.Detail, err = c.took(w, text)
	}
	return e, err
}

// transition decodes an entry of the store. A blanked entry has the zero Detail.
func (c codec) transition(e Entry) (Transition, error) {
	t := Transition{ID: e.ID, Step: e.Step, From: e.From, Event: e.Event, To: e.To, At: e.At}
	if len(e.Detail) == 0 {
		return t, nil
	}
	text, err := e.Detail, error(nil)
	if isSealed(text) {
		w := newDraft()
		defer w.release()
		w.place = appendDetailPlace(w.place, e.ID, e.Step)
		text, err = c.decrypt(w, text)
	}
	if err == nil && t.Detail.unmarshal(text) != nil {
		err = errNotOurs
	}
	return t, err
}
