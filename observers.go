package carrierfsm

import "context"

// Observers makes one Observer of several: each is told what the others are.
// An operation's context comes from the first one to the next, so that the
// last one's is what the operation runs under; the ends are called the other
// way round. Transitions are told to the first one first.
//
// Entries that are nil are left out. Of one alone that one is returned, and of
// none nil. Of several the functions are taken as they are now; what none of
// them has the returned one has not either, and costs nothing.
func Observers(list ...*Observer) *Observer {
	var all *Observer
	for _, o := range list {
		switch {
		case o == nil:
		case all == nil:
			all = o
		default:
			all = all.around(o)
		}
	}
	return all
}

// around is told first what inner is told too.
func (o *Observer) around(inner *Observer) *Observer {
	return &Observer{
		Submit:     nested(o.Submit, inner.Submit),
		Call:       nested(o.Call, inner.Call),
		Store:      nested(o.Store, inner.Store),
		Handle:     nested(o.Handle, inner.Handle),
		Exchange:   nestedExchange(o.Exchange, inner.Exchange),
		Transition: inTurn(o.Transition, inner.Transition),
	}
}

// nested begins outer before inner, and ends it after inner.
func nested[B, E any](outer, inner func(context.Context, B) (context.Context, func(E))) func(context.Context, B) (context.Context, func(E)) {
	switch {
	case outer == nil:
		return inner
	case inner == nil:
		return outer
	}
	return func(ctx context.Context, begun B) (context.Context, func(E)) {
		ctx, endOuter := outer(ctx, begun)
		ctx, endInner := inner(ctx, begun)
		return ctx, func(ended E) {
			endInner(ended)
			endOuter(ended)
		}
	}
}

// nestedExchange does so where no context is handed on.
func nestedExchange(outer, inner func(context.Context, Exchanging) func(Exchanged)) func(context.Context, Exchanging) func(Exchanged) {
	switch {
	case outer == nil:
		return inner
	case inner == nil:
		return outer
	}
	return func(ctx context.Context, begun Exchanging) func(Exchanged) {
		endOuter, endInner := outer(ctx, begun), inner(ctx, begun)
		return func(ended Exchanged) {
			endInner(ended)
			endOuter(ended)
		}
	}
}

// inTurn tells first, then second.
func inTurn(first, second func(context.Context, Moved)) func(context.Context, Moved) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(ctx context.Context, m Moved) {
		first(ctx, m)
		second(ctx, m)
	}
}
