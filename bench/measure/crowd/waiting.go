// Package crowd measures what many verifications cost that do nothing: those
// that wait for their people, and those whose upstream takes its time.
package crowd

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Wait is the name of the task that measures waiting verifications.
const Wait = "waiting"

// Held is what waiting verifications take in memory.
type Held struct {
	// Verifications is how many wait.
	Verifications int
	// Heap and RSS are bytes for one of them: of live objects, and of the process
	// once it has given back what it can.
	Heap, RSS float64
	// Goroutines is how many more there are for all of them.
	Goroutines int
}

// Waiting has verifications wait for a code, in the memory store, with the
// password held for each; it returns Held.
func Waiting(ctx context.Context, j lab.Job) (any, error) {
	m, err := carrierfsm.New(carrierfsm.Config{Store: memory.New(), Upstream: workload.Upstream{}})
	if err != nil {
		return nil, err
	}
	heap, rss, goroutines := resident()
	if _, err := bring(ctx, m, j.Rows, 2, workload.Form()); err != nil {
		return nil, err
	}
	heapAfter, rssAfter, goroutinesAfter := resident()
	n := float64(j.Rows)
	held := Held{
		Verifications: j.Rows, Heap: float64(heapAfter-heap) / n, RSS: float64(rssAfter-rss) / n,
		Goroutines: goroutinesAfter - goroutines,
	}
	return held, m.Close(ctx)
}

// resident is what is in memory now.
func resident() (heap, rss int64, goroutines int) {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	now, _ := drive.RSS()
	return int64(m.HeapAlloc), now, runtime.NumGoroutine()
}

// bringers is how many bring verifications along at once.
const bringers = 32

// bring creates verifications and brings each along by its first submissions.
func bring(ctx context.Context, m *carrierfsm.Machine, n, submissions int, form carrierfsm.Form) ([]carrierfsm.Verification, error) {
	list := make([]carrierfsm.Verification, n)
	errs := make(chan error, bringers)
	var all sync.WaitGroup
	for b := range bringers {
		all.Go(func() {
			for i := b; i < n; i += bringers {
				var err error
				if list[i], err = one(ctx, m, submissions, form); err != nil {
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

func one(ctx context.Context, m *carrierfsm.Machine, submissions int, form carrierfsm.Form) (carrierfsm.Verification, error) {
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	for i := range submissions {
		if err != nil {
			return v, err
		}
		in := workload.Submissions[i](v.Step)
		if i == 0 {
			in = carrierfsm.Apply{Form: form, Consent: workload.Consent()}
		}
		v, err = m.Submit(ctx, v.ID, in)
	}
	return v, err
}
