package carrierfsm

import (
	"context"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// Observers joins several Observers into one: each of them is called. The
// context of an operation passes from the first to the last, so that the
// operation runs under the last one's; their done functions are called in the
// opposite order. Transition is called from the first to the last.
//
// Nil entries are left out. A single Observer is returned itself, and none as
// nil. The functions of several are taken at the time of the call; a function
// that none of them has is nil in the result and costs nothing.
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

// around returns an Observer that calls o and, inside of it, inner.
func (o *Observer) around(inner *Observer) *Observer {
	return &Observer{
		Submit:     nested(o.Submit, inner.Submit),
		Call:       nested(o.Call, inner.Call),
		Store:      nested(o.Store, inner.Store),
		Exchange:   nestedExchange(o.Exchange, inner.Exchange),
		Transition: inOrder(o.Transition, inner.Transition),
	}
}

// nested starts outer before inner, and ends it after inner.
func nested[S, D any](outer, inner func(context.Context, S) (context.Context, func(D))) func(context.Context, S) (context.Context, func(D)) {
	switch {
	case outer == nil:
		return inner
	case inner == nil:
		return outer
	}
	return func(ctx context.Context, start S) (context.Context, func(D)) {
		ctx, outerDone := outer(ctx, start)
		ctx, innerDone := inner(ctx, start)
		return ctx, func(done D) {
			innerDone(done)
			outerDone(done)
		}
	}
}

// nestedExchange is nested for functions that return no context.
func nestedExchange(outer, inner func(context.Context, ExchangeStart) func(ExchangeDone)) func(context.Context, ExchangeStart) func(ExchangeDone) {
	switch {
	case outer == nil:
		return inner
	case inner == nil:
		return outer
	}
	return func(ctx context.Context, start ExchangeStart) func(ExchangeDone) {
		outerDone, innerDone := outer(ctx, start), inner(ctx, start)
		return func(done ExchangeDone) {
			innerDone(done)
			outerDone(done)
		}
	}
}

// inOrder calls first, then second.
func inOrder(first, second func(context.Context, TransitionDone)) func(context.Context, TransitionDone) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(ctx context.Context, t TransitionDone) {
		first(ctx, t)
		second(ctx, t)
	}
}

// The done functions where there is no Observer.
var (
	noSubmitDone = func(SubmitDone) {}
	noCallDone   = func(CallDone) {}
)

func (o *Observer) submit(ctx context.Context, in InputKind) (context.Context, func(SubmitDone)) {
	if o == nil || o.Submit == nil {
		return ctx, noSubmitDone
	}
	return o.Submit(ctx, in)
}

func (o *Observer) call(ctx context.Context, c CallStart) (context.Context, func(CallDone)) {
	if o == nil || o.Call == nil {
		return ctx, noCallDone
	}
	return o.Call(ctx, c)
}

// committed reports the transitions of a decision that was committed.
func (o *Observer) committed(ctx context.Context, d *decision) {
	if o == nil || o.Transition == nil {
		return
	}
	since := d.since
	for _, t := range d.transitions {
		done := TransitionDone{
			ID: t.ID, Step: t.Step, From: t.From, Event: t.Event, To: t.To, Source: t.Detail.Source, Dwell: dwell(&t, &since),
		}
		if done.Source == "" {
			done.Source = d.At.Website
		}
		o.Transition(ctx, done)
	}
}

// submitRefused is the end of a submission that was not sent.
func submitRefused(s *snapshot, err error) SubmitDone {
	done := submitDone(s)
	done.Outcome, done.Err = SubmitRefused, err
	return done
}

// submitCanceled is the end of a cancellation.
func submitCanceled(s *snapshot, err error) SubmitDone {
	if err != nil && !errors.Is(err, ErrPending) {
		return submitRefused(s, err)
	}
	done := submitDone(s)
	done.Outcome, done.Err = SubmitAccepted, err
	if err == nil {
		done.Event = Canceled
	}
	return done
}

// submitSettled is the end of a submission whose call was made.
func submitSettled(d *decision, err error) SubmitDone {
	done := submitDone(&d.snapshot)
	done.Outcome, done.Dropped, done.Err = SubmitUnknown, errors.Is(err, ErrStale), err
	if err == nil && len(d.transitions) > 0 {
		done.Event = d.transitions[0].Event
		done.Outcome = done.Event.outcome()
	}
	return done
}

func submitDone(s *snapshot) SubmitDone {
	return SubmitDone{ID: s.ID, State: s.State, Step: s.Step, Source: s.At.Website}
}

// outcome is what an event means for the submission that led to it.
func (e Event) outcome() SubmitOutcome {
	switch e {
	case UpstreamUnavailable:
		return SubmitNotSent
	case OutcomeUnknown, ReplyUnrecognized:
		return SubmitUnknown
	case ApplicationRejected, SourceUnsupported, PasswordRejected, QueryPasswordRejected, CaptchaRejected, CaptchaReissued,
		ResetRequired, ResetUnsupported, NewPasswordRejected, ResetFailed, VerificationRejected:
		return SubmitRejected
	default:
		return SubmitAccepted
	}
}

type shardKey struct{}

// ObservedShard returns the name of the shard that a call of the store goes to, from the
// context that Observer.Store was given; empty where the store has no shards, and for
// calls that go to all.
func ObservedShard(ctx context.Context) string {
	name, _ := ctx.Value(shardKey{}).(string)
	return name
}

// observedStore calls an Observer around each call of a store.
type observedStore struct {
	store  Store
	begin  func(ctx context.Context, method string) (context.Context, func(error))
	shard  string  // of a store that is one
	shards sharder // of a store that has them
}

// start begins a call; id is that of the verification, or empty.
func (s observedStore) start(ctx context.Context, method, id string) (context.Context, func(error)) {
	name := s.shard
	if s.shards != nil && id != "" {
		name = s.shards.Shards()[s.shards.ShardOf(id)].Name
	}
	if name != "" {
		ctx = context.WithValue(ctx, shardKey{}, name)
	}
	return s.begin(ctx, method)
}

// observeStore returns the store with the Observer around its calls, or the
// store itself if the Observer has no Store function.
func observeStore(o *Observer, s Store) Store {
	if o == nil || o.Store == nil {
		return s
	}
	shards, _ := s.(sharder)
	return observedStore{store: s, begin: o.Store, shards: shards}
}

// Create is Store's.
func (s observedStore) Create(ctx context.Context, r Record, entries ...Entry) error {
	ctx, done := s.start(ctx, "create", r.ID)
	err := s.store.Create(ctx, r, entries...)
	done(err)
	return err
}

// Load is Store's.
func (s observedStore) Load(ctx context.Context, id string) (Record, error) {
	ctx, done := s.start(ctx, "load", id)
	r, err := s.store.Load(ctx, id)
	done(err)
	return r, err
}

// Commit is Store's.
func (s observedStore) Commit(ctx context.Context, r Record, entries ...Entry) error {
	ctx, done := s.start(ctx, "commit", r.ID)
	err := s.store.Commit(ctx, r, entries...)
	done(err)
	return err
}

// Erase is Store's.
func (s observedStore) Erase(ctx context.Context, r Record, entries ...Entry) error {
	ctx, done := s.start(ctx, "erase", r.ID)
	err := s.store.Erase(ctx, r, entries...)
	done(err)
	return err
}

// History is Store's.
func (s observedStore) History(ctx context.Context, id string, afterStep, limit int) ([]Entry, error) {
	ctx, done := s.start(ctx, "history", id)
	list, err := s.store.History(ctx, id, afterStep, limit)
	done(err)
	return list, err
}

// List is Store's.
func (s observedStore) List(ctx context.Context, q Query) ([]Record, error) {
	ctx, done := s.start(ctx, "list", "")
	list, err := s.store.List(ctx, q)
	done(err)
	return list, err
}

// Due is Store's.
func (s observedStore) Due(ctx context.Context, now time.Time, after PageKey, limit int) ([]Record, error) {
	ctx, done := s.start(ctx, "due", "")
	list, err := s.store.Due(ctx, now, after, limit)
	done(err)
	return list, err
}

// Purge is Store's.
func (s observedStore) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	ctx, done := s.start(ctx, "purge", "")
	n, err := s.store.Purge(ctx, before, limit)
	done(err)
	return n, err
}

// Ledger is Store's.
func (s observedStore) Ledger(ctx context.Context, key string) (budget.Ledger, error) {
	ctx, done := s.start(ctx, "ledger", "")
	l, err := s.store.Ledger(ctx, key)
	done(err)
	return l, err
}

// PurgeLedgers is Store's.
func (s observedStore) PurgeLedgers(ctx context.Context, before time.Time, limit int) (int, error) {
	ctx, done := s.start(ctx, "purge_ledgers", "")
	n, err := s.store.PurgeLedgers(ctx, before, limit)
	done(err)
	return n, err
}
