package fsmtest_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// cStrings reads ids up to the first NUL.
type cStrings struct{ *memory.Store }

func (s cStrings) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	id, _, _ = strings.Cut(id, "\x00")
	return s.Store.Load(ctx, id)
}

// narrow has steps of 32 bits.
type narrow struct{ *memory.Store }

func cut(n int) int { return int(int32(n)) }

func (s narrow) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	r.Step = max(cut(r.Step), 0)
	return s.Store.Create(ctx, r, e...)
}

func (s narrow) History(ctx context.Context, id string, after, limit int) (entries, error) {
	return s.Store.History(ctx, id, cut(after), limit)
}

type narrowParked struct{ *memory.Store }

func (s narrowParked) Park(ctx context.Context, rows []outbox.Parked) error {
	for i := range rows {
		rows[i].Step, rows[i].Upto = max(cut(rows[i].Step), 0), max(cut(rows[i].Upto), 0)
	}
	return s.Store.Park(ctx, rows)
}

// noNULs refuses a NUL wherever it is.
type noNULs struct{ *memory.Store }

var errNUL = errors.New("a NUL")

func (s noNULs) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	if strings.Contains(q.Source+q.After.ID, "\x00") {
		return nil, errNUL
	}
	return s.Store.List(ctx, q)
}

// cutTimes cuts the times of queries to microseconds.
type cutTimes struct{ *memory.Store }

func (s cutTimes) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	q.CreatedBefore = q.CreatedBefore.Truncate(time.Microsecond)
	return s.Store.List(ctx, q)
}

type narrowLimits struct{ *memory.Store }

func (s narrowLimits) History(ctx context.Context, id string, after, limit int) (entries, error) {
	return s.Store.History(ctx, id, after, cut(limit))
}

// youngTimes has times in nanoseconds since 1970.
type youngTimes struct{ *memory.Store }

func (s youngTimes) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	if r.Updated.After(time.Unix(0, math.MaxInt64)) {
		r.Updated = time.Unix(0, math.MaxInt64)
	}
	return s.Store.Create(ctx, r, e...)
}

func (s youngTimes) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	if r.Updated.After(time.Unix(0, math.MaxInt64)) {
		r.Updated = time.Unix(0, math.MaxInt64).Truncate(time.Microsecond)
	}
	return s.Store.Commit(ctx, r, e...)
}

// cutBodies keeps 1000 bytes of a body.
type cutBodies struct{ *memory.Store }

func (s cutBodies) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	r.Body = r.Body[:min(len(r.Body), 1000)]
	return s.Store.Commit(ctx, r, e...)
}

type readsOn struct{ *memory.Store }

func (s readsOn) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	return s.Store.List(context.WithoutCancel(ctx), q)
}

type parksOn struct{ *memory.Store }

func (s parksOn) Park(ctx context.Context, rows []outbox.Parked) error {
	return s.Store.Park(context.WithoutCancel(ctx), rows)
}

// closesNot stays open.
type closesNot struct{ *memory.Store }

func (closesNot) Close() error { return nil }

// crashes panics after Close.
type crashes struct {
	*memory.Store
	closed atomic.Bool
}

func (s *crashes) Close() error {
	s.closed.Store(true)
	return s.Store.Close()
}

func (s *crashes) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if s.closed.Load() {
		panic("nil dereference")
	}
	return s.Store.Load(ctx, id)
}
