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

// trace is all that was observed of one verification, after everything has settled.
type trace struct {
	id         string
	record     carrierfsm.Record // zero: it does not exist
	history    []carrierfsm.Transition
	forged     error // the history does not fit the record
	exchanges  []exchange
	arrivals   []arrival
	deliveries []delivery // in the order of the handler's calls
}

// delivery is a transition that a handler was called for. Its time tells it from one
// of the same step that a failover has lost.
type delivery struct {
	step int
	at   int64 // in microseconds, as stores keep it
}

// collect reads the traces of a round.
func (w *world) collect(ctx context.Context) ([]trace, error) {
	machine, _, err := w.engine()
	if err != nil {
		return nil, err
	}
	delivered, err := readDeliveryLog(w.deliveryLog())
	if err != nil {
		return nil, err
	}
	var list []trace
	for _, s := range w.subjects {
		e := trace{id: s.id, exchanges: w.recorder.exchanges[s.id], arrivals: w.proxy.arrived(s), deliveries: delivered[s.id]}
		e.record, err = w.store.Load(ctx, s.id)
		if err != nil && !errors.Is(err, carrierfsm.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			e.history, err = machine.History(ctx, s.id)
			if errors.Is(err, carrierfsm.ErrForged) {
				e.forged, err = err, nil
			}
			if err != nil {
				return nil, err
			}
		}
		list = append(list, e)
	}
	return list, nil
}

func readDeliveryLog(path string) (map[string][]delivery, error) {
	steps := make(map[string][]delivery)
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
		var d delivery
		if _, err := fmt.Sscan(lines.Text(), &id, &d.step, &d.at); err != nil {
			return nil, fmt.Errorf("the delivery log has the line %q: %w", lines.Text(), err)
		}
		steps[id] = append(steps[id], d)
	}
	return steps, lines.Err()
}

// commit is one commit of a history: its transitions have the same time.
type commit struct {
	before, after int // steps
	at            time.Time
	first         carrierfsm.Transition // which has the input and the fault
	state         carrierfsm.State
	reason        carrierfsm.Event
	answers       int // the step of the prompt that it answers or ends
}

// call reports whether it settled a call.
func (c commit) call() bool {
	return c.first.Detail.Input != "" && c.first.Detail.Input != carrierfsm.InputCancel
}

// replied reports whether that call had a reply.
func (c commit) replied() bool { return c.call() && c.first.Detail.Fault == "" }

// commitsOf groups the transitions by commit.
func commitsOf(history []carrierfsm.Transition) (list []commit) {
	for _, t := range history {
		if n := len(list); n > 0 && list[n-1].at.Equal(t.At) {
			list[n-1].after, list[n-1].state, list[n-1].reason = t.Step, t.To, t.Event
			continue
		}
		c := commit{before: t.Step - 1, after: t.Step, at: t.At, first: t, state: t.To, reason: t.Event, answers: t.Step - 1}
		if t.Detail.Late { // it answers the prompt before the one of outcome_unknown
			c.answers--
		}
		list = append(list, c)
	}
	return list
}
