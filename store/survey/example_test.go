package survey_test

import (
	"context"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// Every store of this module can be surveyed.
func ExampleSurveyor() {
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
	var s survey.Surveyor = store
	list, err := s.Survey(ctx, time.Now().Add(-time.Hour), time.Now().Add(time.Minute), 100)
	fmt.Println(len(list), list[0].Record.State, err)
	// Output: 3 created <nil>
}
