package console_test

import (
	"context"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// counting counts the calls of a store and the rows that they return.
type counting struct {
	*memory.Store
	mu          sync.Mutex
	reads, rows int
	fails       error // what every read returns, where set
}

func (s *counting) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads, s.rows = 0, 0
}

func (s *counting) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *counting) read(rows int, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	s.rows += rows
	if s.fails != nil {
		return s.fails
	}
	return err
}

func (s *counting) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	r, err := s.Store.Load(ctx, id)
	return r, s.read(1, err)
}

func (s *counting) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	list, err := s.Store.History(ctx, id, after, limit)
	return list, s.read(len(list), err)
}

func (s *counting) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	list, err := s.Store.List(ctx, q)
	return list, s.read(len(list), err)
}

func (s *counting) Due(ctx context.Context, now time.Time, after carrierfsm.DueMark, limit int) ([]carrierfsm.Record, error) {
	list, err := s.Store.Due(ctx, now, after, limit)
	return list, s.read(len(list), err)
}

func (s *counting) Survey(ctx context.Context, from, until time.Time, limit int) ([]carrierfsm.Course, error) {
	list, err := s.Store.Survey(ctx, from, until, limit)
	return list, s.read(len(list), err)
}

func (s *counting) Parked(ctx context.Context, q carrierfsm.ParkedQuery) ([]carrierfsm.Parked, error) {
	list, err := s.Store.Parked(ctx, q)
	return list, s.read(len(list), err)
}

func (s *counting) Cursors(ctx context.Context) ([]carrierfsm.Cursor, error) {
	list, err := s.Store.Cursors(ctx)
	return list, s.read(len(list), err)
}
