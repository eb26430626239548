package sqlite

import (
	"context"

	"github.com/carrierfsm/carrierfsm"
)

// enter begins a call, unless ctx has ended or the store is closed. A call that
// entered ends with leave.
func (s *Store) enter(ctx context.Context) error {
	if !s.calls.Enter() {
		return carrierfsm.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		s.calls.Leave()
		return err
	}
	return nil
}

func (s *Store) leave() { s.calls.Leave() }

// enterRead is enter for a read that goes through database/sql, which may have to
// wait for a connection: the returned context ends when the store is closed. done
// ends the call, and sets its error to ErrClosed if that is why it failed.
func (s *Store) enterRead(ctx context.Context) (reading context.Context, done func(*error), err error) {
	if err := s.enter(ctx); err != nil {
		return nil, nil, err
	}
	reading, stop := s.calls.Until(ctx)
	return reading, func(err *error) {
		*err = s.orClosed(ctx, *err)
		stop()
		s.leave()
	}, nil
}

// orClosed returns ErrClosed for the error of a read, or of waiting for a
// connection, that failed because the store is being closed.
func (s *Store) orClosed(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil && s.calls.Closed() {
		return carrierfsm.ErrClosed
	}
	return err
}
