package fsmtest

import (
	"context"
	"sync"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Reporter = (*Reports)(nil)

// Reports is a scripted carrierfsm.Reporter: it gives the scripted answers in
// their order, and "pending" when none is left. It is safe for concurrent use;
// the zero value is ready.
type Reports struct {
	mu     sync.Mutex
	script []carrierfsm.ReportState
	asked  int
}

// Then adds answers to the end of the script.
func (r *Reports) Then(answers ...carrierfsm.ReportState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script = append(r.script, answers...)
}

// Left returns how many answers of the script were not given.
func (r *Reports) Left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.script)
}

// Asked returns how often it was asked for a report.
func (r *Reports) Asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// ReportState implements carrierfsm.Reporter.
func (r *Reports) ReportState(context.Context, carrierfsm.Secret) (carrierfsm.ReportState, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if len(r.script) == 0 {
		return carrierfsm.ReportStatePending, nil
	}
	answer := r.script[0]
	r.script = r.script[1:]
	return answer, nil
}
