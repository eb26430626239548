package fsmtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// BenchmarkHandlerDelay measures how long after a commit a handler is called. One
// machine commits, and the dispatcher of another one delivers, or its own where both
// stores are the same. An operation is one verification that is created and canceled, one at a time;
// it reports the median and the 99th percentile of the delay in milliseconds.
func BenchmarkHandlerDelay(b *testing.B, commits carrierfsm.Store, delivers outbox.Store) {
	b.Helper()
	called := make(chan time.Time, 1)
	machine := benchMachine(b, commits)
	delivering := machine
	if commits != carrierfsm.Store(delivers) {
		delivering = benchMachine(b, delivers)
	}
	dispatcher, err := outbox.New(delivering, delivers, outbox.Config{
		Handlers: map[string]outbox.Handler{"delay": func(context.Context, carrierfsm.Transition) error {
			called <- time.Now()
			return nil
		}},
		Starts: map[string]outbox.Start{"delay": outbox.FromNow},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- dispatcher.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}()
	delays := make([]time.Duration, 0, b.N)
	for i := range b.N + 1 { // the first waits for the lease
		if i == 1 {
			b.ResetTimer()
		}
		v, err := machine.Create(ctx, carrierfsm.NewVerification{})
		if err == nil {
			_, err = machine.Submit(ctx, v.ID, carrierfsm.Cancel{})
		}
		if err != nil {
			b.Fatal(err)
		}
		committed := time.Now()
		delays = append(delays, (<-called).Sub(committed))
	}
	b.StopTimer()
	delays = delays[1:]
	slices.Sort(delays)
	report := func(at int, unit string) { b.ReportMetric(max(0, delays[at].Seconds()*1000), unit) }
	report(len(delays)/2, "p50-ms")
	report(len(delays)*99/100, "p99-ms")
}

func benchMachine(b *testing.B, s carrierfsm.Store) *carrierfsm.Machine {
	b.Helper()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: s, Upstream: Instant{}})
	if err != nil {
		b.Fatal(err)
	}
	return m
}
