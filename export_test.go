package carrierfsm

import (
	"context"
	"time"
)

// The bridge to the tests, which are outside the package: the pure core, which
// takes and returns values, the codec and the tables. What a Machine shows is
// tested through the exported API.

// The values of the decisions.
type (
	Snapshot = opened
	Intent   = intent
	Outcome  = outcome
	Decision = decision
	Attempts = spent
	Body     = body
)

// AttemptsOf is a count of these attempts.
func AttemptsOf(counts map[PromptKind]int) (a Attempts) {
	for k, n := range counts {
		a = a.plus(n, k)
	}
	return a
}

func (s spent) Of(k PromptKind) int { return s.of(k) }

// Put sets one count.
func (s spent) Put(k PromptKind, n int) Attempts { return s.plus(n-s.of(k), k) }

// DefaultLimits are the limits of a zero Config.
func DefaultLimits() Limits {
	l, _ := Limits{}.withDefaults()
	return l
}

// Replied, Received and Faulted are the outcomes of a call.
func Replied(r Reply) Outcome { return outcome{reply: r} }

func Received(accepted bool, token string, s Source) Outcome {
	return outcome{reply: Reply{Success: accepted}, receipt: token, source: s}
}

func Faulted(f Fault) Outcome { return outcome{fault: f} }

// The decisions.

func (o opened) Refuse(in Input, now time.Time, l Limits) error {
	p := in.parts()
	return o.refuse(in.Kind(), &p, now, l)
}

func (o opened) Intend(in Input, now, deadline time.Time, grace time.Duration) Snapshot {
	p := in.parts()
	d := o.intend(in.Kind(), &p, now, deadline, grace)
	return d.opened
}

func (o opened) FlagCancel(now time.Time) Snapshot { return o.flagCancel(now, "") }

func (o opened) Settle(out Outcome, now time.Time, l Limits) Decision { return o.settle(&out, now, l) }
func (o opened) Overdue(now time.Time, l Limits) (Decision, bool)     { return o.overdue(now, l) }
func (o opened) Cancel(now time.Time, l Limits) Decision              { return o.cancel(now, l, "") }

func (o opened) Expire(now time.Time, l Limits) Decision    { return o.expire(now, l, "") }
func (o opened) Erase(now time.Time) Decision               { return o.erase(now, "") }
func (o opened) Prompt(l Limits) *Prompt                    { return o.prompt(l) }
func (o opened) View(l Limits) Verification                 { return o.view(l) }
func (o opened) AwaitsOutcome(name int64, out Outcome) bool { return o.awaitsOutcome(name, &out) }
func (d decision) Transitions() []Transition                { return d.transitions }
func (d decision) Err() error                               { return d.err }
func (d decision) After() Snapshot                          { return d.opened }

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
	rule := judge(call, r, s)
	return Verdict{rule.then, rule.ask, rule.soon}
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

func Open(s Sealer, r Record) (Snapshot, error)       { return codec{s}.open(r) }
func OpenEntry(s Sealer, e Entry) (Transition, error) { return codec{s}.transition(e) }
func SealEntry(s Sealer, t Transition) (Entry, error) { return codec{s}.entry(&t, new(draft)) }
func (b *body) Marshal() ([]byte, error)              { return b.marshal(nil) }
func (b *body) Unmarshal(text []byte) error           { return b.unmarshal(text) }
func (d *Detail) Marshal() ([]byte, error)            { return d.marshal(nil) }
func (d *Detail) Unmarshal(text []byte) error         { return d.unmarshal(text) }

func Seal(s Sealer, o Snapshot) (Record, error) {
	var w draft
	err := codec{s}.seal(&o, &w)
	return w.record, err
}

// Understood reports whether a body is decoded without encoding/json.
func Understood(text []byte) bool {
	var b body
	f := reading(text)
	b.fields(&f)
	return f.done()
}

// Released returns the buffers of a record and a transition after they were
// released.
func Released(s Sealer, o Snapshot, t Transition) [][]byte {
	w, c := newDraft(), codec{s}
	if err := c.seal(&o, w); err != nil {
		return nil
	}
	if _, err := c.entry(&t, w); err != nil {
		return nil
	}
	w.release()
	return [][]byte{w.text[:cap(w.text)], w.plain[:cap(w.plain)], w.place[:cap(w.place)]}
}

// Clean returns what is stored of a text of the upstream's; MaxMessage limits it.
func Clean(text string, secrets []Secret, personal ...string) string {
	return clean(text, hidden(nil, secrets, personal...))
}

const MaxMessage = maxMessage

// ObservedBy is the store that a machine with this observer uses.
var ObservedBy = observedBy

// Observe calls an observer once for each thing that it observes. Nothing else shows
// that a machine without an observer allocates nothing for it.
func Observe(ctx context.Context, o *Observer, d *Decision) {
	ctx, submitted := o.submit(ctx, InputCaptcha)
	ctx, called := o.call(ctx, Calling{ID: d.ID, Call: CallCollect, Input: InputCaptcha, Source: d.Source})
	called(Called{})
	o.moved(ctx, d)
	submitted(concluded(d, nil))
	_, handled := o.handle(ctx, Handling{Handler: "notify", ID: d.ID, Step: d.Step, Event: d.Reason})
	handled(Handled{})
}

// Held returns how many passwords the machine holds. Nothing else shows that one
// which is of no use any more was destroyed.
func (m *Machine) Held() int {
	m.vault.mu.Lock()
	defer m.vault.mu.Unlock()
	return len(m.vault.held)
}

// WithDeadline is context.WithDeadline, but lazy.
func WithDeadline(ctx context.Context, deadline time.Time) (context.Context, func()) {
	b := withDeadline(ctx, deadline)
	return b, b.end
}

// IdleHands is how many goroutines wait for a submission.
func (m *Machine) IdleHands() int {
	m.hands.mu.Lock()
	defer m.hands.mu.Unlock()
	return len(m.hands.idle)
}

// HandsTick tells whether a timer is set for them.
func (m *Machine) HandsTick() bool {
	m.hands.mu.Lock()
	defer m.hands.mu.Unlock()
	return m.hands.timer != nil
}

// Gate is what lets submissions in.
type Gate = gate

// NewGate lets in so many at once.
var NewGate = newGate

func (g *gate) Enter(ctx context.Context) error { return g.enter(ctx) }
func (g *gate) Leave()                          { g.leave() }
func (g *gate) Close(ctx context.Context) error { return g.close(ctx) }
