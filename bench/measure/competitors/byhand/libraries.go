package byhand

import (
	"context"

	"github.com/looplab/fsm"
	"github.com/qmuntal/stateless"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
)

// looplab creates a machine of the whole table for each event, as its README does.
type looplab struct{}

var table = micro.Table()

func (looplab) decide(ctx context.Context, from, event string) (string, error) {
	m := fsm.NewFSM(from, table, fsm.Callbacks{})
	err := m.Event(ctx, event)
	return m.Current(), err
}

// statelessLibrary shares one machine with external storage for the state, which is
// documented and several times faster than a machine for each event.
type statelessLibrary struct{ machine *stateless.StateMachine }

// stateKey is the context's key for the state.
type stateKey struct{}

func newStateless() decider {
	m := stateless.NewStateMachineWithExternalStorage(
		func(ctx context.Context) (stateless.State, error) { return *ctx.Value(stateKey{}).(*string), nil },
		func(ctx context.Context, to stateless.State) error {
			*ctx.Value(stateKey{}).(*string) = to.(string)
			return nil
		}, stateless.FiringImmediate)
	for _, e := range carrierfsm.Edges() {
		state := m.Configure(string(e.From))
		if e.From == e.To {
			state.PermitReentry(string(e.Event))
		} else {
			state.Permit(string(e.Event), string(e.To))
		}
	}
	return statelessLibrary{m}
}

func (s statelessLibrary) decide(ctx context.Context, from, event string) (string, error) {
	state := from
	err := s.machine.FireCtx(context.WithValue(ctx, stateKey{}, &state), event)
	return state, err
}
