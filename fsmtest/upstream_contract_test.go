package fsmtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// The suite is tested for failing: each upstream here breaks one rule.

type collect func(context.Context, carrierfsm.Request) (carrierfsm.Reply, error)

func TestTheSuiteFindsEachBrokenUpstream(t *testing.T) {
	t.Parallel()
	for _, b := range []struct {
		what string
		wrap func(collect) collect
		rule string
	}{
		{"it tries again", func(next collect) collect {
			return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
				reply, err := next(ctx, r)
				if err != nil {
					reply, err = next(ctx, r)
				}
				return reply, err
			}
		}, "Unknown/the_reply_is_lost"},
		{"it takes every failure for not sent", func(next collect) collect {
			return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
				reply, err := next(ctx, r)
				if err != nil {
					err = fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
				}
				return reply, err
			}
		}, "Unknown/the_reply_is_garbage"},
		{"it never says not sent", func(next collect) collect {
			return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
				reply, err := next(ctx, r)
				if err != nil {
					err = errors.New("it failed")
				}
				return reply, err
			}
		}, "NotSent"},
		{"it repeats the token", func(next collect) collect {
			return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
				reply, err := next(ctx, r)
				if err != nil {
					err = fmt.Errorf("token %s: %w", r.Token, err)
				}
				return reply, err
			}
		}, "NotSent"},
		{"it swallows failures", func(next collect) collect {
			return func(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
				reply, _ := next(ctx, r)
				return reply, nil
			}
		}, "Unknown/the_server_says_that_it_failed"},
		{"it goes on after the end", func(next collect) collect {
			return func(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				return next(ctx, r)
			}
		}, "OverBeforeItBegan"},
		{"it sends nothing", func(collect) collect {
			return func(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
				return carrierfsm.Reply{Success: true, Code: "10008"}, nil
			}
		}, "Relays"},
	} {
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			err := fsmtest.CheckUpstream(t, func(tb testing.TB) fsmtest.UpstreamSubject {
				tb.Helper()
				return subject(tb, b.wrap)
			})
			require.ErrorContains(t, err, b.rule+": ")
		})
	}
}

// wrapped is an upstream with something around Collect.
type wrapped struct {
	carrierfsm.Upstream
	collect collect
}

func (w wrapped) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	return w.collect(ctx, r)
}

func subject(tb testing.TB, wrap func(collect) collect) fsmtest.UpstreamSubject {
	tb.Helper()
	world := simulator.New(simulator.Config{})
	server := httptest.NewServer(world)
	tb.Cleanup(server.Close)
	person := simulator.People()[0]
	application := carrierfsm.Application{Form: carrierfsm.Form{Name: person.Name, IDCard: person.IDCard, Phone: person.Phone}}
	c, err := juxinli.New(juxinli.Config{BaseURL: server.URL, Org: "DEMO"})
	require.NoError(tb, err)
	up := wrapped{c, wrap(c.Collect)}
	return fsmtest.UpstreamSubject{
		Upstream: up, Again: func() carrierfsm.Upstream { return up }, Application: application,
		Request: func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error) {
			receipt, err := c.Apply(context.Background(), application)
			return carrierfsm.Request{
				Input: kind, Token: receipt.Token, Website: receipt.Source.Website, Account: person.Phone,
				Password: carrierfsm.NewSecret(secret),
			}, err
		},
		Break: func(b fsmtest.Breakage) {
			faults := map[fsmtest.Breakage]simulator.Fault{
				fsmtest.BreakReply: simulator.DropAfterReading(), fsmtest.BreakMidway: simulator.Reset(),
				fsmtest.BreakGarbage: simulator.Garbage(), fsmtest.BreakHTML: simulator.HTML(),
				fsmtest.BreakStatus: simulator.ServerError(true), fsmtest.BreakRedirect: simulator.Redirect("http://127.0.0.1:1/"),
				fsmtest.BreakSize: simulator.Oversized(), fsmtest.BreakSlow: simulator.SlowHeader(time.Hour),
			}
			if b == fsmtest.BreakConnection {
				server.Close()
				return
			}
			world.FaultNext(faults[b])
		},
		Arrivals: world.Arrivals,
	}
}
