// Package micro measures in memory: a whole Submit, looplab/fsm as its README shows
// it, and a table compiled by hand.
package micro

import (
	"context"
	"errors"
	"slices"

	"github.com/looplab/fsm"

	"github.com/carrierfsm/carrierfsm"
)

// path has the transitions of a plain verification.
var path = []carrierfsm.Edge{
	{From: carrierfsm.Created, Event: carrierfsm.ApplicationAccepted, To: carrierfsm.Applied},
	{From: carrierfsm.Applied, Event: carrierfsm.PasswordRequested, To: carrierfsm.AwaitingPassword},
	{From: carrierfsm.AwaitingPassword, Event: carrierfsm.CaptchaRequested, To: carrierfsm.AwaitingCaptcha},
	{From: carrierfsm.AwaitingCaptcha, Event: carrierfsm.CollectionStarted, To: carrierfsm.Done},
}

// Table returns the engine's transition table for looplab/fsm.
func Table() (rows fsm.Events) {
	for _, e := range carrierfsm.Edges() {
		same := func(r fsm.EventDesc) bool { return r.Name == string(e.Event) && r.Dst == string(e.To) }
		if i := slices.IndexFunc(rows, same); i >= 0 {
			rows[i].Src = append(rows[i].Src, string(e.From))
		} else {
			rows = append(rows, fsm.EventDesc{Name: string(e.Event), Src: []string{string(e.From)}, Dst: string(e.To)})
		}
	}
	return rows
}

// Bare creates a machine of the whole table and fires one event, n times.
func Bare(table fsm.Events, n int) error {
	for i := range n {
		e := path[i%len(path)]
		m := fsm.NewFSM(string(e.From), table, fsm.Callbacks{})
		if err := m.Event(context.Background(), string(e.Event)); err != nil || m.Current() != string(e.To) {
			return errors.Join(errors.New("micro: looplab/fsm reached another state"), err)
		}
	}
	return nil
}

// Reused sets the state of one machine of the whole table and fires one event, n
// times.
func Reused(n int) error {
	m := fsm.NewFSM(string(carrierfsm.Created), Table(), fsm.Callbacks{})
	for i := range n {
		e := path[i%len(path)]
		m.SetState(string(e.From))
		if err := m.Event(context.Background(), string(e.Event)); err != nil || m.Current() != string(e.To) {
			return errors.Join(errors.New("micro: looplab/fsm reached another state"), err)
		}
	}
	return nil
}

// edge is a key of the compiled table.
type edge struct {
	from  carrierfsm.State
	event carrierfsm.Event
}

// Compiled looks up one edge in a map, n times.
func Compiled(n int) error {
	table := make(map[edge]carrierfsm.State)
	for _, e := range carrierfsm.Edges() {
		table[edge{e.From, e.Event}] = e.To
	}
	for i := range n {
		e := path[i%len(path)]
		if table[edge{e.From, e.Event}] != e.To {
			return errors.New("micro: the compiled table has another state")
		}
	}
	return nil
}
