package console_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
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

func (u *unreliable) Acts(ctx context.Context, q acts.Query) ([]acts.Act, error) {
	if err := u.err(); err != nil {
		return nil, err
	}
	return u.Store.Acts(ctx, q)
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
	s.ID = "s000-one"
	replay := s.action("replay", "handler", "notify", "step", "1")
	require.Equal(t, http.StatusSeeOther, s.post(replay).Code)
	list[1].down.Store(true)
	for _, path := range []string{"", "list", "attention", "handlers", "acts?id=s000-one", "verification?id=s000-one"} {
		page := s.page(path)
		require.Contains(t, page, "No answer from west", path)
		require.NotContains(t, page, "s3ff-two", path)
		if path != "" && path != "attention" {
			require.Contains(t, page, "s000-one", path)
		}
	}
	require.Contains(t, s.page("verification?id=s000-one"), "s000-one")
	require.Contains(t, visibleText(s.page("handlers?name=notify")), "By error")
	require.NotContains(t, s.page("handlers?name=notify&error=000000000000"), "s000-one", "another error")
	for _, file := range []string{"list.csv", "list.json", "acts.csv", "parked.csv?name=notify"} {
		w := s.get(file)
		require.Equal(t, http.StatusServiceUnavailable, w.Code, "%s: a file can't say what is missing", file)
		require.Contains(t, w.Body.String(), "No answer from west")
	}
	for _, path := range []string{"acts?kind=changes", "verification?id=s000-one"} {
		require.Contains(t, visibleText(s.page(path)), "li.wei replay", path)
	}
	require.Equal(t, http.StatusSeeOther, s.post(replay).Code)
	require.Contains(t, visibleText(s.page("replay?name=notify&some=on&row=s000-one")), "1 parked verification is")
}

// flaky is a shard whose next lists fail.
type flaky struct {
	*memory.Store
	fails atomic.Int64
}

func (f *flaky) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	if f.fails.Add(-1) >= 0 {
		return nil, errDown
	}
	return f.Store.List(ctx, q)
}

// A search reads several times; what one of the reads does not get is missing.
func TestASearchSaysWhichShardWasDownDuringAPartOfIt(t *testing.T) {
	t.Parallel()
	west := &flaky{Store: memory.New()}
	store, err := sharded.New(t.Context(), sharded.Config{
		Shards: []sharded.Shard{{Name: "east", Store: memory.New()}, {Name: "west", Store: west}}, Create: true,
	})
	require.NoError(t, err)
	s := newFixture(t, carrierfsm.Config{Store: store})
	for i := range 250 {
		s.put("s000-"+itoa(i), time.Duration(i)*time.Second, nil)
	}
	s.put("s3ff-west", time.Second, nil)
	west.fails.Store(1)
	require.Contains(t, s.page("list?find=s3ff"), "No answer from west")
}
