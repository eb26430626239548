// Package drive drives a subject by a number of drivers at once and measures
// what comes of it. All subjects are measured by this code.
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

// Options are how to drive.
type Options struct {
	// Drivers is how many carry verifications along at once.
	Drivers int
	// For is how long is measured, after a warm-up.
	For time.Duration
	// WarmUp is how long that is; each driver carries at least one verification.
	WarmUp time.Duration
	// Profile, where not empty, is the path of a CPU profile of what is measured.
	Profile string
	// Server is the process id of a database server whose use is counted beside
	// our own; 0 for none.
	Server int
}

// Sample is what was measured in one round of one subject.
type Sample struct {
	// Elapsed is how long it was measured, Laps how many acknowledged creations
	// and submissions fell into it, and Verifications how many were finished in
	// all: in the warm-up and afterwards too.
	Elapsed       time.Duration
	Laps          int
	Verifications int
	// P50 and P99 are of the time that one submission takes: from its input to
	// the acknowledgement of what it led to. Creations are not among them.
	P50, P99 time.Duration
	// CPU is what this process used in Elapsed, ServerCPU what the database's did.
	CPU, ServerCPU time.Duration
	// Mallocs and Bytes are what was allocated in Elapsed.
	Mallocs, Bytes uint64
	// RSS is the most memory the process has had, less what it had before the
	// subject was opened, in bytes.
	RSS int64
	// Stored is how many bytes of file were added for all verifications.
	Stored int64
}

// PerSecond is how many verifications were finished a second.
func (s Sample) PerSecond() float64 {
	return float64(s.Laps) / subject.Laps / s.Elapsed.Seconds()
}

// PerVerification is a sum as a share of one verification.
func (s Sample) PerVerification(sum float64) float64 {
	return sum * subject.Laps / float64(max(s.Laps, 1))
}

// Drive drives the subject and measures.
func Drive(ctx context.Context, s subject.Subject, o Options) (Sample, error) {
	r := &round{subject: s, laps: make([][]time.Duration, o.Drivers)}
	if err := r.drive(ctx, o.Drivers, func() { pause(ctx, o.WarmUp) }); err != nil {
		return Sample{}, err
	}
	stop, err := profile(o.Profile)
	if err != nil {
		return Sample{}, err
	}
	runtime.GC()
	var before, after usage
	r.counting.Store(true)
	err = r.drive(ctx, o.Drivers, func() {
		before = usageNow(o.Server)
		pause(ctx, o.For)
		r.counting.Store(false)
		after = usageNow(o.Server)
	})
	return r.sample(before, after), errors.Join(err, stop())
}

// profile begins a CPU profile and returns what ends it.
func profile(path string) (stop func() error, err error) {
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

// pause lets the drivers drive.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// round is one round under way.
type round struct {
	subject  subject.Subject
	counting atomic.Bool
	created  atomic.Int64
	finished atomic.Int64
	laps     [][]time.Duration // of submissions, by driver
}

// drive runs the drivers until watch has returned, and their last
// verifications to the end.
func (r *round) drive(ctx context.Context, drivers int, watch func()) error {
	var stopped atomic.Bool
	errs := make([]error, drivers)
	var all sync.WaitGroup
	for d := range drivers {
		all.Go(func() {
			for first := true; errs[d] == nil && (first || !stopped.Load()); first = false {
				errs[d] = r.one(ctx, d)
			}
		})
	}
	watch()
	stopped.Store(true)
	all.Wait()
	return errors.Join(errs...)
}

// one carries one verification and notes its laps.
func (r *round) one(ctx context.Context, driver int) error {
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
		P50: at(all, 0.50), P99: at(all, 0.99),
		CPU: after.cpu - before.cpu, ServerCPU: after.server - before.server,
		Mallocs: after.mallocs - before.mallocs, Bytes: after.bytes - before.bytes,
	}
}

// at is the value at a share of a sorted list; zero of an empty one.
func at[T cmp.Ordered](sorted []T, share float64) (v T) {
	if len(sorted) == 0 {
		return v
	}
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
