package deliveries

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// Delay is the name of the task that measures how long after a commit a handler is
// called. Its Kind is one of these.
const (
	Delay = "delay"
	// OneMachine has one machine that commits and delivers.
	OneMachine = "in the process"
	// TwoMachines has a store and a machine that commit, and others that deliver. They
	// share nothing but the database, like those of two processes.
	TwoMachines = "across processes"
)

// DelayCost is the time from the acknowledgement of a commit to the call of a handler.
type DelayCost struct {
	Kind     string
	Medium   subject.Medium
	P50, P99 time.Duration
}

// MeasureDelay measures it for one commit after the other. It returns a DelayCost.
func MeasureDelay(ctx context.Context, j runner.Job) (_ any, err error) {
	commits, closing, err := engine.OpenStore(ctx, j.Storage)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	delivers := commits
	if j.Kind == TwoMachines {
		other, closeOther, err2 := engine.OpenStore(ctx, j.Storage)
		if err2 != nil {
			return nil, err2
		}
		defer func() { err = errors.Join(err, closeOther()) }()
		delivers = other
	}
	return delayBetween(j, commits, delivers)
}

func delayBetween(j runner.Job, commits, delivers carrierfsm.Store) (DelayCost, error) {
	c := DelayCost{Kind: j.Kind, Medium: j.Medium}
	box, ok := delivers.(outbox.Store)
	if !ok {
		return c, errors.New("deliveries: the store has no outbox")
	}
	r := testing.Benchmark(func(b *testing.B) {
		b.Helper()
		fsmtest.BenchmarkHandlerDelay(b, commits, box)
	})
	if r.N == 0 {
		return c, errors.New("deliveries: the benchmark of the delay failed")
	}
	milliseconds := func(unit string) time.Duration { return time.Duration(r.Extra[unit] * float64(time.Millisecond)) }
	c.P50, c.P99 = milliseconds("p50-ms"), milliseconds("p99-ms")
	return c, nil
}
