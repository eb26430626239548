package carrierfsm_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

// exampleMachine is a machine with a store in memory and a scripted upstream.
func exampleMachine(answers ...fsmtest.Answer) *carrierfsm.Machine {
	m, err := carrierfsm.New(carrierfsm.Config{Store: memory.New(), Upstream: fsmtest.NewUpstream(answers...)})
	if err != nil {
		panic(err)
	}
	return m
}

// exampleVerification is a verification whose form is accepted.
func exampleVerification(ctx context.Context, m *carrierfsm.Machine) carrierfsm.Verification {
	v, err := m.Create(ctx, carrierfsm.NewVerification{ID: "v1"})
	if err != nil {
		panic(err)
	}
	v, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	if err != nil {
		panic(err)
	}
	return v
}

// A host that has the form when the verification begins creates it and submits the
// application in one call, which costs one commit less.
func ExampleMachine_Begin() {
	ctx := context.Background()
	m := exampleMachine(fsmtest.Accept("chinamobilejs"))

	v, err := m.Begin(ctx, carrierfsm.NewVerification{ID: "v1"}, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	fmt.Println(v.State, "asks for", v.Prompt.Kind, err)

	_, err = m.Begin(ctx, carrierfsm.NewVerification{ID: "v1"}, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	fmt.Println(errors.Is(err, carrierfsm.ErrExists))
	// Output:
	// awaiting_password asks for password <nil>
	// true
}

// A verification from created to done. After each submission the prompt says what to
// ask the person next.
func ExampleMachine_Submit() {
	ctx := context.Background()
	m := exampleMachine(fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"), fsmtest.Code("10008"))

	v, _ := m.Create(ctx, carrierfsm.NewVerification{ID: "v1"})
	fmt.Println(v.State, "asks for", v.Prompt.Kind)

	v, _ = m.Submit(ctx, v.ID, carrierfsm.Apply{
		Form:    carrierfsm.Form{Name: carrierfsm.NewSecret("测试用户"), IDCard: carrierfsm.NewSecret("11010119900307867X"), Phone: carrierfsm.NewSecret("13800138000")},
		Consent: carrierfsm.Consent{Policy: "2026-11", At: time.Now(), Channel: "app"},
	})
	fmt.Println(v.State, "asks for", v.Prompt.Kind)

	v, _ = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("246810")})
	fmt.Println(v.State, "asks for", v.Prompt.Kind)

	v, _ = m.Submit(ctx, v.ID, carrierfsm.Captcha{Step: v.Prompt.Step, Code: carrierfsm.NewSecret("500001")})
	fmt.Println(v.State, v.Account)
	// Output:
	// created asks for application
	// awaiting_password asks for password
	// awaiting_captcha asks for captcha
	// done 138****8000
}

// A wrong password is not an error: the prompt has the reason.
func ExamplePrompt() {
	ctx := context.Background()
	m := exampleMachine(fsmtest.Code("10003"))
	v := exampleVerification(ctx, m)

	v, err := m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("000000")})
	fmt.Println(err)
	fmt.Println(v.Prompt.Kind, "because of", v.Prompt.Reason, "with", v.Prompt.AttemptsLeft, "left")
	// Output:
	// <nil>
	// password because of password_rejected with 1 left
}

// A second click answers an older prompt. Nothing is sent, and the error comes with the
// present prompt.
func ExampleError() {
	ctx := context.Background()
	m := exampleMachine(fsmtest.Code("10002"), fsmtest.Code("10001"))
	v := exampleVerification(ctx, m)
	v, _ = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("246810")})

	click := func() (carrierfsm.Verification, error) {
		return m.Submit(ctx, "v1", carrierfsm.Captcha{Step: v.Prompt.Step, Code: carrierfsm.NewSecret("500001")})
	}
	_, _ = click()
	now, err := click()
	fmt.Println(errors.Is(err, carrierfsm.ErrStale))
	fmt.Println(err)
	fmt.Println("now it asks for", now.Prompt.Kind)
	// Output:
	// true
	// carrierfsm: the input answers an older prompt (id v1, awaiting_captcha, step 4, captcha)
	// now it asks for second_captcha
}

// When a reply is lost, it is unknown whether the code was used. The prompt says so, and
// another code may be requested at once.
func ExampleMachine_Submit_unknown() {
	ctx := context.Background()
	m := exampleMachine(fsmtest.Code("10002"), fsmtest.Lost())
	v := exampleVerification(ctx, m)
	v, _ = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("246810")})

	v, err := m.Submit(ctx, v.ID, carrierfsm.Captcha{Step: v.Prompt.Step, Code: carrierfsm.NewSecret("500001")})
	fmt.Println(err, v.Prompt.Reason, !v.Prompt.Resend.At.After(time.Now()))
	// Output:
	// <nil> outcome_unknown true
}

// The history has one row for each transition.
func ExampleMachine_History() {
	ctx := context.Background()
	m := exampleMachine(fsmtest.Code("10008"))
	v := exampleVerification(ctx, m)
	_, _ = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("246810")})

	history, _ := m.History(ctx, v.ID)
	for _, t := range history {
		fmt.Println(t.Step, t.From, t.Event, t.To)
	}
	// Output:
	// 1 created application_accepted applied
	// 2 applied password_requested awaiting_password
	// 3 awaiting_password collection_started done
}

// Erase keeps that there was a verification, and nothing personal.
func ExampleMachine_Erase() {
	ctx := context.Background()
	m := exampleMachine(fsmtest.Code("10008"))
	v := exampleVerification(ctx, m)

	fmt.Println(m.Erase(ctx, v.ID))
	v, _ = m.Get(ctx, v.ID)
	fmt.Printf("%s %s %q %v\n", v.State, v.Reason, v.Account, v.Consent)
	// Output:
	// <nil>
	// failed erased "" <nil>
}

// With a Sealer the store holds ciphertext. The prompt for a code then has a carry, with
// which another replica can send the code.
func ExampleSealer() {
	ctx := context.Background()
	sealer, err := seal.New(seal.Key{
		ID: "2026-11", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef"), // from your key store
	})
	if err != nil {
		panic(err)
	}
	cfg := carrierfsm.Config{
		Store: memory.New(), Sealer: sealer,
		Upstream: fsmtest.NewUpstream(fsmtest.Code("10002"), fsmtest.Code("10008")),
	}
	one, _ := carrierfsm.New(cfg)
	another, _ := carrierfsm.New(cfg)

	v := exampleVerification(ctx, one)
	v, _ = one.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("246810")})
	code := carrierfsm.Captcha{Step: v.Prompt.Step, Code: carrierfsm.NewSecret("500001"), Carry: v.Prompt.Carry}
	v, err = another.Submit(ctx, v.ID, code)
	fmt.Println(v.State, err)
	// Output:
	// done <nil>
}

// Only Use shows the value of a Secret.
func ExampleSecret() {
	s := carrierfsm.NewSecret("246810")
	fmt.Printf("%v %s %#v %d\n", s, s, s, s)
	s.Use(func(value []byte) { fmt.Println(len(value), "bytes") })
	s.Destroy()
	fmt.Println(s.Empty())
	// Output:
	// [redacted] [redacted] [redacted] [redacted]
	// 6 bytes
	// true
}

// A weak password is reset: by a code, with a new password where the carrier demands
// one, and then that password.
func ExampleRequestReset() {
	ctx := context.Background()
	m := exampleMachine(
		fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}),
		fsmtest.Code("10007"), fsmtest.Code("10002"), fsmtest.Code("11000"), fsmtest.Code("10008"),
	)
	v := exampleVerification(ctx, m)

	v, _ = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("123456")})
	fmt.Println(v.Prompt.Reason, "and a reset is possible:", v.Prompt.Reset)

	v, _ = m.Submit(ctx, v.ID, carrierfsm.RequestReset{Step: v.Prompt.Step})
	fmt.Println("asks for", v.Prompt.Kind, "with a new password:", v.Prompt.NeedsNewPassword)

	v, _ = m.Submit(ctx, v.ID, carrierfsm.ResetCaptcha{
		Step: v.Prompt.Step, Code: carrierfsm.NewSecret("500001"), NewPassword: carrierfsm.NewSecret("864200"),
	})
	fmt.Println("asks for", v.Prompt.Kind, "because of", v.Prompt.Reason)

	v, _ = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("864200")})
	fmt.Println(v.State)
	// Output:
	// reset_required and a reset is possible: true
	// asks for reset_captcha with a new password: true
	// asks for password because of password_reset
	// done
}

// One of two sources is skipped. The verification is done after the last one.
func ExampleSkipSource() {
	ctx := context.Background()
	m := exampleMachine(fsmtest.Accept("chinamobilejs"), fsmtest.Next("chinaunicom"), fsmtest.Code("10008"))
	v := exampleVerification(ctx, m)

	v, _ = m.Submit(ctx, v.ID, carrierfsm.SkipSource{Step: v.Prompt.Step})
	fmt.Println("asks for", v.Prompt.Kind, "of", v.Source.Website)

	v, _ = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("246810")})
	fmt.Println(v.State)
	// Output:
	// asks for password of chinaunicom
	// done
}

// A host that stops ends its requests, then Run, then closes the machine, then the
// store.
func ExampleMachine_Run() {
	store := memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: fsmtest.NewUpstream()})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }() // settles what is overdue
	// … serve requests, until the process is told to stop
	stop()
	fmt.Println(<-ended, m.Close(context.Background()), store.Close())
	// Output: <nil> <nil> <nil>
}

// What an operator does is in the history under their name.
func ExampleByOperator() {
	ctx := context.Background()
	m := exampleMachine()
	v, _ := m.Create(ctx, carrierfsm.NewVerification{ID: "v1"})
	_ = m.Expire(carrierfsm.ByOperator(ctx, "li.wei"), v.ID)

	history, _ := m.History(ctx, v.ID)
	fmt.Println(history[0].Event, "by", history[0].Detail.By)
	// Output: expired by li.wei
}
