package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// Hook is the host's own SQL in the transaction of a write that has entries: it
// inserts an order, for example, or a row of the host's outbox. Both are committed
// or neither. An error or a panic rolls both back, and the machine returns
// ErrStore.
//
// The hook is called after the machine's own rows are written. It must use only tx
// and must not commit. It must not do anything outside the transaction, because a
// transition may be retried, and the hook with it. The record is locked until the
// hook returns, so it should be quick; the server ends a transaction that is idle.
type Hook func(ctx context.Context, tx pgx.Tx, r carrierfsm.Record, entries []carrierfsm.Entry) error

// WithHook makes each Create, Commit and Erase that has entries call f in its
// transaction. Such writes are not batched and take four more round trips.
func WithHook(f Hook) Option { return func(s *Store) { s.hook = f } }

// callHook calls the host's hook if there is one and the request has entries.
func (w *writer) callHook(ctx context.Context, tx pgx.Tx, r write.Request) (err error) {
	if w.hook == nil || len(r.Entries) == 0 {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("carrierfsm/postgres: the hook panicked with a %T", p)
		}
	}()
	r = r.Clone() // the hook may change it, and a retry needs the original
	return w.hook(ctx, tx, r.Record, r.Entries)
}
