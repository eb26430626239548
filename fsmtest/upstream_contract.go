package fsmtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/carrierfsm/carrierfsm"
)

// UpstreamSubject is one implementation of carrierfsm.Upstream in front of a
// server that can be broken. All its functions may be called at once.
type UpstreamSubject struct {
	// Upstream is the implementation.
	Upstream carrierfsm.Upstream
	// Again makes another one of the same kind, for the same server.
	Again func() carrierfsm.Upstream
	// Application is one that the server accepts.
	Application carrierfsm.Application
	// Refused is one that the server refuses. Nil leaves that rule out.
	Refused *carrierfsm.Application
	// Request returns a request that the server understands, in a run of its
	// own, with this value as its only secret: the one that the kind means. A
	// resend has none, and a kind that is none may have any.
	Request func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error)
	// Break breaks the next request that the server gets.
	Break func(Breakage)
	// Arrivals is how many requests with this secret arrived, here or wherever
	// a BreakRedirect pointed to.
	Arrivals func(secret string) int
	// Recovers tells that the implementation can find out what became of an
	// answer whose reply it did not get, without sending it again: by asking
	// where the run stands. Then a reply is as good as an unknown outcome; the
	// answer must have arrived exactly once all the same.
	Recovers bool
}

// Breakage is a way in which a server can fail.
type Breakage string

// The ways. In all but the first the request is read.
const (
	BreakConnection Breakage = "the connection can't be made" // from now on
	BreakReply      Breakage = "the reply is lost"
	BreakMidway     Breakage = "the reply breaks off"
	BreakHalf       Breakage = "the reply is half a reply"
	BreakGarbage    Breakage = "the reply is garbage"
	BreakHTML       Breakage = "the reply is a web page"
	BreakStatus     Breakage = "the server says that it failed"
	BreakRedirect   Breakage = "the server points elsewhere" // to where it would be understood
	BreakSize       Breakage = "the reply is endless"
	BreakSlow       Breakage = "the reply does not come" // for many seconds
)

// breakages are those after which the outcome is unknown.
var breakages = []Breakage{
	BreakReply, BreakMidway, BreakHalf, BreakGarbage, BreakHTML, BreakStatus, BreakRedirect, BreakSize, BreakSlow,
}

// TestUpstream runs the contract of carrierfsm.Upstream as subtests. open makes
// a fresh subject for each, and cleans up with tb.
func TestUpstream(t *testing.T, open func(tb testing.TB) UpstreamSubject) {
	t.Helper()
	for _, c := range upstreamCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.run(open(t)); err != nil {
				t.Errorf("%v\n\nthe rule: %s", err, c.rule)
			}
		})
	}
}

// CheckUpstream is TestUpstream for any caller: it returns the joined failures.
func CheckUpstream(tb testing.TB, open func(tb testing.TB) UpstreamSubject) error {
	tb.Helper()
	var errs []error
	for _, c := range upstreamCases() {
		if err := c.run(open(tb)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w (the rule: %s)", c.name, err, c.rule))
		}
	}
	return errors.Join(errs...)
}

type upstreamCase struct {
	name, rule string
	run        func(UpstreamSubject) error
}

func upstreamCases() []upstreamCase {
	cases := []upstreamCase{
		{"Accepts", "an accepted application has a token and a website", accepts},
		{"Refuses", "a refusal of the form is a receipt, and no error", refuses},
		{"Relays", "an answer arrives once, and a refusal is a reply and no error", relays},
		{"RelaysEveryInput", "each kind of input is relayed, with the secret that it means", relaysEveryInput},
		{"Resets", "a reset and a skip go out with what they mean and nothing else, or match ErrNotSent where the API has none", resets},
		{"UnknownInput", "an input that the API does not know matches ErrNotSent, and nothing is sent", unknownInput},
		{"Stateless", "nothing is kept between calls: another instance goes on", stateless},
		{"LeavesSecrets", "the secrets are the caller's to destroy", leavesSecrets},
		{"NotSent", "what certainly never arrived matches ErrNotSent, and never arrives", notSent},
		{"ApplyNotSent", "the same holds for an application", applyNotSent},
		{"OverBeforeItBegan", "with a context that has ended nothing is sent", overBeforeItBegan},
		{"PastDeadline", "after the deadline nothing is sent", pastDeadline},
		{"ManyAtOnce", "calls may be made at once", manyAtOnce},
	}
	for _, b := range breakages {
		name := strings.ReplaceAll(string(b), " ", "_")
		cases = append(cases, upstreamCase{
			"Unknown/" + name, "where " + string(b) + ", the outcome is unknown, and the secret arrived exactly once",
			func(s UpstreamSubject) error { return unknownAfter(s, b) },
		})
		if b != BreakSlow { // there is no telling when an application has arrived
			cases = append(cases, upstreamCase{
				"ApplyUnknown/" + name, "where " + string(b) + ", it is unknown what became of the application",
				func(s UpstreamSubject) error { return applyUnknownAfter(s, b) },
			})
		}
	}
	return cases
}
