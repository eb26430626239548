package crashproof_test

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/carrierfsm/carrierfsm"
)

// A verification is a register: its step, and whether a call is under way. The
// history in the store says which writes there were. Each commit is a write
// that took place after the moment it was decided, and each call opened its
// intent while its prompt stood. A submission that was acknowledged bounds the
// writes that are its own; whatever anybody was shown is a read. What nobody
// was told of may have happened at any later time.
type register struct {
	commits int // how many are done
	step    int
	open    bool // an intent is open
}

// access is an operation on the register.
type access struct {
	what     string // open, write or read
	commit   int    // which, of open and write
	from, to int    // steps, of write
	late     bool   // a reply that finds no open intent
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

// operations are the accesses that the evidence tells of.
func (e evidence) operations() []porcupine.Operation {
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
			from = c.at // the judge says what is wrong with that
		}
		decided := c.at.Add(time.Microsecond) // what is stored is cut to whole ones
		add(0, a, c.at, until)
		if a.call && !a.late {
			add(0, access{what: "open", commit: i}, from, decided)
		}
	}
	for _, n := range e.notes {
		if v := n.told.View; v != nil {
			add(n.client+1, access{what: "read", shown: *v}, n.call, n.ret)
		}
	}
	return list
}

// acknowledged finds the submission that was told of a commit as its own.
func (e evidence) acknowledged(c commit) (note, bool) {
	for _, n := range e.notes {
		own := n.ask.Op == opSubmit && n.told.Word == wordOK && n.told.View != nil && n.told.View.Step == c.after
		if own && string(c.first.Detail.Input) == n.ask.Input && (n.ask.Step == c.answers || n.ask.Input == string(carrierfsm.InputCancel)) {
			return n, true
		}
	}
	return note{}, false
}

// submitted is the first time at which anybody submitted what a commit is the
// outcome of, and was not refused. It is zero where nobody did.
func (e evidence) submitted(c commit) (first time.Time) {
	for _, n := range e.notes {
		taken := n.told.Word == wordOK || n.told.Word == wordPending || n.told.Word == wordLost || n.told.Word == wordStore
		own := n.ask.Op == opSubmit && n.ask.Step == c.answers && n.ask.Input == string(c.first.Detail.Input)
		if own && (taken || late(n)) && (first.IsZero() || n.call.Before(first)) {
			first = n.call
		}
	}
	return first
}

// end is a time after everything.
func (e evidence) end() (end time.Time) {
	for _, n := range e.notes {
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

// linearTimeout bounds the search for an order, which takes microseconds.
const linearTimeout = 20 * time.Second

// linearize tells whether there is an order of all that happened to one
// verification that explains what everybody saw. If not, it leaves a picture.
func linearize(e evidence, folder string) []violation {
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
