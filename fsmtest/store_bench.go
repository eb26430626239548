package fsmtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// BenchmarkStore runs plain verifications on the store from created to done,
// by so many drivers at once, with an upstream that answers at once: seven
// commits and four transitions each. ns/op is a verification.
func BenchmarkStore(b *testing.B, s carrierfsm.Store, drivers int) {
	b.Helper()
	m, err := carrierfsm.New(carrierfsm.Config{Store: s, Upstream: content{}})
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

// content is an upstream that wants a code after each password, and then is
// content.
type content struct{}

func (content) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{
		Accepted: true, Token: "00000000000000000000000000000001",
		Source: carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true},
	}, nil
}

func (content) Collect(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	if r.Input == carrierfsm.InputPassword {
		return carrierfsm.Reply{Success: true, Code: "10002", Type: "CONTROL", Content: "输入动态密码"}, nil
	}
	return carrierfsm.Reply{Success: true, Code: "10008", Type: "CONTROL", Content: "开始采集行为数据", Finish: true}, nil
}
