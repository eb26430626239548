// Package concurrency measures the cost of many verifications that wait for their
// persons, and of many calls to a slow upstream.
package concurrency

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Wait is the name of the task that measures waiting verifications.
const Wait = "waiting"

// WaitingCost is the cost of waiting verifications in memory.
type WaitingCost struct {
	// Verifications is how many wait.
	Verifications int
	// Heap and RSS are bytes for each of them: of live objects, and of the process
	// after it has returned unused memory.
	Heap, RSS float64
	// StoreHeap and StoreRSS are the same without the machine: what any replica's store
	// has, without the password and the snapshot that one of them keeps.
	StoreHeap, StoreRSS float64
	// Goroutines is how many more there are for all of them.
	Goroutines int
}

// MeasureWaiting makes verifications wait for a code, in the memory store, each with
// its password and its snapshot in memory. It returns a WaitingCost.
func MeasureWaiting(ctx context.Context, j runner.Job) (any, error) {
	store := memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: workload.Upstream{}})
	if err != nil {
		return nil, err
	}
	heap, rss, goroutines := memoryInUse()
	if _, err := createAndSubmit(ctx, m, j.Rows, 2, workload.Form); err != nil {
		return nil, err
	}
	heapAfter, rssAfter, goroutinesAfter := memoryInUse()
	n := float64(j.Rows)
	held := WaitingCost{
		Verifications: j.Rows, Heap: float64(heapAfter-heap) / n, RSS: float64(rssAfter-rss) / n,
		Goroutines: goroutinesAfter - goroutines,
	}
	err = m.Close(ctx)
	heapAfter, rssAfter, _ = memoryInUse() // without the machine, which is not used any more
	held.StoreHeap, held.StoreRSS = float64(heapAfter-heap)/n, float64(rssAfter-rss)/n
	runtime.KeepAlive(store)
	return held, err
}

// memoryInUse returns the present memory and goroutines, after a garbage collection.
func memoryInUse() (heap, rss int64, goroutines int) {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	now, _ := drive.RSS()
	return int64(m.HeapAlloc), now, runtime.NumGoroutine()
}

// creators is the number of goroutines that create verifications.
const creators = 32

// createAndSubmit creates n verifications and makes the first submissions of each. Each
// application gets a form of its own, because Apply destroys its secrets.
func createAndSubmit(ctx context.Context, m *carrierfsm.Machine, n, submissions int, form func() carrierfsm.Form) ([]carrierfsm.Verification, error) {
	list := make([]carrierfsm.Verification, n)
	errs := make(chan error, creators)
	var all sync.WaitGroup
	for b := range creators {
		all.Go(func() {
			for i := b; i < n; i += creators {
				var err error
				if list[i], err = createOne(ctx, m, submissions, form); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	return list, <-errs
}

func createOne(ctx context.Context, m *carrierfsm.Machine, submissions int, form func() carrierfsm.Form) (carrierfsm.Verification, error) {
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	for i := range submissions {
		if err != nil {
			return v, err
		}
		in := workload.Submissions[i](v.Step)
		if i == 0 {
			in = carrierfsm.Apply{Form: form(), Consent: workload.Consent()}
		}
		v, err = m.Submit(ctx, v.ID, in)
	}
	return v, err
}
