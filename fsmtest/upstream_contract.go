package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// UpstreamSubject is one implementation of carrierfsm.Upstream in front of a
// server that can be broken.
type UpstreamSubject struct {
	// Upstream is the implementation.
	Upstream carrierfsm.Upstream
	// Again makes another one of the same kind, for the same server.
	Again func() carrierfsm.Upstream
	// Application is one that the server accepts.
	Application carrierfsm.Application
	// Request returns a request that the server understands, in a run of its
	// own, with this value as its only secret where the kind has one.
	Request func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error)
	// Break breaks the next request that the server gets.
	Break func(Breakage)
	// Arrivals is how often a secret arrived.
	Arrivals func(secret string) int
}

// Breakage is a way in which a server can fail.
type Breakage string

// The ways. In all but the first the request is read.
const (
	BreakConnection Breakage = "the connection can't be made" // from now on
	BreakReply      Breakage = "the reply is lost"
	BreakMidway     Breakage = "the reply breaks off"
	BreakGarbage    Breakage = "the reply is garbage"
	BreakHTML       Breakage = "the reply is a web page"
	BreakStatus     Breakage = "the server says that it failed"
	BreakRedirect   Breakage = "the server points elsewhere"
	BreakSize       Breakage = "the reply is endless"
	BreakSlow       Breakage = "the reply does not come"
)

// breakages are those after which the outcome is unknown.
var breakages = []Breakage{
	BreakReply, BreakMidway, BreakGarbage, BreakHTML, BreakStatus, BreakRedirect, BreakSize, BreakSlow,
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
		{"Relays", "an answer arrives once, and a refusal is a reply and no error", relays},
		{"Stateless", "nothing is kept between calls: another instance goes on", stateless},
		{"NotSent", "what certainly never arrived matches ErrNotSent, and never arrives", notSent},
		{"OverBeforeItBegan", "with a context that has ended nothing is sent", overBeforeItBegan},
		{"ManyAtOnce", "calls may be made at once", manyAtOnce},
	}
	for _, b := range breakages {
		cases = append(cases, upstreamCase{
			"Unknown/" + strings.ReplaceAll(string(b), " ", "_"),
			"where " + string(b) + ", the outcome is unknown, and the secret arrived exactly once",
			func(s UpstreamSubject) error { return unknownAfter(s, b) },
		})
	}
	return cases
}

// theSecret is looked for in errors.
const theSecret = "735194"

func accepts(s UpstreamSubject) error {
	receipt, err := s.Upstream.Apply(context.Background(), s.Application)
	if err != nil {
		return err
	}
	if !receipt.Accepted || receipt.Token == "" || receipt.Source.Website == "" {
		return errors.New("not accepted, or without a token or a website")
	}
	return nil
}

func relays(s UpstreamSubject) error { return relayed(s, s.Upstream, theSecret) }

func relayed(s UpstreamSubject, u carrierfsm.Upstream, secret string) error {
	r, err := s.Request(carrierfsm.InputPassword, secret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	if _, err := u.Collect(context.Background(), r); err != nil {
		return err
	}
	return arrived(s, secret, 1)
}

func stateless(s UpstreamSubject) error {
	return first(relayed(s, s.Upstream, theSecret), relayed(s, s.Again(), "735195"))
}

func notSent(s UpstreamSubject) error {
	r, err := s.Request(carrierfsm.InputPassword, theSecret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	s.Break(BreakConnection)
	_, err = s.Upstream.Collect(context.Background(), r)
	return first(want("Collect", err, carrierfsm.ErrNotSent), discreet(err, r), arrived(s, theSecret, 0))
}

func overBeforeItBegan(s UpstreamSubject) error {
	r, err := s.Request(carrierfsm.InputPassword, theSecret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.Upstream.Collect(ctx, r)
	return first(want("Collect", err, carrierfsm.ErrNotSent), arrived(s, theSecret, 0))
}

func unknownAfter(s UpstreamSubject, b Breakage) error {
	r, err := s.Request(carrierfsm.InputPassword, theSecret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	s.Break(b)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if b == BreakSlow {
		ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
	}
	_, err = s.Upstream.Collect(ctx, r)
	switch {
	case err == nil:
		return errors.New("no error")
	case errors.Is(err, carrierfsm.ErrNotSent):
		return errors.New("the error says that it was not sent")
	}
	return first(discreet(err, r), arrived(s, theSecret, 1))
}

func manyAtOnce(s UpstreamSubject) error {
	return errors.Join(atOnce(8, func(i int) error {
		return relayed(s, s.Upstream, fmt.Sprintf("73520%d", i))
	})...)
}

func arrived(s UpstreamSubject, secret string, n int) error {
	if got := s.Arrivals(secret); got != n {
		return fmt.Errorf("the secret arrived %d times, not %d", got, n)
	}
	return nil
}

// discreet sees that an error repeats nothing of its request.
func discreet(err error, r carrierfsm.Request) error {
	if err == nil {
		return nil
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%#v", err)} {
		for _, value := range []string{theSecret, r.Token, r.Account} {
			if value != "" && strings.Contains(text, value) {
				return errors.New("the error repeats a secret, a token or a number")
			}
		}
	}
	return nil
}
