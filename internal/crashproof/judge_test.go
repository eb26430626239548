package crashproof_test

import (
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// The kinds of violation: what the guarantees rule out.
const (
	lostAck      = "acknowledged transitions lost"             // G1
	gap          = "gaps in history"                           // G2
	notLinear    = "histories that are not linearizable"       // G2
	repeated     = "secrets that arrived twice"                // G3
	unexplained  = "requests that no intent explains"          // G3
	refusedSent  = "submissions refused and sent all the same" // G3, G5
	doubleTaken  = "prompts answered twice"                    // G5
	judged       = "sends after the attempt had been judged"   // G4, G6
	misjudged    = "sent, and called not sent"                 // G4
	replyless    = "replies taken for what was never asked"    // G6
	early        = "timers that fired before their time"       // G7
	stuck        = "verifications stuck past their bound"      // G7
	missed       = "handlers' missed steps"                    // G8
	disordered   = "handlers' disordered steps"                // G8
	askedToRetry = "requests that let net/http repeat them"    // G3
	leaked       = "secrets in files and logs"                 // G9
)

// kinds are all of them, in the order of the report.
var kinds = []string{
	lostAck, gap, notLinear, repeated, unexplained, refusedSent, doubleTaken, judged, misjudged,
	replyless, early, stuck, missed, disordered, askedToRetry, leaked,
}

// violation is one thing that should not have been.
type violation struct {
	kind, id, what string
}

func (v violation) String() string { return fmt.Sprintf("%s: %s: %s", v.kind, v.id, v.what) }

// judge holds the evidence about one verification against the guarantees.
type judge struct {
	evidence
	commits []commit
	found   []violation
}

// judgeOne finds what is wrong with one verification.
func judgeOne(e evidence) []violation {
	j := &judge{evidence: e, commits: commitsOf(e.history)}
	if e.record.ID == "" {
		j.withoutRecord()
		return j.found
	}
	j.wholeness()
	j.acknowledgements()
	j.requests()
	j.refusals()
	j.timers()
	j.handlers()
	return j.found
}

func (j *judge) blame(kind, format string, args ...any) {
	j.found = append(j.found, violation{kind, j.id, fmt.Sprintf(format, args...)})
}

// withoutRecord: nobody was told that there is one, and nothing was sent.
func (j *judge) withoutRecord() {
	for _, n := range j.notes {
		if n.told.Word == wordOK || n.told.View != nil {
			j.blame(lostAck, "it was created and is gone")
		}
	}
	if len(j.arrivals) > 0 {
		j.blame(unexplained, "%d requests of a verification that does not exist", len(j.arrivals))
	}
}

// wholeness: the history is one chain that ends where the record stands.
func (j *judge) wholeness() {
	state := carrierfsm.Created
	for i, t := range j.history {
		if t.Step != i+1 {
			j.blame(gap, "the history has step %d where %d belongs", t.Step, i+1)
			return
		}
		if t.From != state {
			j.blame(gap, "step %d begins at %s, the one before ended at %s", t.Step, t.From, state)
		}
		state = t.To
	}
	if j.record.Step != len(j.history) || j.record.State != state {
		j.blame(gap, "the record stands at step %d, %s; the history at %d, %s", j.record.Step, j.record.State, len(j.history), state)
	}
	if !j.record.State.Terminal() {
		j.blame(stuck, "it stands at step %d, %s, in flight: %t, due %s", j.record.Step, j.record.State, j.record.InFlight, j.record.Due)
	}
}

// acknowledgements: whatever anybody was shown is in the history.
func (j *judge) acknowledgements() {
	taken := make(map[int]int)
	for _, n := range j.notes {
		if v := n.told.View; v != nil && !j.holds(v) {
			j.blame(lostAck, "%s was answered with step %d, %s by %s", n.ask.Op, v.Step, v.State, v.Reason)
		}
		if n.ask.Op != opSubmit || n.told.Word != wordOK || n.ask.Input == string(carrierfsm.InputCancel) {
			continue
		}
		if taken[n.ask.Step]++; taken[n.ask.Step] == 2 {
			j.blame(doubleTaken, "two submissions for step %d were acknowledged", n.ask.Step)
		}
	}
}

// holds tells whether the history has what was shown.
func (j *judge) holds(v *view) bool {
	if v.Step == 0 {
		return v.State == carrierfsm.Created
	}
	if v.Step > len(j.history) {
		return false
	}
	t := j.history[v.Step-1]
	return t.To == v.State && t.Event == v.Reason
}

// slack is what the notes of time may be wrong by.
const slack = 2 * time.Millisecond

// requests: each prompt led to one request at most, made while it stood, and
// each reply is that of a request.
func (j *judge) requests() {
	byStep := make(map[int][]arrival)
	for _, a := range j.arrivals {
		step := a.step
		if step < 0 {
			step = j.standing(a.at)
		}
		byStep[step] = append(byStep[step], a)
		if a.beside {
			j.blame(repeated, "the request for step %d (%s) carried a secret that is not its own", step, a.kind)
		}
		if a.header {
			j.blame(askedToRetry, "a request for step %d has an idempotency key", step)
		}
	}
	for step, list := range byStep {
		if len(list) > 1 {
			j.blame(repeated, "%d requests for the prompt of step %d: %s", len(list), step, describe(list))
		}
	}
	j.codes()
	settled := make(map[int]bool)
	for _, c := range j.commits {
		if !c.call() {
			continue
		}
		settled[c.answers] = true
		j.call(c, byStep[c.answers])
	}
	for step, list := range byStep {
		if !settled[step] {
			j.blame(unexplained, "nothing in the history tells of the request for step %d: %s", step, describe(list))
		}
	}
}

// call holds one settled call against what arrived.
func (j *judge) call(c commit, arrived []arrival) {
	if j.submitted(c).IsZero() {
		j.blame(replyless, "step %d is the outcome of a submission that nobody made", c.after)
	}
	var matching int
	for _, a := range arrived {
		if a.relays(c.first.Detail.Input) {
			matching++
		}
		if !c.first.Detail.Late && a.at.After(c.at.Add(slack)) {
			j.blame(judged, "step %d was settled as %s, the request came %s later", c.after, c.reason, a.at.Sub(c.at))
		}
	}
	switch {
	case c.replied() && matching == 0:
		j.blame(replyless, "step %d is the reply to a request for step %d that never came", c.after, c.answers)
	case c.first.Detail.Fault == carrierfsm.FaultNotSent && len(arrived) > 0:
		j.blame(misjudged, "step %d is called not sent; %s", c.after, describe(arrived))
	}
}

// relays tells whether a request may be that of an input: another code of a
// reset is asked for as the first one was.
func (a arrival) relays(in carrierfsm.InputKind) bool {
	return a.kind == string(in) || a.kind == string(carrierfsm.InputRequestReset) && in == carrierfsm.InputResendCaptcha
}

// standing is the step whose prompt stood at a time.
func (j *judge) standing(at time.Time) (step int) {
	for _, c := range j.commits {
		if at.Before(c.at) {
			return c.before
		}
		step = c.after
	}
	return step
}

// codes: a right code travels in one request, whatever prompt it answers.
func (j *judge) codes() {
	seen := make(map[string]int)
	for _, a := range j.arrivals {
		code := a.kind == string(carrierfsm.InputCaptcha) || a.kind == string(carrierfsm.InputResetCaptcha)
		if !code || a.secret == wrongSecret {
			continue
		}
		if seen[a.secret]++; seen[a.secret] == 2 {
			j.blame(repeated, "a code arrived once more, for step %d", a.step)
		}
	}
}

// refusals: what was refused was not sent.
func (j *judge) refusals() {
	maybe := make(map[string]bool) // clicks of which some call was perhaps taken
	refused := make(map[string]string)
	for _, n := range j.notes {
		switch {
		case n.ask.Op != opSubmit || n.nonce == "":
		case n.told.Word == wordOK, n.told.Word == wordPending, n.told.Word == wordLost, n.told.Word == wordStale && late(n):
			maybe[n.nonce] = true
		default:
			refused[n.nonce] = n.told.Word
		}
	}
	for _, a := range j.arrivals {
		if word, told := refused[a.nonce]; told && !maybe[a.nonce] {
			j.blame(refusedSent, "step %d: the person was told %q", a.step, word)
		}
	}
}

// late tells whether ErrStale may be that of an answer that came too late to
// be taken: the one case in which it was sent.
func late(n note) bool { return n.ret.Sub(n.call) > callTimeout }

// timers: no prompt is ended by the clock before its own deadline.
func (j *judge) timers() {
	deadlines := make(map[int]time.Time)
	for _, n := range j.notes {
		if v := n.told.View; v != nil && !v.Deadline.IsZero() {
			if d := deadlines[v.Step]; d.IsZero() || v.Deadline.Before(d) {
				deadlines[v.Step] = v.Deadline
			}
		}
	}
	for _, c := range j.commits {
		if c.call() || c.first.Event != carrierfsm.CaptchaExpired && c.first.Event != carrierfsm.Expired {
			continue
		}
		if d := deadlines[c.before]; !d.IsZero() && c.at.Before(d) {
			j.blame(early, "step %d: %s, %s before the deadline", c.after, c.first.Event, d.Sub(c.at))
		}
	}
}

// handlers: each step at least once, and for the first time in order.
func (j *judge) handlers() {
	had := make(map[int]bool)
	for _, step := range j.deliveries {
		if !had[step] && step != len(had)+1 {
			j.blame(disordered, "step %d came after %d others", step, len(had))
			break
		}
		had[step] = true
	}
	for _, t := range j.history {
		if !had[t.Step] {
			j.blame(missed, "step %d of %d", t.Step, len(j.history))
			return
		}
	}
}

func describe(list []arrival) (text string) {
	for _, a := range list {
		text += fmt.Sprintf("[%s %s, for step %d, click %s]", a.at.Format("05.000000"), a.kind, a.step, a.nonce)
	}
	return text
}
