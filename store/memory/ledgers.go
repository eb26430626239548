package memory

import (
	"context"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

// spend applies what the record spends, as the last thing that may refuse a write.
func (s *Store) spend(r *carrierfsm.Record) error {
	if len(r.Spends) == 0 {
		return nil
	}
	key := r.Spends[0].Key
	after, err := s.ledgers[key].Apply(r.Spends)
	if err != nil {
		return err
	}
	s.ledgers[key] = after
	return nil
}

// Ledger implements carrierfsm.Store.
func (s *Store) Ledger(ctx context.Context, key string) (budget.Ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return budget.Ledger{}, err
	}
	l := s.ledgers[key]
	l.Stamps = slices.Clone(l.Stamps)
	return l, nil
}

// PurgeLedgers implements carrierfsm.Store.
func (s *Store) PurgeLedgers(ctx context.Context, before time.Time, limit int) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return 0, err
	}
	for key, l := range s.ledgers {
		if n >= limit {
			break
		}
		if l.Expires.Before(before) {
			delete(s.ledgers, key)
			n++
		}
	}
	return n, nil
}
