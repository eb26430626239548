package sharded_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// heldPerson is a person whose answers are held back.
type heldPerson struct {
	person
	arrived chan struct{} // receives a value for each call
	open    chan struct{} // closed: they are given
}

func (p heldPerson) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	p.arrived <- struct{}{}
	<-p.open
	return fsmtest.Instant{}.Collect(ctx, r)
}

// While a shard drains, the outcome of a call under way is committed and acknowledged, and
// handled. New submissions on it are refused with ErrMoved, which matches ErrStore: nothing
// is sent, counted or created, and the prompt stays. The replica is ready, and nothing else
// stops.
func TestADrainingShardKeepsTheOutcomesOfItsCalls(t *testing.T) {
	t.Parallel()
	p := heldPerson{arrived: make(chan struct{}, 9), open: make(chan struct{})}
	m := newMachine(t, func(c *carrierfsm.Config) { c.Upstream = p })
	handled := make(chan carrierfsm.Event, 9)
	d, err := outbox.New(m.Machine, m.store, outbox.Config{PollInterval: 10 * time.Millisecond, Now: m.clock.Now, Handlers: map[string]outbox.Handler{
		"watch": func(_ context.Context, t carrierfsm.Transition) error {
			handled <- t.Event
			return nil
		},
	}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	answer := sync.OnceFunc(func() { close(p.open) })
	t.Cleanup(func() { answer(); stop(); running.Wait() })
	running.Go(func() { _ = m.Run(ctx) })
	running.Go(func() { _ = d.Run(ctx) })

	var calling, idle, elsewhere *carrierfsm.Verification
	shard, number := m.shardOfPhone(t, 0), 0
	for i := range 10 {
		v := m.begin(t, i)
		switch here := m.store.ShardOf(v.ID) == shard; {
		case here && calling == nil:
			calling = &v
		case here && idle == nil:
			idle, number = &v, i
		case !here:
			elsewhere = &v
		}
	}
	require.NotNil(t, idle)
	require.NotNil(t, elsewhere)
	submit := func(v *carrierfsm.Verification) (carrierfsm.Verification, error) {
		return m.Submit(t.Context(), v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
	}
	type result struct {
		v   carrierfsm.Verification
		err error
	}
	outcome := make(chan result, 2)
	go func() {
		v, err := submit(calling)
		outcome <- result{v, err}
	}()
	<-p.arrived

	require.NoError(t, m.list[shard].DrainShard(t.Context(), 1, true))
	for range 10 { // more often than a shard may fail
		v, err := submit(idle)
		require.ErrorIs(t, err, carrierfsm.ErrMoved)
		require.ErrorIs(t, err, carrierfsm.ErrStore)
		require.Equal(t, idle.Prompt, v.Prompt, "no attempt is counted")
	}
	form := fsmtest.Form()
	form.Phone = carrierfsm.NewSecret(phone(number))
	fresh, err := m.Begin(t.Context(), carrierfsm.NewVerification{}, carrierfsm.Apply{Form: form, Consent: fsmtest.Consent()})
	require.ErrorIs(t, err, carrierfsm.ErrMoved)
	require.Empty(t, fresh.ID)
	list, err := m.List(t.Context(), carrierfsm.Query{States: []carrierfsm.State{carrierfsm.Failed}})
	require.NoError(t, err)
	require.Empty(t, list, "no verification was ended to make room for one that is refused")
	require.NoError(t, m.Ready(t.Context()))
	require.NoError(t, d.Ready(t.Context()))
	go func() {
		v, err := submit(elsewhere)
		outcome <- result{v, err}
	}()
	<-p.arrived // of the other shard
	require.Empty(t, p.arrived, "nothing else was sent")
	answer()
	for range 2 {
		r := <-outcome
		require.NoError(t, r.err)
		require.Equal(t, carrierfsm.PromptCaptcha, r.v.Prompt.Kind)
	}
	for n := 0; n < 2; {
		if <-handled == carrierfsm.CaptchaRequested {
			n++
		}
	}
	_, err = m.Submit(t.Context(), idle.ID, carrierfsm.Cancel{})
	require.NoError(t, err, "what sends nothing goes on")

	require.NoError(t, m.list[shard].DrainShard(t.Context(), 1, false))
	v, err := m.Get(t.Context(), calling.ID)
	require.NoError(t, err)
	_, err = m.Submit(t.Context(), v.ID, carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret("123456")})
	require.NoError(t, err)
}
