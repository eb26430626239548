package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// theSecret must not be in an error.
const theSecret = "735194"

func accepts(s UpstreamSubject) error {
	receipt, err := s.Upstream.Apply(context.Background(), s.Application)
	if err != nil {
		return err
	}
	return useful(receipt)
}

func useful(r carrierfsm.Receipt) error {
	if !r.Accepted || r.Token.Empty() || r.Source.Website == "" {
		return errors.New("the receipt is not accepted, or has no token or no website")
	}
	return nil
}

func refuses(s UpstreamSubject) error {
	if s.Refused == nil {
		return nil
	}
	receipt, err := s.Upstream.Apply(context.Background(), *s.Refused)
	if err == nil && receipt.Accepted {
		err = errors.New("the application was accepted")
	}
	return err
}

func relays(s UpstreamSubject) error {
	return relayed(s, s.Upstream, carrierfsm.InputPassword, theSecret)
}

func relayed(s UpstreamSubject, u carrierfsm.Upstream, kind carrierfsm.InputKind, secret string) error {
	r, err := s.Request(kind, secret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	if _, err := u.Collect(context.Background(), r); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	if kind == carrierfsm.InputResendCaptcha {
		return nil
	}
	return arrived(s, secret, 1)
}

func relaysEveryInput(s UpstreamSubject) error {
	return first(
		relayed(s, s.Upstream, carrierfsm.InputPassword, "735210"),
		relayed(s, s.Upstream, carrierfsm.InputQueryPassword, "735211"),
		relayed(s, s.Upstream, carrierfsm.InputCaptcha, "735212"),
		relayed(s, s.Upstream, carrierfsm.InputResendCaptcha, ""),
	)
}

// resets tests the inputs that not every API has. Each request has all secrets, to
// see which of them are sent.
func resets(s UpstreamSubject) error {
	return first(
		resetting(s, carrierfsm.InputRequestReset, 0),
		resetting(s, carrierfsm.InputSkipSource, 0),
		resetting(s, carrierfsm.InputResetCaptcha, 1), // last: arrivals are counted over all three
	)
}

func resetting(s UpstreamSubject, kind carrierfsm.InputKind, sent int) error {
	const password, query, code, newPassword = "735220", "735221", "735222", "735223"
	r, err := s.Request(carrierfsm.InputCaptcha, code)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	r.Input, r.Password = kind, carrierfsm.NewSecret(password)
	r.QueryPassword, r.NewPassword = carrierfsm.NewSecret(query), carrierfsm.NewSecret(newPassword)
	if _, err = s.Upstream.Collect(context.Background(), r); errors.Is(err, carrierfsm.ErrNotSent) {
		err, sent = nil, 0
	}
	err = first(err, arrived(s, password, 0), arrived(s, query, 0), arrived(s, code, sent), arrived(s, newPassword, sent))
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

func unknownInput(s UpstreamSubject) error {
	r, err := s.Request(carrierfsm.InputPassword, theSecret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	r.Input = "an input of a later version"
	_, err = s.Upstream.Collect(context.Background(), r)
	return first(want("Collect", err, carrierfsm.ErrNotSent), arrived(s, theSecret, 0))
}

// stateless applies with one instance and continues with another.
func stateless(s UpstreamSubject) error {
	receipt, err := s.Upstream.Apply(context.Background(), s.Application)
	if err != nil {
		return err
	}
	r, err := s.Request(carrierfsm.InputPassword, theSecret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	r.Token, r.Website = receipt.Token, receipt.Source.Website
	if _, err := s.Again().Collect(context.Background(), r); err != nil {
		return err
	}
	return first(useful(receipt), arrived(s, theSecret, 1))
}

func leavesSecrets(s UpstreamSubject) error {
	r, err := s.Request(carrierfsm.InputPassword, theSecret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	if _, err := s.Upstream.Collect(context.Background(), r); err != nil {
		return err
	}
	intact := false
	r.Password.Use(func(value []byte) { intact = string(value) == theSecret })
	if !intact {
		return errors.New("the secret was changed or destroyed")
	}
	return nil
}

func notSent(s UpstreamSubject) error {
	r, err := s.Request(carrierfsm.InputPassword, theSecret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	s.Break(BreakConnection)
	_, err = s.Upstream.Collect(context.Background(), r)
	return first(want("Collect", err, carrierfsm.ErrNotSent), discreet(err, values(r)), arrived(s, theSecret, 0))
}

func applyNotSent(s UpstreamSubject) error {
	s.Break(BreakConnection)
	_, err := s.Upstream.Apply(context.Background(), s.Application)
	return first(want("Apply", err, carrierfsm.ErrNotSent), discreet(err, personal(s.Application)))
}

func upstreamCanceled(s UpstreamSubject) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return tooLate(ctx, s)
}

func pastDeadline(s UpstreamSubject) error {
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	return tooLate(ctx, s)
}

func tooLate(ctx context.Context, s UpstreamSubject) error {
	r, err := s.Request(carrierfsm.InputPassword, theSecret)
	if err != nil {
		return fmt.Errorf("calling Request: %w", err)
	}
	_, err = s.Upstream.Collect(ctx, r)
	_, applied := s.Upstream.Apply(ctx, s.Application)
	return first(
		want("Collect", err, carrierfsm.ErrNotSent), want("Apply", applied, carrierfsm.ErrNotSent),
		discreet(err, values(r)), arrived(s, theSecret, 0),
	)
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
		defer onArrival(ctx, s, cancel)()
	}
	_, err = s.Upstream.Collect(ctx, r)
	if err == nil && s.Recovers && b != BreakIgnored {
		return arrived(s, theSecret, 1)
	}
	return first(unknown(err), discreet(err, values(r)), arrived(s, theSecret, 1))
}

// onArrival calls f once the secret has arrived. end stops waiting for it.
func onArrival(ctx context.Context, s UpstreamSubject, f func()) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		poll := time.NewTicker(time.Millisecond)
		defer poll.Stop()
		for s.Arrivals(theSecret) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-poll.C:
			}
		}
		f()
	}()
	return func() { cancel(); <-done }
}

func applyUnknownAfter(s UpstreamSubject, b Breakage) error {
	s.Break(b)
	_, err := s.Upstream.Apply(context.Background(), s.Application)
	return first(unknown(err), discreet(err, personal(s.Application)))
}

func concurrentCalls(s UpstreamSubject) error {
	return errors.Join(concurrently(8, func(i int) error {
		return relayed(s, s.Upstream, carrierfsm.InputPassword, fmt.Sprintf("73520%d", i))
	})...)
}

func unknown(err error) error {
	switch {
	case err == nil:
		return errors.New("no error")
	case errors.Is(err, carrierfsm.ErrNotSent):
		return errors.New("the error matches ErrNotSent")
	}
	return nil
}

func arrived(s UpstreamSubject, secret string, n int) error {
	if got := s.Arrivals(secret); got != n {
		return fmt.Errorf("the secret arrived %d times, not %d", got, n)
	}
	return nil
}

// values returns what an error must not contain of a request.
func values(r carrierfsm.Request) []string {
	return []string{theSecret, Reveal(r.Token), Reveal(r.Account)}
}

// personal returns what an error must not contain of an application.
func personal(a carrierfsm.Application) (list []string) {
	f := a.Form
	for _, s := range []carrierfsm.Secret{f.Name, f.IDCard, f.Phone, f.HomeAddress, f.HomePhone, f.WorkAddress, f.WorkPhone} {
		list = append(list, Reveal(s))
	}
	for _, c := range f.Contacts {
		list = append(list, Reveal(c.Name), Reveal(c.Phone))
	}
	return list
}

// discreet checks that an error, and the errors that it wraps, contain no value.
func discreet(err error, values []string) error {
	if err == nil {
		return nil
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, value := range values {
			if value != "" && strings.Contains(text, value) {
				return errors.New("the error contains a secret, a token or personal data")
			}
		}
	}
	for _, cause := range wrapped(err) {
		if err := discreet(cause, values); err != nil {
			return err
		}
	}
	return nil
}

func wrapped(err error) []error {
	switch e := err.(type) { //nolint:errorlint // one link of the chain at a time
	case interface{ Unwrap() error }:
		return []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}
