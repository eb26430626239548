package telemetry_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

func TestEachOutcomeIsCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: f.Observer()},
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
	}, f.points("verification.submissions")))
}

// A fault fails the span of the call and that of the submission.
func TestFaultsFailASpanAndRefusalsDoNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: f.Observer()}, fsmtest.Panics())
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
	}, f.spanTree()))
}

// The caller's span ends first; the submission's goes on in the same trace, with
// the attribute detached.
func TestASubmissionThatOutlivesItsCallerStaysInItsTrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	held, gate := fsmtest.Held(fsmtest.Code("10002"))
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: f.Observer()}, held)
	_, err := b.To(carrierfsm.PromptPassword)
	require.NoError(t, err)
	f.spans.Reset()
	ctx, cancel := context.WithCancel(context.Background())
	ctx, request := f.traces.Tracer("host").Start(ctx, "POST /answers")
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
	}, f.spanTree()))
}
