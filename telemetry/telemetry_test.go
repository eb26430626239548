package telemetry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// processFixture sets the global providers, which can be done once.
var processFixture = sync.OnceValue(func() *fixture {
	k := &fixture{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(k.spans)))
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(k.reader)))
	return k
})

// Not parallel: the providers are global. They are set after New, as in a service
// that sets up its SDK last.
func TestTheZeroConfigUsesTheProvidersOfTheProcess(t *testing.T) {
	tel, err := telemetry.New(telemetry.Config{})
	require.NoError(t, err)
	f := processFixture()
	f.t = t
	_, end := tel.Observer().Submit(context.Background(), carrierfsm.InputCancel)
	end(carrierfsm.SubmitDone{Outcome: carrierfsm.SubmitAccepted})
	require.Equal(t, []string{"carrierfsm.submit verification.input=cancel verification.outcome=accepted"}, f.spanTree())
	require.Len(t, f.points("verification.submissions"), 1)
}

func TestNewRefusesNegativeBounds(t *testing.T) {
	t.Parallel()
	for _, cfg := range []telemetry.Config{{Sources: -1}, {Within: -1}} {
		_, err := telemetry.New(cfg)
		require.Error(t, err)
	}
}

func TestAWholeVerificationIsRecorded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	failures := 1
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: f.Observer()},
		fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"), fsmtest.Code("10004"), fsmtest.Code("10008"))
	d := b.Dispatcher(outbox.Config{
		Observer: f.HandlerObserver(), Workers: 1,
		Handlers: map[string]outbox.Handler{"notify": func(_ context.Context, tr carrierfsm.Transition) error {
			if failures--; failures == 0 {
				return errors.New("13800138000")
			}
			return nil
		}},
	})
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
	_, err = d.Deliver(context.Background())
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
		"  carrierfsm.store.commit",
		"  carrierfsm.call verification.call=collect verification.id=v1 verification.input=captcha " + js,
		"  carrierfsm.store.commit",
		"carrierfsm.submit verification.event=collection_started verification.id=v1 verification.input=captcha verification.outcome=accepted " + js + " verification.state=done verification.step=5",
		"  carrierfsm.store.commit",
		"  carrierfsm.call verification.call=collect verification.id=v1 verification.input=captcha " + js,
		"  carrierfsm.store.commit",
		"carrierfsm.handle error.type=error verification.event=application_accepted verification.handler=notify verification.id=v1 verification.step=1 Error",
	}, f.spanTree()))

	require.Empty(t, cmp.Diff([]string{
		"verification.event=application_accepted verification.from=created " + js + " verification.to=applied 1",
		"verification.event=captcha_rejected verification.from=awaiting_captcha " + js + " verification.to=awaiting_captcha 1",
		"verification.event=captcha_requested verification.from=awaiting_password " + js + " verification.to=awaiting_captcha 1",
		"verification.event=collection_started verification.from=awaiting_captcha " + js + " verification.to=done 1",
		"verification.event=password_requested verification.from=applied " + js + " verification.to=awaiting_password 1",
	}, f.points("verification.transitions")))
	require.Empty(t, cmp.Diff([]string{
		"verification.input=apply verification.outcome=accepted " + js + " 1",
		"verification.input=captcha verification.outcome=accepted " + js + " 1",
		"verification.input=captcha verification.outcome=rejected " + js + " 1",
		"verification.input=password verification.outcome=accepted " + js + " 1",
	}, f.points("verification.submissions")))
	require.Empty(t, cmp.Diff([]string{
		"verification.state=applied verification.to=awaiting_password 1 times, 0 s",
		"verification.state=awaiting_captcha verification.to=done 1 times, 60 s",
		"verification.state=awaiting_password verification.to=awaiting_captcha 1 times, 20 s",
		"verification.state=created verification.to=applied 1 times, 5 s",
	}, f.points("verification.state.duration")))
	require.Empty(t, cmp.Diff([]string{
		"error.type=error verification.handler=notify 1 times, 81 s",
	}, f.points("verification.handler.lag")))
	require.Empty(t, f.points("http.client.request.duration"), "nothing was sent by HTTP")
	require.Empty(t, f.points("verification.unknown.active"), "Watch was not called")
}
