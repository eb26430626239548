package carrierfsm_test

import (
	"context"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// A password that is too weak is reset: a code, with a new password beside it
// where the operator wants one, and then that password.
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

// Of two data sources one is left out; done is when all are through.
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
