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
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// slowStore blocks each read of figures until release is closed.
type slowStore struct {
	*countingStore
	release chan struct{}
}

func (s slowStore) Counts(ctx context.Context, handler string, period time.Duration, from, until time.Time) ([]figures.Row, error) {
	select {
	case <-s.release:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.countingStore.Counts(ctx, handler, period, from, until)
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
			require.Contains(t, w.Body.String(), "By carrier", i)
		}
		require.NotContains(t, pages[1].Body.String(), "By carrier")
		require.Equal(t, 5+10*2, store.reads, "the figures once, and two calls for each page")
	})
}

func TestAStoreThatHangsTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := slowStore{&countingStore{Store: memory.New()}, make(chan struct{})}
		s := newFixture(t, carrierfsm.Config{Store: store})
		require.Contains(t, s.page(""), "The store did not answer")
		close(store.release)
		require.Contains(t, s.page(""), "By carrier")
	})
}
