package outbox_test

import (
	"context"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// A handler is called for each committed transition, by Run on the replica that
// holds the lease; here by Deliver, once. It notifies when the verification has
// ended, by the host's own reference, and reads what it needs from the machine.
func ExampleDispatcher_Deliver() {
	ctx, store := context.Background(), memory.New()
	m, _ := carrierfsm.New(carrierfsm.Config{
		Numbers:  budget.None(),
		Store:    store,
		Upstream: fsmtest.NewUpstream(fsmtest.Accept("chinamobilejs"), fsmtest.Code("10008")),
	})
	d, _ := outbox.New(m, store, outbox.Config{
		Handlers: map[string]outbox.Handler{
			"notify": func(ctx context.Context, t carrierfsm.Transition) error {
				if !t.Ended() {
					return nil
				}
				v, err := outbox.Machine(ctx).Get(ctx, t.ID)
				if err != nil {
					return err // it is called again
				}
				fmt.Println(t.Reference, "is", v.State, "at", v.Source.Website)
				return nil
			},
		},
	})
	v, _ := m.Create(ctx, carrierfsm.NewVerification{Reference: "order 117"})
	v, _ = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	_, _ = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("246810")})
	n, err := d.Deliver(ctx)
	fmt.Println(n, err)
	// Output:
	// order 117 is done at chinamobilejs
	// 3 <nil>
}

// A handler that fails is called again. After several failures its verification is
// parked, others go on, and Replay begins again where an operator says.
func ExampleDispatcher_Replay() {
	ctx, store := context.Background(), memory.New()
	m, _ := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()})
	d, _ := outbox.New(m, store, outbox.Config{
		Handlers: map[string]outbox.Handler{
			"notify": func(_ context.Context, t carrierfsm.Transition) error {
				fmt.Println(t.ID, t.Step, t.Event)
				return nil
			},
		},
	})
	_, _ = m.Create(ctx, carrierfsm.NewVerification{ID: "v1"})
	_, _ = m.Submit(ctx, "v1", carrierfsm.Cancel{})
	_, _ = d.Deliver(ctx)
	fmt.Println(d.Replay(ctx, "notify", "v1", 1))
	_, err := d.Deliver(ctx)
	fmt.Println(err)
	// Output:
	// v1 1 canceled
	// <nil>
	// v1 1 canceled
	// <nil>
}
