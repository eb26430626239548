package lazydeadline_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/lazydeadline"
)

type contextKey struct{}

// Each way to wait for a context ends at its deadline, or when it is canceled.
func TestEveryWayToWaitEndsAtTheDeadlineOrTheCancellation(t *testing.T) {
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
			result := make(chan error, 1)
			context.AfterFunc(ctx, func() { result <- context.Cause(ctx) })
			return result
		},
	}
	for way, wait := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for want, endAt := range map[error]time.Duration{context.DeadlineExceeded: 2 * time.Minute, context.Canceled: 30 * time.Second} {
					ctx, end := lazydeadline.With(context.Background(), time.Now().Add(time.Minute))
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

// polled asks every second.
func polled(ctx context.Context) <-chan error {
	result := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			pass(time.Second)
		}
		result <- ctx.Err()
	}()
	return result
}

func awaited(ctx context.Context) <-chan error {
	result := make(chan error, 1)
	go func() {
		<-ctx.Done()
		result <- ctx.Err()
	}()
	return result
}

func TestTheDeadlineIsNotLaterThanTheParents(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithTimeout(context.WithValue(context.Background(), contextKey{}, 1), time.Minute)
	want, _ := parent.Deadline()
	ctx, end := lazydeadline.With(parent, want.Add(time.Minute))
	got, ok := ctx.Deadline()
	require.True(t, ok && got.Equal(want))
	require.Equal(t, 1, ctx.Value(contextKey{}))
	cancel()
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	require.Equal(t, 1, ctx.Value(contextKey{}), "also after its timer started")
	end()
	past, end := lazydeadline.With(context.Background(), time.Now().Add(-time.Second))
	require.ErrorIs(t, context.Cause(past), context.DeadlineExceeded)
	end()
	require.True(t, errors.Is(past.Err(), context.DeadlineExceeded), "it had passed before it was ended")
}

// A suspended machine has a monotonic clock that stands still.
func TestTheWallClockAloneEndsAContextThatNobodyWaitedFor(t *testing.T) {
	t.Parallel()
	now := time.Now()
	wall := now.Round(0)
	for name, wait := range map[string]func(ctx context.Context) error{
		"Err":  context.Context.Err,
		"Done": func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) },
	} {
		ctx, end := lazydeadline.WithClock(context.Background(), now.Add(time.Minute), func() time.Time { return wall })
		require.NoError(t, ctx.Err(), name)
		wall = wall.Add(time.Minute)
		require.ErrorIs(t, wait(ctx), context.DeadlineExceeded, name)
		wall = wall.Add(-time.Minute)
		end()
	}
}

func TestChildrenNeedNoGoroutines(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		ctx, end := lazydeadline.With(context.Background(), time.Now().Add(time.Minute))
		defer end()
		before := runtime.NumGoroutine()
		for range 100 {
			_, cancel := context.WithCancel(ctx)
			defer cancel()
		}
		require.Less(t, runtime.NumGoroutine()-before, 50)
	})
}

// pass advances synctest's clock.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the clock is synctest's
