package carrierfsm

import (
	"context"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/jsonfields"
	"github.com/carrierfsm/carrierfsm/internal/text"
)

// The bridge to the tests, which are outside the package: the pure core, which
// takes and returns values, the codec and the tables. What a Machine shows is
// tested through the exported API.

// The values of the decisions.
type (
	Snapshot = snapshot
	Intent   = intent
	Outcome  = outcome
	Decision = decision
	Attempts = attempts
	Body     = body
	Stored   = storedDetail
)

// AttemptsOf is a count of these attempts.
func AttemptsOf(counts map[PromptKind]int) (a Attempts) {
	for k, n := range counts {
		a = a.plus(n, k)
	}
	return a
}

func (a attempts) Of(k PromptKind) int { return a.of(k) }

// Put sets one count.
func (a attempts) Put(k PromptKind, n int) Attempts { return a.plus(n-a.of(k), k) }

// DefaultLimits are the limits of a zero Config.
func DefaultLimits() Limits {
	l, _ := Limits{}.withDefaults()
	return l
}

// Replied, Received and Faulted are the outcomes of a call.
func Replied(r Reply) Outcome { return outcome{reply: r, text: r.Content.reveal()} }

func Received(accepted bool, token string, s Source) Outcome {
	return outcome{reply: Reply{Success: accepted}, token: token, source: s}
}

func Faulted(f Fault) Outcome { return outcome{fault: f} }

// The decisions.

func (s snapshot) Refuse(in Input, now time.Time, l Limits) error {
	f := in.fields()
	return s.refuse(in.Kind(), &f, now, l)
}

func (s snapshot) Intend(in Input, now, deadline time.Time, grace time.Duration) Snapshot {
	f := in.fields()
	var d decision
	d.intend(&s, in.Kind(), &f, now, deadline, grace)
	return d.snapshot
}

func (s snapshot) FlagCancel(now time.Time) Snapshot { return s.flagCancel(now, "") }

func (s snapshot) Settle(out Outcome, now time.Time, l Limits) (d Decision) {
	d.settle(&s, &out, now, l)
	return d
}

func (s snapshot) Overdue(now time.Time, l Limits) (d Decision, ok bool) {
	ok = d.overdue(&s, now, l)
	return d, ok
}

func (s snapshot) Cancel(now time.Time, l Limits) (d Decision) {
	d.cancel(&s, now, l, "")
	return d
}

func (s snapshot) Expire(now time.Time, l Limits) (d Decision) {
	d.expire(&s, now, l, "")
	return d
}

func (s snapshot) Erase(now time.Time) (d Decision) {
	d.erase(&s, now, "")
	return d
}

func (s snapshot) Prompt(l Limits) *Prompt                    { p := s.prompt(l); return &p }
func (s snapshot) View(l Limits) Verification                 { return s.view(l) }
func (s snapshot) AwaitsOutcome(in *Intent, out Outcome) bool { return s.awaits(in, out.fault == "") }
func (d decision) Transitions() []Transition                  { return d.transitions }
func (d decision) Err() error                                 { return d.err }
func (d decision) After() Snapshot                            { return d.snapshot }

// TableVersion is that of the tables.
const TableVersion = tableVersion

// The tables.
var (
	Next          = next
	ErrNoEdge     = errNoEdge
	CheckEdges    = checkEdges
	CheckTogether = func(edges []Edge) error { return checkTogether(edges, rules) }
	Contradicts   = contradicts
	OutcomeOf     = Event.outcome
)

// Verdict is what the reply table returns.
type Verdict struct {
	Event Event
	Ask   PromptKind
	Soon  bool
}

// Match looks a reply up in the reply table.
func Match(call Call, r Reply, s Source) Verdict {
	rule := match(call, r, s)
	return Verdict{rule.event, rule.ask, rule.soon}
}

// CheckRules checks the reply table with each rule as often as times returns.
func CheckRules(times func(ReplyRule) int) error {
	var list []rule
	for i, r := range ReplyRules() {
		for range times(r) {
			list = append(list, rules[i])
		}
	}
	return checkRules(list)
}

// The codec.

func Open(s Sealer, r Record) (Snapshot, error) {
	opened, err := codec{sealer: s}.decode(r)
	return *opened, err
}

func OpenEntry(s Sealer, e Entry) (Transition, error) {
	t, _, err := codec{sealer: s}.decodeEntry(e)
	return t, err
}
func (b *body) Marshal() ([]byte, error)            { return b.appendJSON(nil) }
func (b *body) Unmarshal(text []byte) error         { return b.unmarshal(text) }
func (d *storedDetail) Marshal() ([]byte, error)    { return d.appendJSON(nil) }
func (d *storedDetail) Unmarshal(text []byte) error { return d.unmarshal(text) }

func SealEntry(s Sealer, t Transition) (Entry, error) {
	c := codec{sealer: s}
	return c.encodeEntry(columnsOf(&t, 0), &t, new(chain), c.newEncodedRecord())
}

func Seal(s Sealer, snap Snapshot) (Record, error) {
	c := codec{sealer: s}
	e := c.newEncodedRecord()
	err := c.encodeSnapshot(&snap, e)
	return e.record, err
}

// Understood reports whether a body is decoded without encoding/json.
func Understood(text []byte) bool {
	var b body
	f := jsonfields.Read(text, knownWords)
	b.fields(&f)
	return f.Done()
}

// SnapshotOf is a snapshot with a chain.
func SnapshotOf(r Record, b Body) Snapshot {
	return Snapshot{Record: r, body: b, chain: chain{Head: [16]byte{1, 15: 2}, From: 3, Unproven: true}}
}

func (s snapshot) Packed() string { return string(s.pack()) }

func Unpack(id, text string) (Snapshot, bool) {
	if s, ok := packed(text).unpack(id); ok {
		return *s, true
	}
	return Snapshot{}, false
}

// Redact returns what is stored of a text of the upstream's; MaxMessage limits it.
func Redact(content string, secrets []Secret, personal ...string) string {
	known := new(text.Values)
	addValues(known, text.Secret, secrets...)
	for _, p := range personal {
		known.Add(text.Detail, []byte(p))
	}
	return redact(NewSecret(content), known)
}

const MaxMessage = maxMessage

// ObserveStore is the store that a machine with this observer uses.
var ObserveStore = observeStore

// Observe calls an observer once for each thing that it observes. Nothing else shows
// that a machine without an observer allocates nothing for it.
func Observe(ctx context.Context, o *Observer, d *Decision) {
	ctx, submitted := o.submit(ctx, InputCaptcha)
	ctx, called := o.call(ctx, CallStart{ID: d.ID, Call: CallCollect, Input: InputCaptcha, Source: d.Source})
	called(CallDone{})
	o.committed(ctx, d)
	submitted(submitSettled(d, nil))
}

// CachedPasswords returns how many passwords the machine has in memory. Nothing
// else shows that one which is not needed any more was destroyed.
func (m *Machine) CachedPasswords() int { return m.passwords.Len() }

// CachedSecret returns the password that the machine has in memory for an id. It is
// no copy: it is empty once it was destroyed.
func (m *Machine) CachedSecret(id string) Secret {
	p, _ := m.passwords.Get(id, func(p cachedPassword) cachedPassword { return p })
	return p.secret
}

// CountSeals sets how many seals the machine has counted.
func (m *Machine) CountSeals(n int64) { m.codec.seals.Store(n) }

// KnownValues returns of how many verifications the machine has values in memory.
func (m *Machine) KnownValues() int { return m.known.Len() }

// Known reports whether s is one of the six states.
func (s State) Known() bool { return s.known() }
