package crashproof_test

import (
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// The kinds of violation, with the guarantees that exclude them.
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
	phantom      = "steps handled that the history lacks"      // G1
	askedToRetry = "requests that let net/http repeat them"    // G3
	leaked       = "secrets in files and logs"                 // G9
	exceeded     = "numbers asked for more than their budgets" // G12
	miscounted   = "transitions not counted once"              // the figures
	misplaced    = "verifications on a wrong shard"            // or on two
	behind       = "writes where a shard was before it moved"  // G1, G2
	harmed       = "shards that another shard has harmed"
)

// kinds are all of them, in the order of the report.
var kinds = []string{
	lostAck, gap, notLinear, repeated, unexplained, refusedSent, doubleTaken, judged, misjudged,
	replyless, early, stuck, missed, disordered, phantom, askedToRetry, leaked, exceeded, miscounted,
	misplaced, behind, harmed,
}

// violation is one violation of a guarantee.
type violation struct {
	kind, id, what string
}

func (v violation) String() string { return fmt.Sprintf("%s: %s: %s", v.kind, v.id, v.what) }

// judge compares the trace of one verification with the guarantees.
type judge struct {
	trace
	commits []commit
	found   []violation
}

// judgeOne returns the violations in one trace.
func judgeOne(e trace) []violation {
	j := &judge{trace: e, commits: commitsOf(e.history)}
	if e.record.ID == "" {
		j.withoutRecord()
		return j.found
	}
	if j.forged != nil {
		j.blame(gap, "%v", j.forged)
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

// withoutRecord: no response has shown the verification, and nothing was sent.
func (j *judge) withoutRecord() {
	for _, n := range j.exchanges {
		if n.response.Result == resultOK || n.response.View != nil {
			j.blame(lostAck, "it was created and is lost")
		}
	}
	if len(j.arrivals) > 0 {
		j.blame(unexplained, "%d requests of a verification that does not exist", len(j.arrivals))
	}
}

// wholeness: the history is one chain that ends in the state of the record.
func (j *judge) wholeness() {
	state := carrierfsm.Created
	for i, t := range j.history {
		if t.Step != i+1 {
			j.blame(gap, "the history has step %d instead of %d", t.Step, i+1)
			return
		}
		if t.From != state {
			j.blame(gap, "step %d starts in %s, the one before ended in %s", t.Step, t.From, state)
		}
		state = t.To
	}
	if j.record.Step != len(j.history) || j.record.State != state {
		j.blame(gap, "the record is at step %d, %s; the history at %d, %s", j.record.Step, j.record.State, len(j.history), state)
	}
	if !j.record.State.Terminal() {
		j.blame(stuck, "it is at step %d, %s, in flight: %t, due %s", j.record.Step, j.record.State, j.record.InFlight, j.record.Due)
	}
}

// acknowledgements: what was in a response is in the history.
func (j *judge) acknowledgements() {
	taken := make(map[int]int)
	for _, n := range j.exchanges {
		if v := n.response.View; v != nil && !j.holds(v) {
			j.blame(lostAck, "the response to %s had step %d, %s by %s", n.request.Op, v.Step, v.State, v.Reason)
		}
		if n.request.Op != opSubmit || n.response.Result != resultOK || n.request.Input == string(carrierfsm.InputCancel) {
			continue
		}
		if taken[n.request.Step]++; taken[n.request.Step] == 2 {
			j.blame(doubleTaken, "two submissions for step %d were acknowledged", n.request.Step)
		}
	}
}

// holds reports whether the history has the view.
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

// slack is the tolerance of recorded times.
const slack = 2 * time.Millisecond

// requests: each prompt led to at most one request, which was made before its outcome
// was settled, and each reply belongs to a request.
func (j *judge) requests() {
	byStep := make(map[int][]arrival)
	for _, a := range j.arrivals {
		step := a.step
		if step < 0 {
			step = j.standing(a.at)
		}
		byStep[step] = append(byStep[step], a)
		if a.foreignSecret {
			j.blame(repeated, "the request for step %d (%s) had a secret that does not belong to it", step, a.kind)
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
			j.blame(unexplained, "the history does not have the request for step %d: %s", step, describe(list))
		}
	}
}

// call compares one settled call with the arrivals.
func (j *judge) call(c commit, arrived []arrival) {
	if j.submitted(c).IsZero() {
		j.blame(replyless, "step %d is the outcome of a submission that was not made", c.after)
	}
	var matching int
	for _, a := range arrived {
		if a.relays(c.first.Detail.Input) {
			matching++
		}
		if !c.first.Detail.Late && a.at.After(c.at.Add(slack)) {
			j.blame(judged, "step %d was settled as %s, the request arrived %s later", c.after, c.reason, a.at.Sub(c.at))
		}
	}
	switch {
	case c.replied() && matching == 0:
		j.blame(replyless, "step %d is the reply to a request for step %d that did not arrive", c.after, c.answers)
	case c.first.Detail.Fault == carrierfsm.FaultNotSent && len(arrived) > 0:
		j.blame(misjudged, "step %d is not sent; %s", c.after, describe(arrived))
	}
}

// relays reports whether a request may be that of an input. Another code of a reset is
// requested like the first one.
func (a arrival) relays(in carrierfsm.InputKind) bool {
	return a.kind == string(in) || a.kind == string(carrierfsm.InputRequestReset) && in == carrierfsm.InputResendCaptcha
}

// standing returns the step of the prompt at a time.
func (j *judge) standing(at time.Time) (step int) {
	for _, c := range j.commits {
		if at.Before(c.at) {
			return c.before
		}
		step = c.after
	}
	return step
}

// codes: a right code is in one request only, for any prompt.
func (j *judge) codes() {
	seen := make(map[string]int)
	for _, a := range j.arrivals {
		code := a.kind == string(carrierfsm.InputCaptcha) || a.kind == string(carrierfsm.InputResetCaptcha)
		if !code || a.secret == wrongSecret {
			continue
		}
		if seen[a.secret]++; seen[a.secret] == 2 {
			j.blame(repeated, "a code arrived again, for step %d", a.step)
		}
	}
}

// refusals: what was refused was not sent.
func (j *judge) refusals() {
	maybe := make(map[string]bool) // submissions that were perhaps accepted
	refused := make(map[string]string)
	for _, n := range j.exchanges {
		switch {
		case n.request.Op != opSubmit || n.nonce == "":
		case n.response.Result == resultOK, n.response.Result == resultPending, n.response.Result == resultLost, n.response.Result == resultStale && late(n):
			maybe[n.nonce] = true
		default:
			refused[n.nonce] = n.response.Result
		}
	}
	for _, a := range j.arrivals {
		if word, response := refused[a.nonce]; response && !maybe[a.nonce] {
			j.blame(refusedSent, "step %d: the response was %q", a.step, word)
		}
	}
}

// late reports whether ErrStale may be that of a reply that came too late to be accepted:
// the only case in which the input was sent.
func late(n exchange) bool { return n.ret.Sub(n.call) > callTimeout }

// timers: no timer ends a prompt before its deadline.
func (j *judge) timers() {
	deadlines := make(map[int]time.Time)
	for _, n := range j.exchanges {
		if v := n.response.View; v != nil && !v.Deadline.IsZero() {
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

// handlers: they receive each step at least once, in order the first time, and none that
// is lost later.
func (j *judge) handlers() {
	had := make(map[int]bool)
	for _, d := range j.deliveries {
		if i := d.step - 1; i < 0 || i >= len(j.history) || j.history[i].At.UnixMicro() != d.at {
			j.blame(phantom, "step %d of %s", d.step, time.UnixMicro(d.at))
			continue
		}
		if !had[d.step] && d.step != len(had)+1 {
			j.blame(disordered, "step %d was handled after %d others", d.step, len(had))
			break
		}
		had[d.step] = true
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
		text += fmt.Sprintf("[%s %s, for step %d, submission %s]", a.at.Format("05.000000"), a.kind, a.step, a.nonce)
	}
	return text
}
