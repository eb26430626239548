package crashproof_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// evidence is all that is known of one verification when everything has settled.
type evidence struct {
	id         string
	record     carrierfsm.Record // zero where there is none
	history    []carrierfsm.Transition
	notes      []note
	arrivals   []arrival
	deliveries []int // steps, in the order in which the handler had them
}

// gather reads what a round has left behind.
func (w *world) gather(ctx context.Context) ([]evidence, error) {
	machine, err := carrierfsm.New(settings{}.config(w.store, nobody{}))
	if err != nil {
		return nil, err
	}
	delivered, err := readLedger(w.ledger())
	if err != nil {
		return nil, err
	}
	var list []evidence
	for _, s := range w.subjects {
		e := evidence{id: s.id, notes: w.notebook.notes[s.id], arrivals: w.front.arrived(s), deliveries: delivered[s.id]}
		e.record, err = w.store.Load(ctx, s.id)
		if err != nil && !errors.Is(err, carrierfsm.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			if e.history, err = machine.History(ctx, s.id); err != nil {
				return nil, err
			}
		}
		list = append(list, e)
	}
	return list, nil
}

func readLedger(path string) (map[string][]int, error) {
	steps := make(map[string][]int)
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return steps, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var id string
		var step int
		if _, err := fmt.Sscan(lines.Text(), &id, &step); err != nil {
			return nil, fmt.Errorf("the ledger has the line %q: %w", lines.Text(), err)
		}
		steps[id] = append(steps[id], step)
	}
	return steps, lines.Err()
}

// commit is what of a history was written in one commit: transitions of one
// moment.
type commit struct {
	before, after int // steps
	at            time.Time
	first         carrierfsm.Transition // which tells what led to it
	state         carrierfsm.State
	reason        carrierfsm.Event
	answers       int // the step of the prompt that it answers or ends
}

// call tells whether an upstream call was settled by it.
func (c commit) call() bool {
	return c.first.Detail.Input != "" && c.first.Detail.Input != carrierfsm.InputCancel
}

// replied tells whether that call brought a reply.
func (c commit) replied() bool { return c.call() && c.first.Detail.Fault == "" }

// commitsOf puts transitions of one commit together: they have one time.
func commitsOf(history []carrierfsm.Transition) (list []commit) {
	for _, t := range history {
		if n := len(list); n > 0 && list[n-1].at.Equal(t.At) {
			list[n-1].after, list[n-1].state, list[n-1].reason = t.Step, t.To, t.Event
			continue
		}
		c := commit{before: t.Step - 1, after: t.Step, at: t.At, first: t, state: t.To, reason: t.Event, answers: t.Step - 1}
		if t.Detail.Late { // it answers the prompt before the one that said "we don't know"
			c.answers--
		}
		list = append(list, c)
	}
	return list
}
