package fsmtest_test

import (
	"fmt"
	"testing"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// TestHostAsksForTheCodeAgain is what a host's own test may look like: the upstream
// refuses a code, and the test checks what the host shows.
func TestHostAsksForTheCodeAgain(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"), fsmtest.Code("10004"))
	if _, err := b.Apply(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Password("246810"); err != nil {
		t.Fatal(err)
	}
	v, err := b.Captcha("500001")
	if err != nil || v.Prompt.Reason != carrierfsm.CaptchaRejected {
		t.Fatal(v, err)
	}
}

// A scripted upstream counts what arrived.
func ExampleUpstream() {
	up := fsmtest.NewUpstream(fsmtest.Code("10002"), fsmtest.Code("10008"))
	fmt.Println(up.Arrivals("500001"), up)
	// Output: 0 Upstream calls=0 script=2
}
