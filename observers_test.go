package carrierfsm_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// scribe records the calls of an observer, with its name, in a list that several share.
type scribe struct {
	name string
	list *[]string
}

func (s scribe) note(ctx context.Context, what string) context.Context {
	within, _ := ctx.Value(operation{}).(string)
	*s.list = append(*s.list, s.name+" "+what+" within "+within)
	return context.WithValue(ctx, operation{}, within+s.name)
}

func (s scribe) observer() *carrierfsm.Observer {
	return &carrierfsm.Observer{
		Submit: func(ctx context.Context, in carrierfsm.InputKind) (context.Context, func(carrierfsm.SubmitDone)) {
			return s.note(ctx, string(in)), func(e carrierfsm.SubmitDone) { s.note(ctx, "ends "+string(e.Outcome)) }
		},
		Call: func(ctx context.Context, c carrierfsm.CallStart) (context.Context, func(carrierfsm.CallDone)) {
			return s.note(ctx, "calls "+c.ID), func(e carrierfsm.CallDone) { s.note(ctx, "called "+string(e.Fault)) }
		},
		Store: func(ctx context.Context, method string) (context.Context, func(error)) {
			return s.note(ctx, method), func(err error) { s.note(ctx, "ends "+err.Error()) }
		},
		Exchange: func(ctx context.Context, e carrierfsm.ExchangeStart) func(carrierfsm.ExchangeDone) {
			s.note(ctx, e.Method)
			return func(e carrierfsm.ExchangeDone) { s.note(ctx, "ends "+e.Version) }
		},
		Transition: func(ctx context.Context, m carrierfsm.TransitionDone) { s.note(ctx, string(m.Event)) },
	}
}

func TestObserversAreCalledInTheirOrderAndForEndsInReverse(t *testing.T) {
	t.Parallel()
	var list []string
	a, b, c := scribe{"a", &list}, scribe{"b", &list}, scribe{"c", &list}
	all := carrierfsm.Observers(a.observer(), nil, b.observer(), c.observer())
	observed := func(begin func(context.Context) context.Context) []string {
		list = nil
		if ctx := begin(context.Background()); ctx != nil {
			require.Equal(t, "abc", ctx.Value(operation{}), "the context of the operation has the values of all")
		}
		return list
	}
	around := func(begins, ends string) []string {
		return []string{
			"a " + begins + " within ", "b " + begins + " within a", "c " + begins + " within ab",
			"c " + ends + " within ab", "b " + ends + " within a", "a " + ends + " within ",
		}
	}
	require.Equal(t, around("captcha", "ends accepted"), observed(func(ctx context.Context) context.Context {
		ctx, end := all.Submit(ctx, carrierfsm.InputCaptcha)
		end(carrierfsm.SubmitDone{Outcome: carrierfsm.SubmitAccepted})
		return ctx
	}))
	require.Equal(t, around("calls v1", "called unknown"), observed(func(ctx context.Context) context.Context {
		ctx, end := all.Call(ctx, carrierfsm.CallStart{ID: "v1"})
		end(carrierfsm.CallDone{Fault: "unknown"})
		return ctx
	}))
	require.Equal(t, around("load", "ends gone"), observed(func(ctx context.Context) context.Context {
		ctx, end := all.Store(ctx, "load")
		end(errors.New("gone"))
		return ctx
	}))
	require.Equal(t, []string{
		"a POST within ", "b POST within ", "c POST within ", "c ends 1.1 within ", "b ends 1.1 within ", "a ends 1.1 within ",
	}, observed(func(ctx context.Context) context.Context {
		all.Exchange(ctx, carrierfsm.ExchangeStart{Method: "POST"})(carrierfsm.ExchangeDone{Version: "1.1"})
		return nil
	}))
	require.Equal(t, []string{"a expired within ", "b expired within ", "c expired within "}, observed(func(ctx context.Context) context.Context {
		all.Transition(ctx, carrierfsm.TransitionDone{Event: carrierfsm.Expired})
		return nil
	}))
}

func TestOneObserverAloneIsReturnedItself(t *testing.T) {
	t.Parallel()
	one := newWitness().observer()
	require.Same(t, one, carrierfsm.Observers(one))
	require.Same(t, one, carrierfsm.Observers(nil, one, nil))
	require.Nil(t, carrierfsm.Observers())
	require.Nil(t, carrierfsm.Observers(nil, nil))
}

func TestJoiningOneObserverAllocatesNothing(t *testing.T) {
	one := newWitness().observer()
	require.Zero(t, testing.AllocsPerRun(100, func() { carrierfsm.Observers(nil, one) }))
}

func TestJoinedObserversObserveWhatAnyOfThemDoes(t *testing.T) {
	t.Parallel()
	var list []string
	full := scribe{"a", &list}.observer()
	for _, all := range []*carrierfsm.Observer{
		carrierfsm.Observers(full, &carrierfsm.Observer{}), carrierfsm.Observers(&carrierfsm.Observer{}, full),
	} {
		list = nil
		_, end := all.Call(context.Background(), carrierfsm.CallStart{ID: "v1"})
		end(carrierfsm.CallDone{})
		all.Exchange(context.Background(), carrierfsm.ExchangeStart{})(carrierfsm.ExchangeDone{})
		all.Transition(context.Background(), carrierfsm.TransitionDone{})
		require.Len(t, list, 5)
	}
	none := carrierfsm.Observers(&carrierfsm.Observer{}, &carrierfsm.Observer{})
	store := carrierfsm.Store(memory.New())
	require.Same(t, store, carrierfsm.ObserveStore(none, store))
	require.Nil(t, none.Exchange)
	require.Nil(t, none.Transition)
}

func TestBothObserversOfAMachineReceiveTheSame(t *testing.T) {
	t.Parallel()
	one, two := newWitness(), newWitness()
	b := fsmtest.NewWith(t, carrierfsm.Config{Observer: carrierfsm.Observers(one.observer(), two.observer())})
	_, err := b.To(carrierfsm.PromptCaptcha)
	require.NoError(t, err)
	b.Upstream.Then(fsmtest.Code("10008"))
	_, err = b.Captcha("500001")
	require.NoError(t, err)
	one.allEnded(t)
	two.allEnded(t)
	require.NotEmpty(t, of[carrierfsm.CallDone](one))
	require.Empty(t, cmp.Diff(of[carrierfsm.TransitionDone](one), of[carrierfsm.TransitionDone](two)))
	require.Empty(t, cmp.Diff(of[carrierfsm.CallStart](one), of[carrierfsm.CallStart](two)))
}
