package postgres

import (
	"context"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// Ledger implements carrierfsm.Store.
func (s *Store) Ledger(ctx context.Context, key string) (l budget.Ledger, err error) {
	return l, nil
}

// PurgeLedgers implements carrierfsm.Store.
func (s *Store) PurgeLedgers(ctx context.Context, before time.Time, limit int) (int, error) {
	return 0, nil
}
