package outbox

import (
	"context"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Observer is called for what a Dispatcher does, for traces and metrics; package
// telemetry has one for OpenTelemetry. The rules of carrierfsm.Observer apply.
type Observer struct {
	// Handle surrounds each call of a handler, whose context is derived from the
	// returned one. Of a projection it surrounds each Advance: it gets the last
	// transition of the batch, and the Lag is that of the first. It may be nil.
	Handle func(ctx context.Context, h HandleStart) (context.Context, func(HandleDone))
}

// HandleStart is a transition that is about to be given to a handler.
type HandleStart struct {
	// Shard is the shard of the verification; empty where the store has none.
	Shard string
	// Handler is its name.
	Handler string
	// ID and Step name the transition.
	ID   string
	Step int
	// Event is its event.
	Event carrierfsm.Event
}

// HandleDone is how the call of a handler ended.
type HandleDone struct {
	// Why is how it failed: "error", "panic", "timeout", "unreadable"; empty
	// where it succeeded.
	Why string
	// Lag is how long before that the transition was decided.
	Lag time.Duration
}

func (o *Observer) handle(ctx context.Context, h HandleStart) (context.Context, func(HandleDone)) {
	if o == nil || o.Handle == nil {
		return ctx, func(HandleDone) {}
	}
	return o.Handle(ctx, h)
}
