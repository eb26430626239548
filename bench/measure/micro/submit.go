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

// submissions is how many a plain verification has.
const submissions = len(workload.Submissions)

// carried are verifications in memory, one after the other.
type carried struct {
	m   *carrierfsm.Machine
	ids []string
}

// newSubmissions creates so many. A Submit is then measured as the mean of the
// three of a plain verification, intents and history included.
func newSubmissions(verifications int) (*carried, error) {
	m, err := carrierfsm.New(carrierfsm.Config{Store: memory.New(), Upstream: workload.Upstream{}})
	if err != nil {
		return nil, err
	}
	c := &carried{m: m}
	for range verifications {
		v, err := m.Create(context.Background(), carrierfsm.NewVerification{})
		if err != nil {
			return nil, err
		}
		c.ids = append(c.ids, v.ID)
	}
	return c, nil
}

func (c *carried) left() int { return len(c.ids) }

// carry makes n submissions, all three of each verification.
func (c *carried) carry(n int) error {
	ctx := context.Background()
	for range n / submissions {
		var v carrierfsm.Verification
		var err error
		for _, submission := range workload.Submissions {
			if v, err = c.m.Submit(ctx, c.ids[0], submission(v.Step)); err != nil {
				return err
			}
		}
		if v.State != carrierfsm.Done {
			return errors.New("micro: a verification ended in " + string(v.State))
		}
		c.ids = c.ids[1:]
	}
	return nil
}
