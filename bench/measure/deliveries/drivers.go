package deliveries

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// drivers run plain verifications beside the deliveries.
type drivers struct {
	finished atomic.Int64
	wait     func() error
}

// startDrivers starts them if the job is Beside, and returns after its warm-up. They
// run until ctx ends.
func startDrivers(ctx context.Context, m *carrierfsm.Machine, j runner.Job) *drivers {
	d := &drivers{wait: func() error { return nil }}
	if j.Kind != Beside {
		return d
	}
	errs := make([]error, besideDrivers)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for ctx.Err() == nil && errs[i] == nil {
				// The last one is run to its end, as a person's would be.
				errs[i] = workload.Plain(context.WithoutCancel(ctx), m, func() {})
				d.finished.Add(1)
			}
		})
	}
	d.wait = func() error {
		all.Wait()
		return errors.Join(errs...)
	}
	select {
	case <-time.After(j.WarmUp):
	case <-ctx.Done():
	}
	d.finished.Store(0)
	return d
}
