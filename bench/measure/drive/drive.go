// Package drive runs verifications on a subject with concurrent drivers and measures
// them. All subjects are measured by this code.
package drive

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Options configure a measurement.
type Options struct {
	// Drivers is the number of concurrent drivers.
	Drivers int
	// For is the measured time, after the warm-up.
	For time.Duration
	// During, if not nil, is done in the measured time, instead of For.
	During func(context.Context) error
	// WarmUp is the time of the warm-up. Each driver completes at least one
	// verification in it.
	WarmUp time.Duration
	// Profile, if not empty, is the path of a CPU profile of the measured time.
	Profile string
	// Servers are the process ids of database servers whose CPU time is measured, too.
	Servers []int
}

// Sample is the result of one round of one subject.
type Sample struct {
	// Elapsed is the measured time, and Laps the number of creations and submissions
	// that were acknowledged in it. Verifications is the number that were finished in
	// all, including those in and after the warm-up.
	Elapsed       time.Duration
	Laps          int
	Verifications int
	// P50 and P99 are percentiles of the time of a submission, from its input to the
	// acknowledgement of its outcome. Creations are not included.
	P50, P99 time.Duration
	// CPU is the CPU time of this process in Elapsed, ServerCPU the database servers'.
	CPU, ServerCPU time.Duration
	// Mallocs and Bytes are the allocations in Elapsed.
	Mallocs, Bytes uint64
	// RSS is the peak memory of the process above that before the subject was opened,
	// in bytes.
	RSS int64
	// Stored is the growth of the storage by all verifications, in bytes.
	Stored int64
}

// PerSecond returns the verifications a second.
func (s Sample) PerSecond() float64 {
	return float64(s.Laps) / subject.Laps / s.Elapsed.Seconds()
}

// PerVerification returns a sum divided by the number of verifications.
func (s Sample) PerVerification(sum float64) float64 {
	return sum * subject.Laps / float64(max(s.Laps, 1))
}

// Drive drives the subject and measures.
func Drive(ctx context.Context, s subject.Subject, o Options) (Sample, error) {
	r := &round{subject: s, laps: make([][]time.Duration, o.Drivers)}
	if err := r.drive(ctx, o.Drivers, func() { pause(ctx, o.WarmUp) }); err != nil {
		return Sample{}, err
	}
	stop, err := Profile(o.Profile)
	if err != nil {
		return Sample{}, err
	}
	runtime.GC()
	var before, after usage
	r.counting.Store(true)
	var failed error
	err = r.drive(ctx, o.Drivers, func() {
		before = usageNow(o.Servers)
		failed = o.during(ctx)
		r.counting.Store(false)
		after = usageNow(o.Servers)
	})
	return r.sample(before, after), errors.Join(err, failed, stop())
}

// Profile starts a CPU profile of this process into a file and returns a function to stop it.
// An empty path means none.
func Profile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

func (o Options) during(ctx context.Context) error {
	if o.During != nil {
		return o.During(ctx)
	}
	pause(ctx, o.For)
	return nil
}

// pause waits while the drivers run.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// round is a running round.
type round struct {
	subject  subject.Subject
	counting atomic.Bool
	created  atomic.Int64
	finished atomic.Int64
	laps     [][]time.Duration // of submissions, by driver
}

// drive runs the drivers until during has returned, and waits for their last
// verifications.
func (r *round) drive(ctx context.Context, drivers int, during func()) error {
	var stopped atomic.Bool
	errs := make([]error, drivers)
	var all sync.WaitGroup
	for d := range drivers {
		all.Go(func() {
			for first := true; errs[d] == nil && (first || !stopped.Load()); first = false {
				errs[d] = r.verifyOne(ctx, d)
			}
		})
	}
	during()
	stopped.Store(true)
	all.Wait()
	return errors.Join(errs...)
}

// verifyOne runs one verification and records its laps.
func (r *round) verifyOne(ctx context.Context, driver int) error {
	lap, begun := 0, time.Now()
	err := r.subject.Verify(ctx, func() {
		now := time.Now()
		switch {
		case !r.counting.Load():
		case lap == 0:
			r.created.Add(1)
		default:
			r.laps[driver] = append(r.laps[driver], now.Sub(begun))
		}
		lap, begun = lap+1, now
	})
	r.finished.Add(1)
	return err
}

func (r *round) sample(before, after usage) Sample {
	all := slices.Concat(r.laps...)
	slices.Sort(all)
	return Sample{
		Elapsed: after.at.Sub(before.at), Laps: len(all) + int(r.created.Load()), Verifications: int(r.finished.Load()),
		P50: percentile(all, 0.50), P99: percentile(all, 0.99),
		CPU: after.cpu - before.cpu, ServerCPU: after.server - before.server,
		Mallocs: after.mallocs - before.mallocs, Bytes: after.bytes - before.bytes,
	}
}

// percentile returns the value at a share of a sorted list; zero for an empty one.
func percentile[T cmp.Ordered](sorted []T, share float64) (v T) {
	if len(sorted) == 0 {
		return v
	}
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
