package acts_test

import (
	"context"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// A host's own tool cancels under an operator's name, with a reason.
func ExampleDo() {
	ctx, store := carrierfsm.ByOperator(context.Background(), "li.wei"), memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()})
	if err != nil {
		panic(err)
	}
	v, err := m.Create(ctx, carrierfsm.NewVerification{ID: "v1"})
	if err != nil {
		panic(err)
	}
	act := acts.Act{Kind: acts.Cancel, Verification: v.ID, Count: 1, Reason: "asked by telephone, from 13800138000"}
	err = acts.Do(ctx, store, act, func(ctx context.Context) (int, error) {
		_, err := m.Submit(ctx, v.ID, carrierfsm.Cancel{})
		return 1, err
	})
	if err != nil {
		panic(err)
	}
	list, err := store.Acts(ctx, acts.Query{Verification: v.ID})
	if err != nil {
		panic(err)
	}
	for _, a := range list {
		fmt.Println(a.Operator, a.Kind, a.Verification, a.Outcome, a.Count, a.Reason)
	}
	// Output: li.wei cancel v1 done 1 asked by telephone, from ****
}
