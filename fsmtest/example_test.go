package fsmtest_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// passes runs a test inside an example, and reports whether it passed.
func passes(test func(*testing.T)) bool {
	if verbose := flag.Lookup("test.v"); verbose.Value.String() != "false" { // else it prints the name of the test
		defer func(before string) { _ = verbose.Value.Set(before) }(verbose.Value.String())
		_ = verbose.Value.Set("false")
	}
	all := func(_, _ string) (bool, error) { return true, nil }
	return testing.RunTests(all, []testing.InternalTest{{Name: "TestOfTheHost", F: test}})
}

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

// A Bench is a machine with a scripted upstream and a clock that the test sets. Here
// a person leaves, and the deadline of their prompt passes.
func ExampleBench() {
	passed := passes(func(t *testing.T) {
		b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"))
		v := b.Must(b.Apply())
		b.Clock.Advance(v.Prompt.Deadline.Sub(b.Clock.Now()))
		fmt.Println(b.Settle().State, b.Get().Reason)
	})
	fmt.Println("passed:", passed)
	// Output:
	// failed expired
	// passed: true
}

// A row is a state to begin in, an answer, and what comes of it.
func ExampleRunTable() {
	passed := passes(func(t *testing.T) {
		fsmtest.RunTable(t, []fsmtest.Row{
			{
				Rule: "the right code is the end",
				At:   carrierfsm.PromptCaptcha, Input: carrierfsm.InputCaptcha, Answer: fsmtest.Code("10008"),
				Events: []carrierfsm.Event{carrierfsm.CollectionStarted}, State: carrierfsm.Done,
			},
		})
	})
	fmt.Println("passed:", passed)
	// Output: passed: true
}
