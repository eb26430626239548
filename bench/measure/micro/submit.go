package micro

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Cost is what one call of something cost.
type Cost struct {
	Time           time.Duration
	Mallocs, Bytes float64
}

// Measure runs f for n calls and tells what one cost, its share of the garbage
// collection included.
func Measure(n int, f func(n int) error) (Cost, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	err := f(n)
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	return Cost{
		Time:    took / time.Duration(n),
		Mallocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		Bytes:   float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}, err
}

// Submits measures one Submit in memory: the mean of the three of a plain
// verification, intents and history included. The creations before are not
// measured.
func Submits(verifications int) (Cost, error) {
	m, err := carrierfsm.New(carrierfsm.Config{Store: memory.New(), Upstream: workload.Upstream{}})
	if err != nil {
		return Cost{}, err
	}
	ctx := context.Background()
	ids := make([]string, verifications)
	for i := range ids {
		v, err := m.Create(ctx, carrierfsm.NewVerification{})
		if err != nil {
			return Cost{}, err
		}
		ids[i] = v.ID
	}
	cost, err := Measure(len(workload.Submissions)*verifications, func(int) error { return submitAll(ctx, m, ids) })
	return cost, errors.Join(err, m.Close(ctx))
}

func submitAll(ctx context.Context, m *carrierfsm.Machine, ids []string) error {
	for _, id := range ids {
		var v carrierfsm.Verification
		var err error
		for _, submission := range workload.Submissions {
			if v, err = m.Submit(ctx, id, submission(v.Step)); err != nil {
				return err
			}
		}
		if v.State != carrierfsm.Done {
			return errors.New("micro: a verification ended in " + string(v.State))
		}
	}
	return nil
}
