package outbox

import (
	"context"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// Parked returns the verifications that are parked, those to be tried next
// first. It returns carrierfsm.ErrClosed, the context's error or carrierfsm.ErrStore, with
// what other shards have if it is a *carrierfsm.ShardsError.
func (d *Dispatcher) Parked(ctx context.Context, q ParkedQuery) ([]Parked, error) {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	list, err := d.store.Parked(bounded, q)
	if err != nil {
		err = storeError(ctx, err)
	}
	return list, err
}

// Failure is what a handler failed with at a verification.
type Failure struct {
	// Event is that of the transition at which it failed.
	Event carrierfsm.Event
	// Error is the handler's error, short, without numbers and without the values of the
	// verification that the process knew.
	Error string
}

// Failure opens the failure of a parked row; the zero Failure where none is stored. The
// error matches carrierfsm.ErrSealed, ErrForged or ErrCorrupt.
func (d *Dispatcher) Failure(p Parked) (Failure, error) {
	if len(p.Failure) == 0 {
		return Failure{}, nil
	}
	note, err := d.machine.OpenNote(p.ID, notePlace(p.Handler), p.Failure)
	if err != nil {
		return Failure{}, err
	}
	event, text, _ := strings.Cut(note, ": ")
	return Failure{carrierfsm.Event(event), text}, nil
}

// failure is how a call failed: why is "" if it did not.
type failure struct {
	why  string
	note []byte // for Parked.Failure
}

// failureOf returns the failure of a call, to be stored.
func (d *Dispatcher) failureOf(handler string, c *call, why string, err error) failure {
	if why == "" || err == nil {
		return failure{why: why}
	}
	return failure{why, d.machine.SealNote(c.entry.ID, notePlace(handler), string(c.entry.Event)+": "+err.Error())}
}

// notePlace is the place of a handler's notes.
func notePlace(handler string) string { return "parked for " + handler }
