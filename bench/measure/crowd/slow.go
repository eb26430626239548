package crowd

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Slow is the name of the task that measures a slow upstream. Its Kind is
// OverHTTP where that is the simulator in a process of its own.
const (
	Slow     = "slow"
	OverHTTP = "over HTTP"
)

// Flown is what submissions cost whose upstream takes its time.
type Flown struct {
	// OverHTTP tells whether upstream was another process, the simulator.
	OverHTTP bool
	// Submissions is how many were under way at once, for at least Took each.
	Submissions int
	Took        time.Duration
	// Begun is how long it took until all of them were under way.
	Begun time.Duration
	// Heap and RSS are bytes for one of them, while all were under way.
	Heap, RSS float64
	// Goroutines is how many there were for one of them.
	Goroutines float64
	// Before and Meanwhile are how long a submission of others took, median and
	// 99th percentile: alone, and while all were under way.
	Before, Meanwhile Latency
}

// Latency is a median and a 99th percentile.
type Latency struct{ P50, P99 time.Duration }

// Flying has submissions fly: their upstream answers once it is told to, after
// at least j.For. Meanwhile another driver carries plain verifications. It
// returns Flown.
func Flying(ctx context.Context, j lab.Job) (any, error) {
	store, closing, err := engine.OpenStore(ctx, j.Place)
	if err != nil {
		return nil, err
	}
	up, err := newPatient(ctx, j.Kind == OverHTTP)
	if err != nil {
		return nil, errors.Join(err, closing())
	}
	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: up, MaxInFlight: 2 * j.Rows})
	if err != nil {
		return nil, errors.Join(err, up.end(), closing())
	}
	f, err := fly(ctx, m, up, j)
	return f, errors.Join(err, m.Close(ctx), up.end(), closing())
}

func fly(ctx context.Context, m *carrierfsm.Machine, up patient, j lab.Job) (Flown, error) {
	f := Flown{Submissions: j.Rows, OverHTTP: j.Kind == OverHTTP, Took: j.For}
	list, err := bring(ctx, m, j.Rows, 1, theirForm())
	if err != nil {
		return f, err
	}
	if f.Before, err = others(ctx, m, j.WarmUp); err != nil {
		return f, err
	}
	heap, rss, goroutines := resident()
	begun := time.Now()
	landed := launch(ctx, m, list, j.Rows)
	if err := allWait(ctx, up, j.Rows); err != nil {
		return f, err
	}
	f.Begun = time.Since(begun)
	heapNow, rssNow, goroutinesNow := resident()
	n := float64(j.Rows)
	f.Heap, f.RSS, f.Goroutines = float64(heapNow-heap)/n, float64(rssNow-rss)/n, float64(goroutinesNow-goroutines)/n
	f.Meanwhile, err = others(ctx, m, j.For)
	return f, errors.Join(err, up.release(ctx), landed())
}

// launch submits the password of each, as a request's handler would, whose
// context may end, and returns what waits for them all.
func launch(ctx context.Context, m *carrierfsm.Machine, list []carrierfsm.Verification, n int) func() error {
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

// allWait returns when so many wait at upstream.
func allWait(ctx context.Context, up patient, n int) error {
	for {
		waiting, err := up.waits(ctx)
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

// others carries plain verifications one after the other for so long, and
// tells how long their submissions took.
func others(ctx context.Context, m *carrierfsm.Machine, lasts time.Duration) (Latency, error) {
	var laps []time.Duration
	for end := time.Now().Add(lasts); time.Now().Before(end); {
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
		return Latency{}, errors.New("crowd: nothing was measured")
	}
	slices.Sort(laps)
	return Latency{laps[len(laps)/2], laps[len(laps)*99/100]}, nil
}
