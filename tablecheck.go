package carrierfsm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Both tables are checked when the package loads: a build with a broken table
// must not run.
func init() {
	if err := errors.Join(checkEdges(Edges()), checkRules(rules), checkTogether(Edges(), rules)); err != nil {
		panic(err)
	}
}

// tablesHash names the tables of this build; history keeps it for audit.
var tablesHash = hashTables()

func hashTables() string {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, TableVersion)
	for _, e := range Edges() {
		_, _ = fmt.Fprintln(h, e.From, e.Event, e.To)
	}
	for _, r := range ReplyRules() {
		_, _ = fmt.Fprintln(h, r)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// checkEdges holds the transition table to its rules: states and events are
// known, no edge stands twice, every state is reached, every state but the
// terminal ones can be left and leads to an end, and those can't be left.
func checkEdges(edges []Edge) error {
	var errs []error
	seen := make(map[Edge]bool)
	for _, e := range edges {
		if !e.From.Valid() || !e.To.Valid() || eventSince[e.Event] == 0 {
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
	return errors.Join(append(errs, checkReach(edges)...)...)
}

func checkReach(edges []Edge) (errs []error) {
	forward := reach(edges, func(e Edge) (State, State) { return e.From, e.To }, Created)
	back := reach(edges, func(e Edge) (State, State) { return e.To, e.From }, Done, Failed)
	for _, s := range States() {
		if !forward[s] {
			errs = append(errs, fmt.Errorf("no run reaches %s", s))
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

// checkTogether sees that whatever can happen to a verification has an edge
// from every state in which it can happen: what upstream answers a call, a
// call without an answer, and what we end by ourselves.
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
		need(r.then, from)
	}
	for _, event := range faultEvents {
		need(event, asked)
	}
	need(ReplyUnrecognized, asked) // what judge falls back to
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
