// Package tail measures the slowest submissions: while nothing else happens, and while
// the same replica sweeps what is due and delivers to a handler.
package tail

import (
	"context"
	"errors"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/deliveries"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
)

// Name is the name of the task.
const Name = "tail"

// Cost is the cost of submissions, by themselves and beside a sweep and a dispatcher.
type Cost struct {
	Medium subject.Medium
	// Due is how many verifications were settled beside the submissions, and Delivered
	// how many calls of the handler there were meanwhile.
	Due, Delivered int
	Quiet, Beside  drive.Sample
}

// Measure fills a store with transitions to deliver and with j.Rows verifications that
// are due, and measures submissions before these are settled and meanwhile. It returns
// a Cost.
func Measure(ctx context.Context, j runner.Job) (_ any, err error) {
	if _, err := scale.Fill(ctx, j.Storage, j.Rows); err != nil {
		return nil, err
	}
	if err := scale.FillDue(ctx, j.Storage, j.Rows); err != nil {
		return nil, err
	}
	store, closing, err := engine.OpenStore(ctx, j.Storage)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: workload.Upstream{}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close(context.WithoutCancel(ctx))) }()
	c := Cost{Medium: j.Medium, Due: j.Rows}
	o := drive.Options{Drivers: j.Drivers, For: j.For, WarmUp: j.WarmUp}
	if c.Quiet, err = drive.Drive(ctx, plain{m}, o); err != nil {
		return nil, err
	}
	o.During = func(ctx context.Context) (err error) {
		c.Delivered, err = deliveries.During(ctx, m, store, func() error { return settle(ctx, m, j.Rows) })
		return err
	}
	c.Beside, err = drive.Drive(ctx, plain{m}, o)
	return c, err
}

// settle settles so many verifications.
func settle(ctx context.Context, m *carrierfsm.Machine, due int) error {
	for due > 0 {
		n, err := m.Settle(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			return errors.New("tail: fewer verifications are due than were stored")
		}
		due -= n
	}
	return nil
}

// plain is a machine as a subject.
type plain struct{ *carrierfsm.Machine }

// Verify implements subject.Subject.
func (p plain) Verify(ctx context.Context, lap func()) error {
	ctx, cancel := context.WithCancel(ctx) // a host's context can end
	defer cancel()
	return workload.Plain(ctx, p.Machine, lap)
}

// Count implements subject.Subject.
func (plain) Count(context.Context) (subject.Counts, error) { return subject.Counts{}, nil }

// Close implements subject.Subject.
func (plain) Close() error { return nil }
