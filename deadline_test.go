package carrierfsm_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

type contextKey struct{}

// What waits on a context of ours, each way there is, hears of its deadline when
// that comes and of its end; what asks before hears nothing.
func TestALazyDeadlineIsADeadlineForWhoeverWaits(t *testing.T) {
	t.Parallel()
	ways := map[string]func(ctx context.Context) <-chan error{
		"Err":  polled,
		"Done": awaited,
		"a child": func(ctx context.Context) <-chan error {
			child, cancel := context.WithTimeout(ctx, time.Hour)
			context.AfterFunc(child, cancel)
			return awaited(child)
		},
		"AfterFunc": func(ctx context.Context) <-chan error {
			told := make(chan error, 1)
			context.AfterFunc(ctx, func() { told <- context.Cause(ctx) })
			return told
		},
	}
	for way, wait := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for want, endAt := range map[error]time.Duration{context.DeadlineExceeded: 2 * time.Minute, context.Canceled: 30 * time.Second} {
					ctx, end := carrierfsm.WithDeadline(context.Background(), time.Now().Add(time.Minute))
					begun := time.Now()
					time.AfterFunc(endAt, end)
					require.NoError(t, ctx.Err())
					require.ErrorIs(t, <-wait(ctx), want)
					late := time.Since(begun) - min(endAt, time.Minute)
					require.True(t, late >= 0 && late <= time.Second, "%v", late)
					require.ErrorIs(t, ctx.Err(), want)
					require.ErrorIs(t, context.Cause(ctx), want)
				}
			})
		})
	}
}

// polled looks every second.
func polled(ctx context.Context) <-chan error {
	told := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			pass(time.Second)
		}
		told <- ctx.Err()
	}()
	return told
}

func awaited(ctx context.Context) <-chan error {
	told := make(chan error, 1)
	go func() {
		<-ctx.Done()
		told <- ctx.Err()
	}()
	return told
}

func TestALazyDeadlineIsNotLaterThanItsParents(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithTimeout(context.WithValue(context.Background(), contextKey{}, 1), time.Minute)
	want, _ := parent.Deadline()
	ctx, end := carrierfsm.WithDeadline(parent, want.Add(time.Minute))
	got, ok := ctx.Deadline()
	require.True(t, ok && got.Equal(want))
	require.Equal(t, 1, ctx.Value(contextKey{}))
	cancel()
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	require.Equal(t, 1, ctx.Value(contextKey{}), "also once it is a whole one")
	end()
	past, end := carrierfsm.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	require.ErrorIs(t, context.Cause(past), context.DeadlineExceeded)
	end()
	require.True(t, errors.Is(past.Err(), context.DeadlineExceeded), "it had passed before it was ended")
}

func TestContextsThatComeFromALazyDeadlineTakeNoGoroutines(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		ctx, end := carrierfsm.WithDeadline(context.Background(), time.Now().Add(time.Minute))
		defer end()
		before := runtime.NumGoroutine()
		for range 100 {
			_, cancel := context.WithCancel(ctx)
			defer cancel()
		}
		require.Less(t, runtime.NumGoroutine()-before, 50)
	})
}
