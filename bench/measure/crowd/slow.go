package crowd

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Slow is the name of the task that measures a slow upstream.
const Slow = "slow"

// Flown is what submissions cost whose upstream takes its time.
type Flown struct {
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
	up := &patient{release: make(chan struct{})}
	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: up, MaxInFlight: 2 * j.Rows})
	if err != nil {
		return nil, errors.Join(err, closing())
	}
	f, err := fly(ctx, m, up, j)
	return f, errors.Join(err, m.Close(ctx), closing())
}

func fly(ctx context.Context, m *carrierfsm.Machine, up *patient, j lab.Job) (Flown, error) {
	f := Flown{Submissions: j.Rows, Took: j.For}
	list, err := bring(ctx, m, j.Rows, 1)
	if err != nil {
		return f, err
	}
	if f.Before, err = others(ctx, m, j.WarmUp); err != nil {
		return f, err
	}
	heap, rss, goroutines := resident()
	begun := time.Now()
	landed := launch(ctx, m, list, j.Rows)
	for m.Stats().InFlight < j.Rows || up.waits() < j.Rows {
		if err := rest(ctx); err != nil {
			return f, err
		}
	}
	f.Begun = time.Since(begun)
	heapNow, rssNow, goroutinesNow := resident()
	n := float64(j.Rows)
	f.Heap, f.RSS, f.Goroutines = float64(heapNow-heap)/n, float64(rssNow-rss)/n, float64(goroutinesNow-goroutines)/n
	f.Meanwhile, err = others(ctx, m, j.For)
	close(up.release)
	return f, errors.Join(err, landed())
}

// launch submits the password of each, and returns what waits for them all.
func launch(ctx context.Context, m *carrierfsm.Machine, list []carrierfsm.Verification, n int) func() error {
	errs := make(chan error, n)
	for _, v := range list {
		go func() {
			in := carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret(slowPassword)}
			_, err := m.Submit(ctx, v.ID, in)
			errs <- err
		}()
	}
	return func() (err error) {
		for range n {
			err = errors.Join(err, <-errs)
		}
		return err
	}
}

func rest(ctx context.Context) error {
	select {
	case <-time.After(time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
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

// slowPassword is the password for which upstream takes its time.
const slowPassword = "135790"

// patient is an upstream that lets some wait until it is released.
type patient struct {
	workload.Upstream
	release chan struct{}
	mu      sync.Mutex
	waiting int
}

func (p *patient) waits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

// Collect is carrierfsm.Upstream's.
func (p *patient) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	slow := false
	r.Password.Use(func(value []byte) { slow = string(value) == slowPassword })
	if slow {
		p.mu.Lock()
		p.waiting++
		p.mu.Unlock()
		select {
		case <-p.release:
		case <-ctx.Done():
			return carrierfsm.Reply{}, ctx.Err()
		}
	}
	return p.Upstream.Collect(ctx, r)
}
