package carrierfsm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
)

// Both tables are checked when the package is loaded: a build with a broken
// table panics at its start.
func init() {
	if err := errors.Join(checkEdges(Edges()), checkRules(rules), checkTogether(Edges(), rules)); err != nil {
		panic(err)
	}
}

// tablesHash names the tables of this build. History stores it for audits.
var tablesHash = hashTables()

func hashTables() string {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, lastTable)
	for _, e := range Edges() {
		_, _ = fmt.Fprintln(h, e.From, e.Event, e.To)
	}
	for _, r := range ReplyRules() {
		_, _ = fmt.Fprintln(h, r)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// checkEdges checks the transition table: its states and events are declared,
// no edge is there twice, every state can be reached, every state but the
// terminal ones leads to an end, and no edge leaves a terminal state.
func checkEdges(edges []Edge) error {
	var errs []error
	seen := make(map[Edge]bool)
	for _, e := range edges {
		if !e.From.known() || !e.To.known() || eventSince[e.Event] == 0 {
			errs = append(errs, fmt.Errorf("%v: a state or event that is not declared", e))
		}
		if e.From.Terminal() && e.From != e.To {
			errs = append(errs, fmt.Errorf("%v: leaves a terminal state", e))
		}
		key := Edge{From: e.From, Event: e.Event}
		if seen[key] {
			errs = append(errs, fmt.Errorf("%v: the event has two edges from this state", e))
		}
		seen[key] = true
	}
	return errors.Join(append(errs, checkReachable(edges)...)...)
}

func checkReachable(edges []Edge) (errs []error) {
	forward := reach(edges, func(e Edge) (State, State) { return e.From, e.To }, Created)
	back := reach(edges, func(e Edge) (State, State) { return e.To, e.From }, Done, Failed)
	for _, s := range States() {
		if !forward[s] {
			errs = append(errs, fmt.Errorf("%s can't be reached", s))
		}
		if !back[s] {
			errs = append(errs, fmt.Errorf("%s is a dead end", s))
		}
	}
	return errs
}

// reach returns the states that can be reached from the given ones along edges.
func reach(edges []Edge, ends func(Edge) (from, to State), start ...State) map[State]bool {
	reached := make(map[State]bool)
	for len(start) > 0 {
		s := start[0]
		start = start[1:]
		if reached[s] {
			continue
		}
		reached[s] = true
		for _, e := range edges {
			if from, to := ends(e); from == s {
				start = append(start, to)
			}
		}
	}
	return reached
}

// checkTogether checks that every event has an edge from every state in which
// it can happen: replies of upstream, calls without a reply, and what the
// machine does by itself.
func checkTogether(edges []Edge, rules []rule) error {
	var errs []error
	has := make(map[Edge]bool)
	for _, e := range edges {
		has[Edge{From: e.From, Event: e.Event}] = true
	}
	need := func(event Event, from []State) {
		for _, s := range from {
			if !has[Edge{From: s, Event: event}] {
				errs = append(errs, fmt.Errorf("%s can happen in %s and has no edge there", event, s))
			}
		}
	}
	for _, r := range rules {
		from := either
		if r.call == apply {
			from = created
		}
		need(r.event, from)
	}
	for _, event := range faultEvents {
		need(event, asked)
	}
	need(ReplyUnrecognized, asked) // the fallback of match
	need(AttemptsExhausted, asked)
	need(CaptchaExpired, captcha)
	need(PasswordRequested, applied)
	need(Expired, running)
	need(Canceled, running)
	need(ReportReady, []State{Done})
	need(ReportFailed, []State{Done})
	need(Erased, States())
	return errors.Join(errs...)
}

// checkRules checks that each reply is accepted by exactly one rule: no two rules
// share a cell, and together they have as many cells as the table.
func checkRules(rules []rule) error {
	var errs []error
	covered, cells := 0, 1
	for i, r := range rules {
		covered += r.cells()
		for j := range i {
			if r.overlaps(rules[j]) {
				errs = append(errs, fmt.Errorf("reply rules %d and %d accept the same reply", j, i))
			}
		}
	}
	for _, c := range (rule{}).columns() {
		cells *= len(c.column)
	}
	if covered != cells {
		errs = append(errs, fmt.Errorf("the reply rules cover %d of %d cells", covered, cells))
	}
	return errors.Join(errs...)
}

// cells is how many cells of the table a rule accepts.
func (r rule) cells() int {
	n := 1
	for _, c := range r.columns() {
		n *= bits.OnesCount32(uint32(c.set))
	}
	return n
}

// overlaps reports whether two rules accept a common reply.
func (r rule) overlaps(other rule) bool {
	columns := other.columns()
	for i, c := range r.columns() {
		if c.set&columns[i].set == 0 {
			return false
		}
	}
	return true
}
