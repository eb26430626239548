package crashproof_test

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/carrierfsm/carrierfsm"
)

// register models a verification: its step, and whether a call is in flight. The stored
// history lists the writes. Each commit is a write after the time of its decision, and
// each call opened its intent at its prompt. An acknowledged submission bounds the time
// of its own writes; each view in a response is a read. A write that was not
// acknowledged may have happened at any later time.
type register struct {
	commits int // how many were made
	step    int
	open    bool // an intent is open
}

// access is an operation on the register.
type access struct {
	what     string // "open", "write" or "read"
	commit   int    // its number, of open and write
	from, to int    // steps, of write
	late     bool   // a reply without an open intent
	call     bool
	shown    view // of read
}

var registerModel = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, _ any) (bool, any) {
		r, a := state.(register), input.(access)
		switch a.what {
		case "open":
			return !r.open && r.commits == a.commit, register{r.commits, r.step, true}
		case "write":
			opened := a.call && !a.late
			ok := r.commits == a.commit && r.step == a.from && r.open == opened
			return ok, register{r.commits + 1, a.to, false}
		default:
			return r.step == a.shown.Step && r.open == a.shown.InFlight, r
		}
	},
	DescribeOperation: func(input, _ any) string {
		a := input.(access)
		switch a.what {
		case "read":
			return fmt.Sprintf("shown step %d, in flight %t", a.shown.Step, a.shown.InFlight)
		case "open":
			return fmt.Sprintf("intent %d", a.commit)
		default:
			return fmt.Sprintf("step %d → %d", a.from, a.to)
		}
	},
	DescribeState: func(state any) string {
		r := state.(register)
		return fmt.Sprintf("step %d, in flight %t", r.step, r.open)
	},
}

// operations returns the accesses of the trace.
func (e trace) operations() []porcupine.Operation {
	var list []porcupine.Operation
	add := func(client int, a access, from, until time.Time) {
		list = append(list, porcupine.Operation{ClientId: client, Input: a, Call: from.UnixNano(), Return: until.UnixNano()})
	}
	end := e.end()
	for i, c := range commitsOf(e.history) {
		a := access{what: "write", commit: i, from: c.before, to: c.after, call: c.call(), late: c.first.Detail.Late}
		from, until := e.submitted(c), end
		if by, acknowledged := e.acknowledged(c); acknowledged {
			from, until = by.call, by.ret
		}
		if from.IsZero() {
			from = c.at // the judge reports that
		}
		decided := c.at.Add(time.Microsecond) // stored times are truncated to microseconds
		add(0, a, c.at, until)
		if a.call && !a.late {
			add(0, access{what: "open", commit: i}, from, decided)
		}
	}
	for _, n := range e.exchanges {
		if v := n.response.View; v != nil {
			add(n.client+1, access{what: "read", shown: *v}, n.call, n.ret)
		}
	}
	return list
}

// acknowledged finds the submission whose response acknowledged a commit.
func (e trace) acknowledged(c commit) (exchange, bool) {
	for _, n := range e.exchanges {
		own := n.request.Op == opSubmit && n.response.Result == resultOK && n.response.View != nil && n.response.View.Step == c.after
		if own && string(c.first.Detail.Input) == n.request.Input && (n.request.Step == c.answers || n.request.Input == string(carrierfsm.InputCancel)) {
			return n, true
		}
	}
	return exchange{}, false
}

// submitted is the first time of a submission that was not refused and whose outcome is
// the commit. It is zero if there is none.
func (e trace) submitted(c commit) (first time.Time) {
	for _, n := range e.exchanges {
		taken := n.response.Result == resultOK || n.response.Result == resultPending || n.response.Result == resultLost || n.response.Result == resultStore
		own := n.request.Op == opSubmit && n.request.Step == c.answers && n.request.Input == string(c.first.Detail.Input)
		if own && (taken || late(n)) && (first.IsZero() || n.call.Before(first)) {
			first = n.call
		}
	}
	return first
}

// end is a time after everything else.
func (e trace) end() (end time.Time) {
	for _, n := range e.exchanges {
		if n.ret.After(end) {
			end = n.ret
		}
	}
	for _, t := range e.history {
		if t.At.After(end) {
			end = t.At
		}
	}
	return end.Add(time.Hour)
}

// linearTimeout bounds the search for an order, which usually takes microseconds.
const linearTimeout = 20 * time.Second

// linearize checks that one verification is linearizable. If not, it writes a picture to
// the folder.
func linearize(e trace, folder string) []violation {
	operations := e.operations()
	for _, o := range operations {
		if o.Return < o.Call {
			return []violation{{notLinear, e.id, fmt.Sprintf("acknowledged before it was decided: %v", o.Input)}}
		}
	}
	result := porcupine.CheckOperationsTimeout(registerModel, operations, linearTimeout)
	if result == porcupine.Ok {
		return nil
	}
	_, info := porcupine.CheckOperationsVerbose(registerModel, operations, linearTimeout)
	picture := filepath.Join(folder, e.id+".html")
	what := fmt.Sprintf("%s, see %s", result, picture)
	if err := porcupine.VisualizePath(registerModel, info, picture); err != nil {
		what = fmt.Sprintf("%s, and no picture: %s", result, err)
	}
	return []violation{{notLinear, e.id, what}}
}
