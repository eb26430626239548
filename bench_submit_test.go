package carrierfsm_test

import (
	"context"
	"testing"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// One plain verification from created to done: a creation and four transitions
// in three submissions, with their intents, in memory.
func BenchmarkPlainVerification(b *testing.B) {
	up := fsmtest.NewUpstream()
	m, err := carrierfsm.New(carrierfsm.Config{Store: memory.New(), Upstream: up})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		up.Then(fsmtest.Code("10002"), fsmtest.Code("10008"))
		v, err := m.Create(ctx, carrierfsm.NewVerification{})
		if err == nil {
			v, err = m.Submit(ctx, v.ID, application(0))
		}
		if err == nil {
			v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
		}
		if err == nil {
			v, err = m.Submit(ctx, v.ID, captcha(v, "500001"))
		}
		if err != nil || v.State != carrierfsm.Done {
			b.Fatal(v.State, err)
		}
	}
}

// What looplab costs a step.
func BenchmarkNext(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := carrierfsm.Next(carrierfsm.AwaitingCaptcha, carrierfsm.CollectionStarted); err != nil {
			b.Fatal(err)
		}
	}
}

// What the reply table costs a reply.
func BenchmarkJudge(b *testing.B) {
	r, s := carrierfsm.Reply{Success: true, Code: "10008", Type: "CONTROL"}, carrierfsm.Source{Website: "chinamobilejs", Online: true}
	b.ReportAllocs()
	for b.Loop() {
		if carrierfsm.Judge(carrierfsm.CallCollect, r, s).Event != carrierfsm.CollectionStarted {
			b.Fatal("another event")
		}
	}
}
