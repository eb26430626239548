package concurrency

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
)

// Slow is the name of the task that measures a slow upstream. With the Kind OverHTTP
// that is the simulator in another process.
const (
	Slow     = "slow"
	OverHTTP = "over HTTP"
)

// SlowCost is the cost of submissions to a slow upstream.
type SlowCost struct {
	// OverHTTP reports whether upstream was the simulator in another process.
	OverHTTP bool
	// Submissions is how many were in flight at once, each for at least Took.
	Submissions int
	Took        time.Duration
	// Started is the time until all of them were in flight.
	Started time.Duration
	// Heap and RSS are bytes for each of them.
	Heap, RSS float64
	// Goroutines is the number for each of them.
	Goroutines float64
	// Before and During are the latencies of other submissions: before, and while all
	// of these were in flight.
	Before, During Latency
}

// Latency is a median and a 99th percentile.
type Latency struct{ P50, P99 time.Duration }

// MeasureSlow keeps submissions in flight for at least j.For, while another driver
// runs plain verifications. It returns a SlowCost.
func MeasureSlow(ctx context.Context, j runner.Job) (any, error) {
	store, closing, err := engine.OpenStore(ctx, j.Storage)
	if err != nil {
		return nil, err
	}
	up, err := newBlockingUpstream(ctx, j.Kind == OverHTTP)
	if err != nil {
		return nil, errors.Join(err, closing())
	}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: up, MaxInFlight: 2 * j.Rows})
	if err != nil {
		return nil, errors.Join(err, up.close(), closing())
	}
	f, err := measureSlow(ctx, m, up, j)
	return f, errors.Join(err, m.Close(ctx), up.close(), closing())
}

func measureSlow(ctx context.Context, m *carrierfsm.Machine, up blockingUpstream, j runner.Job) (SlowCost, error) {
	f := SlowCost{Submissions: j.Rows, OverHTTP: j.Kind == OverHTTP, Took: j.For}
	list, err := createAndSubmit(ctx, m, j.Rows, 1, blockedForm)
	if err != nil {
		return f, err
	}
	if f.Before, err = measureOthers(ctx, m, j.WarmUp); err != nil {
		return f, err
	}
	heap, rss, goroutines := memoryInUse()
	start := time.Now()
	wait := submitAll(ctx, m, list, j.Rows)
	if err := waitUntilBlocked(ctx, up, j.Rows); err != nil {
		return f, err
	}
	f.Started = time.Since(start)
	heapNow, rssNow, goroutinesNow := memoryInUse()
	n := float64(j.Rows)
	f.Heap, f.RSS, f.Goroutines = float64(heapNow-heap)/n, float64(rssNow-rss)/n, float64(goroutinesNow-goroutines)/n
	f.During, err = measureOthers(ctx, m, j.For)
	return f, errors.Join(err, up.release(ctx), wait())
}

// submitAll submits the password of each verification with a context that can end,
// as a request's handler would. It returns a function that waits for all.
func submitAll(ctx context.Context, m *carrierfsm.Machine, list []carrierfsm.Verification, n int) func() error {
	errs := make(chan error, n)
	ctx, cancel := context.WithCancel(ctx)
	for _, v := range list {
		go func() {
			in := carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret(workload.Password)}
			_, err := m.Submit(ctx, v.ID, in)
			errs <- err
		}()
	}
	return func() (err error) {
		defer cancel()
		for range n {
			err = errors.Join(err, <-errs)
		}
		return err
	}
}

// waitUntilBlocked waits until n calls are blocked at upstream.
func waitUntilBlocked(ctx context.Context, up blockingUpstream, n int) error {
	for {
		waiting, err := up.blocked(ctx)
		if err != nil || waiting >= n {
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// measureOthers runs plain verifications one after the other for a time, and returns
// the latency of their submissions.
func measureOthers(ctx context.Context, m *carrierfsm.Machine, duration time.Duration) (Latency, error) {
	var laps []time.Duration
	for end := time.Now().Add(duration); time.Now().Before(end); {
		last, creation := time.Now(), true
		err := workload.Plain(ctx, m, func() {
			now := time.Now()
			if !creation {
				laps = append(laps, now.Sub(last))
			}
			last, creation = now, false
		})
		if err != nil {
			return Latency{}, err
		}
	}
	if len(laps) == 0 {
		return Latency{}, errors.New("concurrency: nothing was measured")
	}
	slices.Sort(laps)
	return Latency{laps[len(laps)/2], laps[len(laps)*99/100]}, nil
}
