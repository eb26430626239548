package fsmtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// watcher is a store in memory that is told of each commit and erasure.
type watcher struct {
	*memory.Store
	commits chan struct{}
	erased  chan struct{}
	watch   func(ctx context.Context, w *watcher, committed func()) error
	closed  chan struct{}
}

func newWatcher(watch func(ctx context.Context, w *watcher, committed func()) error) *watcher {
	return &watcher{Store: memory.New(), commits: make(chan struct{}, 100), erased: make(chan struct{}, 100), watch: watch, closed: make(chan struct{})}
}

func (w *watcher) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	err := w.Store.Commit(ctx, r, entries...)
	w.commits <- struct{}{}
	return err
}

func (w *watcher) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	err := w.Store.Erase(ctx, r, entries...)
	w.erased <- struct{}{}
	return err
}

func (w *watcher) Close() error {
	close(w.closed)
	return w.Store.Close()
}

func (w *watcher) Watch(ctx context.Context, committed func()) error {
	return w.watch(ctx, w, committed)
}

func watch(ctx context.Context, w *watcher, committed func()) error {
	committed()
	return w.next(ctx, committed, committed)
}

func (w *watcher) next(ctx context.Context, committed, erased func()) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.closed:
			return carrierfsm.ErrClosed
		case <-w.commits:
			committed()
		case <-w.erased:
			erased()
		}
	}
}

func (w *watcher) subject() fsmtest.WatcherSubject {
	return fsmtest.WatcherSubject{Store: w, Other: func() (carrierfsm.Store, error) { return w, nil }}
}

func TestTheSuitePassesAGoodWatcher(t *testing.T) {
	t.Parallel()
	fsmtest.TestWatcher(t, func(testing.TB) fsmtest.WatcherSubject { return newWatcher(watch).subject() })
}

func TestTheSuiteFindsEachBrokenWatcher(t *testing.T) {
	t.Parallel()
	for _, b := range []struct {
		what, rule string
		watch      func(ctx context.Context, w *watcher, committed func()) error
	}{
		{"no wake-up for earlier commits", "WatchBegins", func(_ context.Context, w *watcher, committed func()) error {
			return w.next(canceled(), committed, committed)
		}},
		{"no wake-up for another process", "WatchOthers", func(ctx context.Context, w *watcher, committed func()) error {
			committed()
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			return w.next(ctx, stop, stop) // it ends instead
		}},
		{"no wake-up for an erasure", "WatchOthers", func(ctx context.Context, w *watcher, committed func()) error {
			committed()
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			return w.next(ctx, committed, stop) // it ends instead
		}},
		{"another error for the context", "WatchContext", func(ctx context.Context, w *watcher, committed func()) error {
			err := watch(ctx, w, committed)
			if ctx.Err() != nil {
				return context.DeadlineExceeded
			}
			return err
		}},
		{"no error of a closed store", "WatchClosed", func(ctx context.Context, w *watcher, committed func()) error {
			_ = watch(ctx, w, committed)
			return ctx.Err()
		}},
	} {
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			err := fsmtest.CheckWatcher(t, func(testing.TB) fsmtest.WatcherSubject { return newWatcher(b.watch).subject() })
			require.ErrorContains(t, err, b.rule+": ")
		})
	}
}

func canceled() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	return ctx
}
