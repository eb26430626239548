package audit_test

import (
	"context"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/audit"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// A parked row of a verification that is not there is no damage that this module
// leaves.
func ExampleCheck() {
	ctx, store := context.Background(), memory.New()
	now := time.Now()
	row := outbox.Parked{Handler: "notify", ID: "v1", Step: 1, Upto: 1, Since: now, Next: now, Version: 1}
	if err := store.Park(ctx, []outbox.Parked{row}); err != nil {
		panic(err)
	}
	checked, err := audit.Check(ctx, nil, store, func(f audit.Finding) error {
		fmt.Println(f.Kind, f.ID, f.Text)
		return nil
	})
	fmt.Println(checked, err)
	// Output:
	// orphaned_parked v1 for the handler notify
	// 0 <nil>
}
