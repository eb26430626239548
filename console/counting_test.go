package console_test

import (
	"context"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// countingStore counts the calls of a store and the rows that they return.
type countingStore struct {
	*memory.Store
	mu          sync.Mutex
	reads, rows int
	failure     error // if set, every read returns it
}

func (s *countingStore) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads, s.rows = 0, 0
}

func (s *countingStore) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *countingStore) count(rows int, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	s.rows += rows
	if s.failure != nil {
		return s.failure
	}
	return err
}

func (s *countingStore) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	r, err := s.Store.Load(ctx, id)
	return r, s.count(1, err)
}

func (s *countingStore) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	list, err := s.Store.History(ctx, id, after, limit)
	return list, s.count(len(list), err)
}

func (s *countingStore) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	list, err := s.Store.List(ctx, q)
	return list, s.count(len(list), err)
}

func (s *countingStore) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	list, err := s.Store.Due(ctx, now, after, limit)
	return list, s.count(len(list), err)
}

func (s *countingStore) Counts(ctx context.Context, handler string, period time.Duration, from, until time.Time) ([]figures.Row, error) {
	list, err := s.Store.Counts(ctx, handler, period, from, until)
	return list, s.count(len(list), err)
}

func (s *countingStore) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	list, err := s.Store.Parked(ctx, q)
	return list, s.count(len(list), err)
}

func (s *countingStore) Cursors(ctx context.Context) ([]outbox.Cursor, error) {
	list, err := s.Store.Cursors(ctx)
	return list, s.count(len(list), err)
}

func (s *countingStore) Acts(ctx context.Context, q acts.Query) ([]acts.Act, error) {
	list, err := s.Store.Acts(ctx, q)
	return list, s.count(len(list), err)
}
