package memory_test

import (
	"context"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// A store in memory is for tests and for trying things: what it holds ends with the
// process.
func ExampleNew() {
	ctx := context.Background()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: fsmtest.NewUpstream()})
	if err != nil {
		panic(err)
	}
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	fmt.Println(v.State, v.Prompt.Kind, err)
	// Output: created application <nil>
}
