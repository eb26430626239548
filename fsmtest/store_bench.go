package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// BenchmarkStore runs plain verifications on the store from created to done with
// the upstream Instant: seven commits and four transitions each. drivers of them
// run at a time. An operation (ns/op) is a whole verification; it also reports
// verifications/s.
func BenchmarkStore(b *testing.B, s carrierfsm.Store, drivers int) {
	b.Helper()
	m, err := carrierfsm.New(carrierfsm.Config{Store: s, Upstream: Instant{}})
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
				if err := plainVerification(m); err != nil {
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

func plainVerification(m *carrierfsm.Machine) error {
	ctx := context.Background()
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	for _, in := range []func(step int) carrierfsm.Input{
		func(int) carrierfsm.Input { return carrierfsm.Apply{Form: Form(), Consent: Consent()} },
		func(step int) carrierfsm.Input {
			return carrierfsm.Password{Step: step, Password: carrierfsm.NewSecret("246810")}
		},
		func(step int) carrierfsm.Input {
			return carrierfsm.Captcha{Step: step, Code: carrierfsm.NewSecret("500001")}
		},
	} {
		if err != nil {
			return err
		}
		v, err = m.Submit(ctx, v.ID, in(v.Step))
	}
	if err == nil && v.State != carrierfsm.Done {
		err = fmt.Errorf("it ended in %s", v.State)
	}
	return err
}

// BenchmarkSettle measures how long one machine takes to settle so many
// verifications that are due at once, as after an outage.
func BenchmarkSettle(b *testing.B, store carrierfsm.Store, due int) {
	b.Helper()
	ctx := context.Background()
	clock := NewClock()
	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: Instant{}, Now: clock.Now})
	if err != nil {
		b.Fatal(err)
	}
	for round := 0; b.Loop(); round++ {
		b.StopTimer()
		err := errors.Join(concurrently(64, func(part int) error {
			for i := part; i < due; i += 64 {
				if _, err := m.Create(ctx, carrierfsm.NewVerification{ID: fmt.Sprintf("due-%d-%d", round, i)}); err != nil {
					return err
				}
			}
			return nil
		})...)
		if err != nil {
			b.Fatal(err)
		}
		clock.Advance(time.Hour)
		b.StartTimer()
		if n, err := m.Settle(ctx); n != due || err != nil {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(due)*float64(b.N)/b.Elapsed().Seconds(), "settled/s")
}
