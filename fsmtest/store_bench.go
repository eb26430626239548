package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

// BenchmarkStore runs plain verifications on the store from created to done with
// the upstream Instant: seven commits and four transitions each. drivers of them
// run at a time. An operation (ns/op) is a whole verification; it also reports
// verifications/s.
func BenchmarkStore(b *testing.B, s carrierfsm.Store, drivers int) {
	b.Helper()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: s, Upstream: Instant{}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	begun := time.Now()
	var all sync.WaitGroup
	for d := range drivers {
		all.Go(func() {
			for range (b.N + drivers - 1 - d) / drivers {
				if err := plainVerification(m, func(time.Duration) {}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "verifications/s")
}

func plainVerification(m *carrierfsm.Machine, called func(took time.Duration)) error {
	ctx, cancel := context.WithCancel(context.Background()) // hosts' contexts can end
	defer cancel()
	var v carrierfsm.Verification
	for _, call := range []func() (carrierfsm.Verification, error){
		func() (carrierfsm.Verification, error) { return m.Create(ctx, carrierfsm.NewVerification{}) },
		func() (carrierfsm.Verification, error) {
			return m.Submit(ctx, v.ID, carrierfsm.Apply{Form: Form(), Consent: Consent()})
		},
		func() (carrierfsm.Verification, error) {
			return m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
		},
		func() (carrierfsm.Verification, error) {
			return m.Submit(ctx, v.ID, carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret("500001")})
		},
	} {
		begun := time.Now()
		var err error
		if v, err = call(); err != nil {
			return err
		}
		called(time.Since(begun))
	}
	if v.State != carrierfsm.Done {
		return fmt.Errorf("it ended in %s", v.State)
	}
	return nil
}

// BenchmarkSettle measures how long replicas take to settle together so many
// verifications that are due at once, as after an outage. Each replica has a
// machine of its own and one of the stores, all of which are of the same database.
// It reports settled/s.
func BenchmarkSettle(b *testing.B, due int, replicas ...carrierfsm.Store) {
	b.Helper()
	s := newSettling(b, due, replicas)
	for b.Loop() {
		b.StopTimer()
		s.fill(b)
		b.StartTimer()
		s.settle(b)
	}
	b.ReportMetric(float64(due)*float64(b.N)/b.Elapsed().Seconds(), "settled/s")
}

// BenchmarkSettleBesidePeople measures what people notice while replicas settle so
// many verifications that are due at once. Eight people go through verifications on
// the first replica, first undisturbed and then beside that. It reports the
// 99th percentile of their calls of the machine in both, in milliseconds.
func BenchmarkSettleBesidePeople(b *testing.B, due int, replicas ...carrierfsm.Store) {
	b.Helper()
	s := newSettling(b, due, replicas)
	var quiet, beside []time.Duration
	for b.Loop() {
		b.StopTimer()
		s.fill(b)
		others := newSettling(b, 0, replicas)
		quiet = append(quiet, people(b, others.machines[0], func() { time.Sleep(2 * time.Second) })...) //nolint:forbidigo // so long it is measured
		b.StartTimer()
		beside = append(beside, people(b, s.machines[0], func() { s.settle(b) })...)
	}
	b.ReportMetric(percentile99(quiet), "quiet-p99-ms")
	b.ReportMetric(percentile99(beside), "beside-p99-ms")
}

// settling is replicas that settle verifications which are due at once.
type settling struct {
	machines []*carrierfsm.Machine
	clock    *Clock
	due      int
	round    int
}

func newSettling(b *testing.B, due int, replicas []carrierfsm.Store) *settling {
	b.Helper()
	s := &settling{due: due, clock: NewClock()}
	for _, store := range replicas {
		m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: Instant{}, Now: s.clock.Now})
		if err != nil {
			b.Fatal(err)
		}
		s.machines = append(s.machines, m)
	}
	return s
}

// fill creates what is due.
func (s *settling) fill(b *testing.B) {
	b.Helper()
	s.round++
	err := errors.Join(concurrently(64, func(part int) error {
		for i := part; i < s.due; i += 64 {
			n := carrierfsm.NewVerification{ID: fmt.Sprintf("due-%d-%d", s.round, i)}
			if _, err := s.machines[0].Create(context.Background(), n); err != nil {
				return err
			}
		}
		return nil
	})...)
	if err != nil {
		b.Fatal(err)
	}
	s.clock.Advance(time.Hour)
}

// settle settles what is due, on all machines at once.
func (s *settling) settle(b *testing.B) {
	b.Helper()
	var settled atomic.Int64
	err := errors.Join(concurrently(len(s.machines), func(i int) error {
		n, err := s.machines[i].Settle(context.Background())
		settled.Add(int64(n))
		return err
	})...)
	if err != nil || settled.Load() != int64(s.due) {
		b.Fatal(settled.Load(), err)
	}
}

// people go through verifications until do returns. It returns how long each call
// of the machine took.
func people(b *testing.B, m *carrierfsm.Machine, do func()) []time.Duration {
	b.Helper()
	var stop atomic.Bool
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	for range 8 {
		all.Go(func() {
			for !stop.Load() {
				err := plainVerification(m, func(call time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					took = append(took, call)
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	do()
	stop.Store(true)
	all.Wait()
	return took
}

func percentile99(took []time.Duration) float64 {
	slices.Sort(took)
	return float64(took[len(took)*99/100].Microseconds()) / 1000
}
