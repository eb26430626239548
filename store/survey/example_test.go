package survey_test

import (
	"context"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// Every store of this module can be surveyed.
func ExampleTake() {
	ctx, store := context.Background(), memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()})
	if err != nil {
		panic(err)
	}
	for range 3 {
		if _, err := m.Create(ctx, carrierfsm.NewVerification{}); err != nil {
			panic(err)
		}
	}
	figures, err := survey.Take(ctx, store, survey.Query{})
	fmt.Println(figures.All.Count, figures.Sampled, err)
	// Output: 3 false <nil>
}
