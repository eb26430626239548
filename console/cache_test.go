package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// slowStore blocks each Survey until release is closed.
type slowStore struct {
	*countingStore
	release chan struct{}
}

func (s slowStore) Survey(ctx context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	select {
	case <-s.release:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.countingStore.Survey(ctx, from, until, limit)
}

func TestConcurrentRequestsShareOneComputation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := slowStore{&countingStore{Store: memory.New()}, make(chan struct{})}
		s := newFixture(t, carrierfsm.Config{Store: store})
		store.reset()
		first, leave := context.WithCancel(context.Background())
		second, leaveToo := context.WithCancel(context.Background())
		defer leaveToo()
		pages := make([]*httptest.ResponseRecorder, 10)
		var all sync.WaitGroup
		look := func(i int, ctx context.Context) {
			all.Go(func() { pages[i] = s.do(httptest.NewRequest(http.MethodGet, "/console/", nil).WithContext(ctx)) })
			synctest.Wait()
		}
		look(0, first)
		look(1, second)
		for i := range pages[2:] {
			look(i+2, context.Background())
		}
		leave() // the one that computes
		leaveToo()
		synctest.Wait()
		close(store.release)
		all.Wait()
		for i, w := range pages[2:] {
			require.Contains(t, w.Body.String(), ": all 1.", i)
		}
		require.NotContains(t, pages[1].Body.String(), ": all 1.")
		require.Equal(t, 24+10*2, store.reads, "one survey of 24 parts, and two calls for each page")
	})
}

func TestAStoreThatHangsTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := slowStore{&countingStore{Store: memory.New()}, make(chan struct{})}
		s := newFixture(t, carrierfsm.Config{Store: store})
		require.Contains(t, s.page(""), "The store did not answer")
		close(store.release)
		require.Contains(t, s.page(""), ": all 1.")
	})
}
