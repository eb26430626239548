package carrierfsm

import (
	"context"
	"time"
)

// The bridge from the pure core to the tests outside the package.

// Names for what the decisions take and return.
type (
	Opened   = opened
	Intent   = intent
	Outcome  = outcome
	Decision = decision
)

// What is called as it is.
var (
	Next          = next
	ErrNoEdge     = errNoEdge
	CheckEdges    = checkEdges
	CheckTogether = func(edges []Edge) error { return checkTogether(edges, rules) }
	Contradicts   = contradicts
	MaxMessage    = maxMessage
)

// Verdict is what the reply table says.
type Verdict struct {
	Event Event
	Ask   PromptKind
	Soon  bool
}

// Judge asks the reply table.
func Judge(call Call, r Reply, s Source) Verdict {
	rule := judge(call, r, s)
	return Verdict{rule.then, rule.ask, rule.soon}
}

// CheckRules checks the reply table with each rule so often as times says.
func CheckRules(times func(ReplyRule) int) error {
	var list []rule
	for i, r := range ReplyRules() {
		for range times(r) {
			list = append(list, rules[i])
		}
	}
	return checkRules(list)
}

// DefaultLimits are the limits with nothing configured.
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

func (o opened) Refuse(in Input, now time.Time, l Limits) error {
	p := in.parts()
	return o.refuse(in.Kind(), &p, now, l)
}

func (o opened) Intend(in Input, now, deadline time.Time, grace time.Duration) Opened {
	p := in.parts()
	d := o.intend(in.Kind(), &p, now, deadline, grace)
	return d.opened
}

func (o opened) FlagCancel(now time.Time) Opened { return o.flagCancel(now, "") }

func (o opened) Settle(out Outcome, now time.Time, l Limits) Decision { return o.settle(&out, now, l) }

func (o opened) Overdue(now time.Time, l Limits) (Decision, bool) { return o.overdue(now, l) }
func (o opened) Cancel(now time.Time, l Limits) Decision          { return o.cancel(now, l, "") }
func (o opened) Expire(now time.Time, l Limits) Decision          { return o.expire(now, l, "") }
func (o opened) Erase(now time.Time) Decision                     { return o.erase(now, "") }
func (o opened) Prompt(l Limits) *Prompt                          { return o.prompt(l) }
func (o opened) View(l Limits) Verification                       { return o.view(l) }
func (o opened) AwaitsOutcome(name int64, out Outcome) bool       { return o.awaitsOutcome(name, &out) }
func (d decision) Transitions() []Transition                      { return d.transitions }
func (d decision) Err() error                                     { return d.err }
func (d decision) After() Opened                                  { return d.opened }
func Open(s Sealer, r Record) (Opened, error)                     { return codec{s}.open(r) }
func Seal(s Sealer, o Opened) (Record, error) {
	var w draft
	err := codec{s}.seal(&o, &w)
	return w.record, err
}

func SealEntry(s Sealer, t Transition) (Entry, error) { return codec{s}.entry(&t, new(draft)) }

// Clean is what is stored of a text of upstream's.
func Clean(text string, secrets []Secret, personal ...string) string {
	return clean(text, hidden(nil, secrets, personal...))
}

// Released is the room of a draft that a record and then a transition were
// written in, after it was given back.
func Released(s Sealer, o Opened, t Transition) [][]byte {
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

func OpenEntry(s Sealer, e Entry) (Transition, error) { return codec{s}.transition(e) }

// OutcomeOf is what an event means for a submission.
func OutcomeOf(e Event) SubmitOutcome { return e.outcome() }

// ObservedBy is a store whose calls the observer is told of.
var ObservedBy = observedBy

// Observe tells an observer of one of each.
func Observe(ctx context.Context, o *Observer, d *Decision) {
	ctx, submitted := o.submit(ctx, InputCaptcha)
	ctx, called := o.call(ctx, Calling{ID: d.ID, Call: CallCollect, Input: InputCaptcha, Source: d.Source})
	called(Called{})
	o.moved(ctx, d)
	submitted(concluded(d, nil))
	_, handled := o.handle(ctx, Handling{Handler: "notify", ID: d.ID, Step: d.Step, Event: d.Reason})
	handled(Handled{})
}

// WithReports are limits of a machine that has a Reporter.
func WithReports(l Limits) Limits {
	l.reports = true
	return l
}

func (o opened) AskReport(now time.Time, l Limits) Opened { return o.askReport(now, l) }

func (o opened) Reported(s ReportState, now time.Time, l Limits) (Decision, bool) {
	return o.reported(s, now, l)
}

// Held is how many passwords the machine holds.
func (m *Machine) Held() int {
	m.vault.mu.Lock()
	defer m.vault.mu.Unlock()
	return len(m.vault.held)
}

// Tally counts attempts.
type Tally = spent

// Tallied is a tally of what a map has.
func Tallied(counts map[PromptKind]int) (t Tally) {
	for k, n := range counts {
		t = t.plus(n, k)
	}
	return t
}

func (s spent) Of(k PromptKind) int { return s.of(k) }

// Put sets one count.
func (s spent) Put(k PromptKind, n int) Tally { return s.plus(n-s.of(k), k) }

// Body is what a record holds beyond its columns.
type Body = body

// Marshal and Unmarshal are what a body or a detail is stored by.
func (b *body) Marshal() ([]byte, error)    { return b.marshal(nil) }
func (b *body) Unmarshal(text []byte) error { return b.unmarshal(text) }

func (d *Detail) Marshal() ([]byte, error)    { return d.marshal(nil) }
func (d *Detail) Unmarshal(text []byte) error { return d.unmarshal(text) }

// Understood tells whether a body is read without encoding/json.
func Understood(text []byte) bool {
	var b body
	f := reading(text)
	b.fields(&f)
	return f.done()
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
