package fsmtest_test

import (
	"context"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// keepsOldDetails replaces no detail.
type keepsOldDetails struct{ *memory.Store }

func (s keepsOldDetails) Reseal(ctx context.Context, r carrierfsm.Record, _ ...carrierfsm.Entry) error {
	return s.Commit(ctx, r)
}
