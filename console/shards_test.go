package console_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// unreliable is a shard that can be down for reads.
type unreliable struct {
	*memory.Store
	down atomic.Bool
}

var errDown = errors.New("the server is down")

func (u *unreliable) err() error {
	if u.down.Load() {
		return errDown
	}
	return nil
}

func (u *unreliable) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	if err := u.err(); err != nil {
		return nil, err
	}
	return u.Store.List(ctx, q)
}

func (u *unreliable) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	if err := u.err(); err != nil {
		return nil, err
	}
	return u.Store.Due(ctx, now, after, limit)
}

func (u *unreliable) Survey(ctx context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	if err := u.err(); err != nil {
		return nil, err
	}
	return u.Store.Survey(ctx, from, until, limit)
}

func (u *unreliable) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	if err := u.err(); err != nil {
		return nil, err
	}
	return u.Store.Parked(ctx, q)
}

func (u *unreliable) Cursors(ctx context.Context) ([]outbox.Cursor, error) {
	if err := u.err(); err != nil {
		return nil, err
	}
	return u.Store.Cursors(ctx)
}

// With a shard down each page shows what the others have, and says which one is missing.
func TestPagesShowTheShardsThatAnswer(t *testing.T) {
	t.Parallel()
	list := []*unreliable{{Store: memory.New()}, {Store: memory.New()}}
	store, err := sharded.New(t.Context(), sharded.Config{
		Shards: []sharded.Shard{{Name: "east", Store: list[0]}, {Name: "west", Store: list[1]}}, Create: true,
	})
	require.NoError(t, err)
	s := newFixture(t, carrierfsm.Config{Store: store})
	s.setHandlers(map[string]outbox.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return context.Canceled }})
	for _, id := range []string{"s000-one", "s3ff-two"} {
		s.addVerification(id)
	}
	_, err = s.handlers.Deliver(t.Context())
	require.Error(t, err)
	for _, path := range []string{"list", "handlers"} {
		page := s.page(path)
		require.Contains(t, page, "s000-one", path)
		require.Contains(t, page, "s3ff-two", path)
		require.NotContains(t, page, "No answer", path)
	}
	require.Contains(t, visibleText(s.page("handlers")), "Shard west")
	list[1].down.Store(true)
	for _, path := range []string{"", "list", "attention", "handlers"} {
		page := s.page(path)
		require.Contains(t, page, "No answer from west", path)
		require.NotContains(t, page, "s3ff-two", path)
		if path == "list" || path == "handlers" {
			require.Contains(t, page, "s000-one", path)
		}
	}
	require.Contains(t, s.page("verification?id=s000-one"), "s000-one")
}
