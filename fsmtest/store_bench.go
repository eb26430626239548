package fsmtest

import (
	"context"
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
