package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

func TestAWholeVerificationIsToldAsItWas(t *testing.T) {
	t.Parallel()
	k := keep(t)
	failures := 1
	b := fsmtest.NewWith(t, carrierfsm.Config{
		Observer: k.Observer(), Delivery: carrierfsm.Delivery{Workers: 1},
		Handlers: map[string]carrierfsm.Handler{"notify": func(_ context.Context, tr carrierfsm.Transition) error {
			if failures--; failures == 0 {
				return errors.New("13800138000")
			}
			return nil
		}},
	}, fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"), fsmtest.Code("10004"), fsmtest.Code("10008"))
	pass := func(d time.Duration) { b.Clock.Advance(d) }
	pass(5 * time.Second)
	_, err := b.Apply()
	require.NoError(t, err)
	pass(20 * time.Second)
	_, err = b.Password("246810")
	require.NoError(t, err)
	pass(40 * time.Second)
	_, err = b.Captcha("000000")
	require.NoError(t, err)
	pass(20 * time.Second)
	v, err := b.Captcha("500001")
	require.NoError(t, err)
	require.Equal(t, carrierfsm.Done, v.State)
	pass(time.Second)
	_, err = b.Machine.Deliver(context.Background())
	require.Error(t, err)

	const js = "verification.source=chinamobilejs"
	require.Empty(t, cmp.Diff([]string{
		"carrierfsm.submit verification.event=application_accepted verification.id=v1 verification.input=apply verification.outcome=accepted " + js + " verification.state=awaiting_password verification.step=2",
		"  carrierfsm.store.load",
		"  carrierfsm.store.commit",
		"  carrierfsm.call verification.call=apply verification.id=v1 verification.input=apply",
		"  carrierfsm.store.commit",
		"carrierfsm.submit verification.event=captcha_requested verification.id=v1 verification.input=password verification.outcome=accepted " + js + " verification.state=awaiting_captcha verification.step=3",
		"  carrierfsm.store.load",
		"  carrierfsm.store.commit",
		"  carrierfsm.call verification.call=collect verification.id=v1 verification.input=password " + js,
		"  carrierfsm.store.commit",
		"carrierfsm.submit verification.event=captcha_rejected verification.id=v1 verification.input=captcha verification.outcome=rejected " + js + " verification.state=awaiting_captcha verification.step=4",
		"  carrierfsm.store.load",
		"  carrierfsm.store.commit",
		"  carrierfsm.call verification.call=collect verification.id=v1 verification.input=captcha " + js,
		"  carrierfsm.store.commit",
		"carrierfsm.submit verification.event=collection_started verification.id=v1 verification.input=captcha verification.outcome=accepted " + js + " verification.state=done verification.step=5",
		"  carrierfsm.store.load",
		"  carrierfsm.store.commit",
		"  carrierfsm.call verification.call=collect verification.id=v1 verification.input=captcha " + js,
		"  carrierfsm.store.commit",
		"carrierfsm.handle error.type=error verification.event=application_accepted verification.handler=notify verification.id=v1 verification.step=1 Error",
	}, k.tree()))

	require.Empty(t, cmp.Diff([]string{
		"verification.event=application_accepted verification.from=created " + js + " verification.to=applied 1",
		"verification.event=captcha_rejected verification.from=awaiting_captcha " + js + " verification.to=awaiting_captcha 1",
		"verification.event=captcha_requested verification.from=awaiting_password " + js + " verification.to=awaiting_captcha 1",
		"verification.event=collection_started verification.from=awaiting_captcha " + js + " verification.to=done 1",
		"verification.event=password_requested verification.from=applied " + js + " verification.to=awaiting_password 1",
	}, k.points("verification.transitions")))
	require.Empty(t, cmp.Diff([]string{
		"verification.input=apply verification.outcome=accepted " + js + " 1",
		"verification.input=captcha verification.outcome=accepted " + js + " 1",
		"verification.input=captcha verification.outcome=rejected " + js + " 1",
		"verification.input=password verification.outcome=accepted " + js + " 1",
	}, k.points("verification.submissions")))
	require.Empty(t, cmp.Diff([]string{
		"verification.state=applied verification.to=awaiting_password 1 times, 0 s",
		"verification.state=awaiting_captcha verification.to=done 1 times, 60 s",
		"verification.state=awaiting_password verification.to=awaiting_captcha 1 times, 20 s",
		"verification.state=created verification.to=applied 1 times, 5 s",
	}, k.points("verification.state.duration")))
	require.Empty(t, cmp.Diff([]string{
		"error.type=error verification.handler=notify 1 times, 81 s",
	}, k.points("verification.handler.lag")))
	require.Empty(t, k.points("http.client.request.duration"), "nothing was sent by HTTP")
	require.Empty(t, k.points("verification.unknown.active"), "nobody watches")
}
