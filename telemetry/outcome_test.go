package telemetry_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestEachOutcomeIsCountedAsWhatItIs(t *testing.T) {
	t.Parallel()
	k := keep(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: k.Observer()},
		fsmtest.Refuse("no"), fsmtest.NotSent(), fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"),
		fsmtest.Lost(), fsmtest.Code("77777"), fsmtest.Panics())
	for _, submit := range []func() (carrierfsm.Verification, error){
		b.Apply, b.Apply, b.Apply, func() (carrierfsm.Verification, error) { return b.Password("246810") },
		func() (carrierfsm.Verification, error) { return b.Captcha("500001") },
		b.Resend, func() (carrierfsm.Verification, error) { return b.Captcha("500002") },
	} {
		_, err := submit()
		require.NoError(t, err)
	}
	_, err := b.RequestReset()
	require.ErrorIs(t, err, carrierfsm.ErrNotAwaited)
	_, err = b.Machine.Submit(context.Background(), "13800138000", carrierfsm.Cancel{})
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	_, err = b.Cancel()
	require.NoError(t, err)
	const js = "verification.source=chinamobilejs"
	require.Empty(t, cmp.Diff([]string{
		"error.type=not_awaited verification.input=request_reset verification.outcome=refused " + js + " 1",
		"error.type=not_found verification.input=cancel verification.outcome=refused 1",
		"error.type=not_sent verification.input=apply verification.outcome=not_sent 1",
		"error.type=unknown verification.input=captcha verification.outcome=unknown " + js + " 2",
		"error.type=unknown verification.input=resend_captcha verification.outcome=unknown " + js + " 1",
		"verification.input=apply verification.outcome=accepted " + js + " 1",
		"verification.input=apply verification.outcome=rejected 1",
		"verification.input=cancel verification.outcome=accepted " + js + " 1",
		"verification.input=password verification.outcome=accepted " + js + " 1",
	}, k.points("verification.submissions")))
}

// A refusal is an answer; a fault is a failure, of the call and of what it is part of.
func TestASpanFailsWhereSomethingIsToBeMended(t *testing.T) {
	t.Parallel()
	k := keep(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: k.Observer()}, fsmtest.Panics())
	_, err := b.Apply()
	require.NoError(t, err)
	_, err = b.Password("246810")
	require.ErrorIs(t, err, carrierfsm.ErrNotAwaited)
	require.Empty(t, cmp.Diff([]string{
		"carrierfsm.submit error.type=unknown verification.event=outcome_unknown verification.id=v1 verification.input=apply verification.outcome=unknown verification.state=created verification.step=1 Error",
		"  carrierfsm.store.load",
		"  carrierfsm.store.commit",
		"  carrierfsm.call error.type=unknown verification.call=apply verification.id=v1 verification.input=apply Error",
		"  carrierfsm.store.commit",
		"carrierfsm.submit error.type=not_awaited verification.id=v1 verification.input=password verification.outcome=refused verification.state=created verification.step=1",
		"  carrierfsm.store.load",
	}, k.tree()))
}

// The caller goes away and its span ends; the submission's goes on, as part of
// the same trace, and tells so.
func TestASubmissionThatOutlivesItsCallerStaysInItsTrace(t *testing.T) {
	t.Parallel()
	k := keep(t)
	held, gate := fsmtest.Held(fsmtest.Code("10002"))
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: k.Observer()}, held)
	_, err := b.To(carrierfsm.PromptPassword)
	require.NoError(t, err)
	k.spans.Reset()
	ctx, cancel := context.WithCancel(context.Background())
	ctx, request := k.traces.Tracer("host").Start(ctx, "POST /answers")
	pending := make(chan error)
	go func() {
		_, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Password{Step: 2, Password: carrierfsm.NewSecret("246810")})
		pending <- err
	}()
	<-gate.Arrived()
	cancel()
	require.ErrorIs(t, <-pending, carrierfsm.ErrPending)
	request.End()
	gate.Open()
	require.NoError(t, b.Machine.Close(context.Background()))
	require.Empty(t, cmp.Diff([]string{
		"POST /answers",
		"  carrierfsm.submit verification.detached=true verification.event=captcha_requested verification.id=v1 verification.input=password verification.outcome=accepted verification.source=chinamobilejs verification.state=awaiting_captcha verification.step=3",
		"    carrierfsm.store.load",
		"    carrierfsm.store.commit",
		"    carrierfsm.call verification.call=collect verification.id=v1 verification.input=password verification.source=chinamobilejs",
		"    carrierfsm.store.commit",
	}, k.tree()))
}

func TestAHandlersSpanIsLinkedToTheSubmissionThatCalledForIt(t *testing.T) {
	t.Parallel()
	k := keep(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{
		Observer: k.Observer(),
		Handlers: map[string]carrierfsm.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }},
	})
	_, err := b.Apply()
	require.NoError(t, err)
	_, err = b.Machine.Deliver(context.Background())
	require.NoError(t, err)
	var submitted, handled int
	for _, s := range k.spans.GetSpans() {
		switch s.Name {
		case "carrierfsm.submit":
			submitted++
		case "carrierfsm.handle":
			require.Len(t, s.Links, 1)
			require.False(t, s.Parent.IsValid(), "a trace of its own")
			for _, of := range k.spans.GetSpans() {
				if of.Name == "carrierfsm.submit" {
					require.Equal(t, of.SpanContext.SpanID(), s.Links[0].SpanContext.SpanID())
					handled++
				}
			}
		}
	}
	require.Equal(t, 1, submitted)
	require.Equal(t, 2, handled, "both transitions of the one submission")
}

func TestAHandlersSpanIsNotLinkedToWhatAnotherProcessCommitted(t *testing.T) {
	t.Parallel()
	store := memory.New()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store})
	_, err := b.Apply()
	require.NoError(t, err)
	k := keep(t)
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: store, Upstream: b.Upstream, Observer: k.Observer(),
		Handlers: map[string]carrierfsm.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }},
	})
	require.NoError(t, err)
	_, err = m.Deliver(context.Background())
	require.NoError(t, err)
	require.Len(t, k.spans.GetSpans(), 2)
	for _, s := range k.spans.GetSpans() {
		require.Empty(t, s.Links)
	}
}

// Run asks the store each second; a trace of that would be nobody's.
func TestWhatRunAsksTheStoreIsNoTrace(t *testing.T) {
	t.Parallel()
	k := keep(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: k.Observer()})
	b.Clock.Advance(time.Hour)
	n, err := b.Machine.Settle(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, k.tree())
	require.Equal(t, []string{"verification.event=expired verification.from=created verification.to=failed 1"}, k.points("verification.transitions"))
	ctx, span := k.traces.Tracer("host").Start(context.Background(), "nightly job")
	_, err = b.Machine.Settle(ctx)
	require.NoError(t, err)
	span.End()
	require.Equal(t, []string{"nightly job", "  carrierfsm.store.due"}, k.tree())
}

func TestAStoreThatFailsIsToldByItsClassOnly(t *testing.T) {
	t.Parallel()
	k := keep(t)
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: failing{memory.New()}, Upstream: fsmtest.NewUpstream(), Observer: k.Observer(),
	})
	require.NoError(t, err)
	_, err = m.Submit(context.Background(), "v1", carrierfsm.Cancel{})
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	require.Equal(t, []string{
		"carrierfsm.submit error.type=store verification.input=cancel verification.outcome=refused Error",
		"  carrierfsm.store.load error.type=store Error",
	}, k.tree())
}

// failing is a store whose driver quotes what it was given.
type failing struct{ carrierfsm.Store }

func (failing) Load(context.Context, string) (carrierfsm.Record, error) {
	return carrierfsm.Record{}, errDriver
}
