package fsmtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

type (
	collect func(context.Context, carrierfsm.Request) (carrierfsm.Reply, error)
	apply   func(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error)
)

// broken wraps the calls of an upstream. Nil: the call is not wrapped.
type broken struct {
	around func(world, collect) collect
	apply  func(apply) apply
}

// world is what a broken upstream needs to break a rule.
type world struct {
	elsewhere carrierfsm.Upstream // the target of redirects
}

// failing changes the errors of Collect.
func failing(change func(r carrierfsm.Request, err error) error) func(world, collect) collect {
	return func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			reply, err := next(ctx, r)
			if err != nil {
				err = change(r, err)
			}
			return reply, err
		}
	}
}

// Each upstream here breaks one rule, and the suite must name it.
var brokenUpstreams = []struct {
	what string
	with broken
	rule string
}{
	{"it sends again", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			reply, err := next(ctx, r)
			if err != nil {
				reply, err = next(ctx, r)
			}
			return reply, err
		}
	}}, "Unknown/the_reply_is_lost"},
	{"it sends again and returns the first error", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			reply, err := next(ctx, r)
			if err != nil {
				_, _ = next(ctx, r)
			}
			return reply, err
		}
	}}, "Unknown/the_server_returns_an_error_status"},
	{"it follows redirects", broken{around: func(w world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			reply, err := next(ctx, r)
			if status, ok := errors.AsType[*sendonce.StatusError](err); ok && status.Status == 307 {
				return w.elsewhere.Collect(ctx, r)
			}
			return reply, err
		}
	}}, "Unknown/the_server_redirects"},
	{"every failure matches ErrNotSent", broken{around: failing(func(_ carrierfsm.Request, err error) error {
		return fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
	})}, "Unknown/the_reply_is_not_JSON"},
	{
		"no failure matches ErrNotSent",
		broken{around: failing(func(carrierfsm.Request, error) error { return errors.New("it failed") })},
		"NotSent",
	},
	{"an error contains the token", broken{around: failing(func(r carrierfsm.Request, err error) error {
		return fmt.Errorf("token %s: %w", fsmtest.Reveal(r.Token), err)
	})}, "NotSent"},
	{"an error contains the secret", broken{around: failing(func(r carrierfsm.Request, err error) error {
		return fmt.Errorf("password %s: %w", fsmtest.Reveal(r.Password), err)
	})}, "Unknown/the_reply_is_a_web_page"},
	{"an error has the number in a field", broken{around: failing(func(r carrierfsm.Request, err error) error {
		return fmt.Errorf("failed: %w", hiding{err, fsmtest.Reveal(r.Account)})
	})}, "Unknown/the_reply_is_truncated"},
	{"it swallows failures", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			reply, _ := next(ctx, r)
			return reply, nil
		}
	}}, "Unknown/the_server_returns_an_error_status"},
	{"it ignores its context", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			return next(context.WithoutCancel(ctx), r)
		}
	}}, "CanceledContext"},
	{"it ignores the deadline of its context", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				ctx = context.WithoutCancel(ctx)
			}
			return next(ctx, r)
		}
	}}, "PastDeadline"},
	{"it sends nothing", broken{around: func(world, collect) collect {
		return func(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
			return carrierfsm.Reply{Success: true, Code: "10008"}, nil
		}
	}}, "Relays"},
	{"it sends a reset as a code", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			if r.Input == carrierfsm.InputResetCaptcha {
				r.Input = carrierfsm.InputCaptcha
			}
			return next(ctx, r)
		}
	}}, "Resets"},
	{"it resets to the old password", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			if r.Input == carrierfsm.InputResetCaptcha {
				r.NewPassword = r.Password
			}
			return next(ctx, r)
		}
	}}, "Resets"},
	{"it relays passwords only", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			if r.Input != carrierfsm.InputPassword {
				return carrierfsm.Reply{}, nil
			}
			return next(ctx, r)
		}
	}}, "RelaysEveryInput"},
	{"it sends any input as a password", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			if !r.Password.Empty() {
				r.Input = carrierfsm.InputPassword
			}
			return next(ctx, r)
		}
	}}, "UnknownInput"},
	{"it returns an error for a refusal", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			reply, err := next(ctx, r)
			if err == nil && reply.Code != "10008" {
				err = errors.New("refused")
			}
			return reply, err
		}
	}}, "Relays"},
	{"it destroys the secrets", broken{around: func(_ world, next collect) collect {
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			defer r.Password.Destroy()
			return next(ctx, r)
		}
	}}, "LeavesSecrets"},
	{"it continues only what it began", broken{around: func(_ world, next collect) collect {
		var mu sync.Mutex
		began := make(map[string]bool)
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			mu.Lock()
			defer mu.Unlock()
			if began[fsmtest.Reveal(r.Token)] {
				return next(ctx, r)
			}
			return carrierfsm.Reply{}, errors.New("an unknown token")
		}
	}}, "Stateless"},
	{"it takes one call at a time", broken{around: func(_ world, next collect) collect {
		busy := make(chan struct{}, 1)
		return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			select {
			case busy <- struct{}{}:
				defer func() { <-busy }()
				return next(ctx, r)
			default:
				return carrierfsm.Reply{}, carrierfsm.ErrNotSent
			}
		}
	}}, "Concurrent"},
	{"it accepts without a token", broken{apply: func(next apply) apply {
		return func(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
			receipt, err := next(ctx, a)
			receipt.Token = carrierfsm.Secret{}
			return receipt, err
		}
	}}, "Accepts"},
	{"it returns an error for a refused form", broken{apply: func(next apply) apply {
		return func(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
			receipt, err := next(ctx, a)
			if err == nil && !receipt.Accepted {
				err = errors.New("refused")
			}
			return receipt, err
		}
	}}, "Refuses"},
	{"a lost application matches ErrNotSent", broken{apply: func(next apply) apply {
		return func(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
			receipt, err := next(ctx, a)
			if err != nil {
				err = carrierfsm.ErrNotSent
			}
			return receipt, err
		}
	}}, "ApplyUnknown/the_reply_is_lost"},
	{"an error contains the person's name", broken{apply: func(next apply) apply {
		return func(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
			receipt, err := next(ctx, a)
			if err != nil {
				err = fmt.Errorf("%s: %w", fsmtest.Reveal(a.Form.Name), err)
			}
			return receipt, err
		}
	}}, "ApplyNotSent"},
}

// hiding prints its field only with %#v.
type hiding struct {
	error
	number string
}

func TestTheSuiteFindsEachBrokenUpstream(t *testing.T) {
	t.Parallel()
	for _, b := range brokenUpstreams {
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			err := fsmtest.CheckUpstream(t, func(tb testing.TB) fsmtest.UpstreamSubject {
				tb.Helper()
				return subject(tb, b.with)
			})
			require.Error(t, err)
			require.Contains(t, "\n"+err.Error(), "\n"+b.rule+": ")
		})
	}
}

// An upstream that looks up the outcome may return a reply where others can't. It
// must not send the answer again either.
func TestTheSuiteKnowsRecoveringFromSendingAgain(t *testing.T) {
	t.Parallel()
	again := brokenUpstreams[0]
	require.Equal(t, "it sends again", again.what)
	err := fsmtest.CheckUpstream(t, func(tb testing.TB) fsmtest.UpstreamSubject {
		tb.Helper()
		s := subject(tb, again.with)
		s.Recovers = true
		return s
	})
	require.ErrorContains(t, err, "the secret arrived 2 times, not 1")
}

func TestTheSuitePassesAGoodUpstream(t *testing.T) {
	t.Parallel()
	require.NoError(t, fsmtest.CheckUpstream(t, func(tb testing.TB) fsmtest.UpstreamSubject {
		tb.Helper()
		return subject(tb, broken{})
	}))
}

// altered is an upstream with wrapped calls.
type altered struct {
	collect collect
	apply   apply
}

func (a altered) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	return a.collect(ctx, r)
}

func (a altered) Apply(ctx context.Context, f carrierfsm.Application) (carrierfsm.Receipt, error) {
	return a.apply(ctx, f)
}

func alter(c *juxinli.Client, w world, b broken) carrierfsm.Upstream {
	up := altered{c.Collect, c.Apply}
	if b.around != nil {
		up.collect = b.around(w, up.collect)
	}
	if b.apply != nil {
		up.apply = b.apply(up.apply)
	}
	return up
}

func subject(tb testing.TB, b broken) fsmtest.UpstreamSubject {
	tb.Helper()
	sim := simulator.New(simulator.Config{})
	server, elsewhere := fsmtest.NewServer(tb, sim), httptest.NewServer(sim)
	tb.Cleanup(elsewhere.Close)
	connect := func(url string) *juxinli.Client {
		c, err := juxinli.New(juxinli.Config{BaseURL: url, Org: "DEMO"})
		require.NoError(tb, err)
		return c
	}
	c := connect(server.URL)
	w := world{elsewhere: connect(elsewhere.URL)}
	person := simulator.People()[0]
	application := carrierfsm.Application{Form: carrierfsm.Form{Name: carrierfsm.NewSecret(person.Name), IDCard: carrierfsm.NewSecret(person.IDCard), Phone: carrierfsm.NewSecret(person.Phone)}}
	return fsmtest.UpstreamSubject{
		Upstream:    alter(c, w, b),
		Again:       func() carrierfsm.Upstream { return alter(c, w, b) },
		Application: application,
		Refused:     &carrierfsm.Application{Form: carrierfsm.Form{Name: carrierfsm.NewSecret("无"), IDCard: carrierfsm.NewSecret("无"), Phone: carrierfsm.NewSecret("13800138098")}},
		Request: func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error) {
			receipt, err := c.Apply(tb.Context(), application)
			return requestFor(kind, secret, receipt, person.Phone), err
		},
		Break:    server.Break,
		Arrivals: server.Arrivals,
	}
}

func requestFor(kind carrierfsm.InputKind, secret string, to carrierfsm.Receipt, account string) carrierfsm.Request {
	r := carrierfsm.Request{Input: kind, Token: to.Token, Website: to.Source.Website, Account: carrierfsm.NewSecret(account)}
	switch kind {
	case carrierfsm.InputPassword:
		r.Password = carrierfsm.NewSecret(secret)
	case carrierfsm.InputQueryPassword:
		r.QueryPassword = carrierfsm.NewSecret(secret)
	case carrierfsm.InputCaptcha:
		r.Captcha = carrierfsm.NewSecret(secret)
	}
	return r
}
