package byhand

import (
	"context"

	"github.com/looplab/fsm"
	"github.com/qmuntal/stateless"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
)

// looplab makes a machine of the whole table in the state of the row, as its
// README does, for each event.
type looplab struct{}

var table = micro.Table()

func (looplab) decide(ctx context.Context, from, event string) (string, error) {
	m := fsm.NewFSM(from, table, fsm.Callbacks{})
	err := m.Event(ctx, event)
	return m.Current(), err
}

// shared is one machine for all, whose state is outside of it: its documented
// external storage, which is several times faster than a machine each.
type shared struct{ machine *stateless.StateMachine }

// present is the key under which a context carries the state.
type present struct{}

func newStateless() decider {
	m := stateless.NewStateMachineWithExternalStorage(
		func(ctx context.Context) (stateless.State, error) { return *ctx.Value(present{}).(*string), nil },
		func(ctx context.Context, to stateless.State) error {
			*ctx.Value(present{}).(*string) = to.(string)
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
	return shared{m}
}

func (s shared) decide(ctx context.Context, from, event string) (string, error) {
	state := from
	err := s.machine.FireCtx(context.WithValue(ctx, present{}, &state), event)
	return state, err
}
