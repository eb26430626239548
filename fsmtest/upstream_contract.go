package fsmtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/carrierfsm/carrierfsm"
)

// UpstreamSubject is one implementation of carrierfsm.Upstream with a server that
// can be broken: a Server, or any other. All its functions must be safe for
// concurrent use.
type UpstreamSubject struct {
	// Upstream is the implementation.
	Upstream carrierfsm.Upstream
	// Again returns another instance of the implementation, for the same server.
	Again func() carrierfsm.Upstream
	// Application is one that the server accepts.
	Application carrierfsm.Application
	// Refused is one that the server refuses. Nil: the rule on it is not tested.
	Refused *carrierfsm.Application
	// Request returns a request of this kind that the server understands, for an
	// application of its own. secret is its only secret, in the field that belongs
	// to the kind. A resend has none; a kind that does not exist may have any.
	Request func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error)
	// Break breaks the next request that the server gets: Server.Break.
	Break func(Breakage)
	// Arrivals returns how many requests with this secret have arrived, at the
	// server or at the target of a BreakRedirect: Server.Arrivals.
	Arrivals func(secret string) int
	// Recovers reports that the implementation can find out the outcome of a
	// request whose reply was lost without sending it again, by asking the server
	// for its state. It may then return a reply instead of an unknown outcome, except
	// for a BreakIgnored, after which the server has not changed. The secret must have
	// arrived exactly once nevertheless.
	Recovers bool
}

// Breakage is a way in which a server can fail.
type Breakage string

// The ways in which a server can fail. In all but the first the server reads the
// request. BreakConnection lasts; the others are for one request.
const (
	BreakConnection Breakage = "the connection can't be made"
	BreakReply      Breakage = "the reply is lost"
	BreakMidway     Breakage = "the connection breaks during the reply"
	BreakHalf       Breakage = "the reply is truncated"
	BreakGarbage    Breakage = "the reply is not JSON"
	BreakHTML       Breakage = "the reply is a web page"
	BreakStatus     Breakage = "the server returns an error status"
	BreakRedirect   Breakage = "the server redirects" // to a server that would understand the request
	BreakSize       Breakage = "the reply is endless"
	BreakSlow       Breakage = "the reply is slow" // by many seconds
	BreakIgnored    Breakage = "the request is ignored and the reply is lost"
	BreakEcho       Breakage = "the reply is not HTTP and repeats the request"
)

// breakages are those whose outcome is unknown.
var breakages = []Breakage{
	BreakReply, BreakMidway, BreakHalf, BreakGarbage, BreakHTML, BreakStatus, BreakRedirect, BreakSize, BreakSlow,
	BreakIgnored, BreakEcho,
}

// TestUpstream runs the contract of carrierfsm.Upstream as parallel subtests. open
// returns a fresh subject for each, and cleans up with tb.
func TestUpstream(t *testing.T, open func(tb testing.TB) UpstreamSubject) {
	t.Helper()
	for _, c := range upstreamCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.run(open(t)); err != nil {
				t.Errorf("%v\n\nrule: %s", err, c.rule)
			}
		})
	}
}

// CheckUpstream runs the same cases as TestUpstream one after the other and returns
// the joined failures, each with its rule, or nil. It fails tb only where open does.
func CheckUpstream(tb testing.TB, open func(tb testing.TB) UpstreamSubject) error {
	tb.Helper()
	var errs []error
	for _, c := range upstreamCases() {
		if err := c.run(open(tb)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w (rule: %s)", c.name, err, c.rule))
		}
	}
	return errors.Join(errs...)
}

// upstreamCase tests one rule of the contract.
type upstreamCase struct {
	name, rule string
	run        func(UpstreamSubject) error
}

func upstreamCases() []upstreamCase {
	cases := []upstreamCase{
		{"Accepts", "an accepted application has a token and a website", accepts},
		{"Refuses", "a refused form returns a receipt and no error", refuses},
		{"Relays", "an answer arrives once, and a refusal returns a reply and no error", relays},
		{"RelaysEveryInput", "each kind of input is relayed with its secret", relaysEveryInput},
		{"Resets", "a reset and a skip send their own secrets and no others, or match ErrNotSent where the API has none", resets},
		{"UnknownInput", "an unknown kind of input matches ErrNotSent, and nothing is sent", unknownInput},
		{"Stateless", "an instance keeps no state between calls: another one can continue", stateless},
		{"LeavesSecrets", "the secrets of a request are left for the caller to destroy", leavesSecrets},
		{"NotSent", "a request that could not be sent matches ErrNotSent, and does not arrive", notSent},
		{"ApplyNotSent", "an application that could not be sent matches ErrNotSent", applyNotSent},
		{"CanceledContext", "nothing is sent with a context that was canceled", upstreamCanceled},
		{"PastDeadline", "nothing is sent after the deadline", pastDeadline},
		{"Concurrent", "calls may be made concurrently", concurrentCalls},
	}
	for _, b := range breakages {
		name := strings.ReplaceAll(string(b), " ", "_")
		cases = append(cases, upstreamCase{
			"Unknown/" + name, "where " + string(b) + ", the outcome is unknown and the secret has arrived exactly once",
			func(s UpstreamSubject) error { return unknownAfter(s, b) },
		})
		if b != BreakSlow { // Arrivals can't report when an application has arrived
			cases = append(cases, upstreamCase{
				"ApplyUnknown/" + name, "where " + string(b) + ", the outcome of the application is unknown",
				func(s UpstreamSubject) error { return applyUnknownAfter(s, b) },
			})
		}
	}
	return cases
}
