package micro

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Cost is the cost of one call.
type Cost struct {
	Time           time.Duration
	Mallocs, Bytes float64
}

// Measure runs f for n calls and returns the cost of one, including its share of the
// garbage collection.
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

// submissions is the number of submissions of a plain verification.
const submissions = len(workload.Submissions)

// run has verifications in memory that are completed one after the other.
type run struct {
	m   *carrierfsm.Machine
	ids []string
}

// newRun creates verifications. The cost of a Submit is the mean of the three of a
// plain verification, including intents and history.
func newRun(verifications int) (*run, error) {
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: workload.Upstream{}})
	if err != nil {
		return nil, err
	}
	c := &run{m: m}
	for range verifications {
		v, err := m.Create(context.Background(), carrierfsm.NewVerification{})
		if err != nil {
			return nil, err
		}
		c.ids = append(c.ids, v.ID)
	}
	return c, nil
}

// ProfileSubmits writes a CPU profile of n Submits.
func ProfileSubmits(n int, path string) error {
	c, err := newRun(n / submissions)
	if err != nil {
		return err
	}
	stop, err := drive.Profile(path)
	if err == nil {
		err = errors.Join(c.submit(n), stop())
	}
	return errors.Join(err, c.m.Close(context.Background()))
}

func (c *run) left() int { return len(c.ids) }

// submit makes n submissions, all three of each verification.
func (c *run) submit(n int) error {
	ctx, cancel := context.WithCancel(context.Background()) // a host's context can end
	defer cancel()
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
