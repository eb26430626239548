package fsmtest_test

import (
	"context"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// anyPrevious replaces any commit of the right version.
type anyPrevious struct{ *memory.Store }

func (s anyPrevious) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	r.Previous = [16]byte{}
	return s.Store.Commit(ctx, r, e...)
}

// erasesAny erases any commit of the right version.
type erasesAny struct{ *memory.Store }

func (s erasesAny) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	r.Previous = [16]byte{}
	return s.Store.Erase(ctx, r, e...)
}
