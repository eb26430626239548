package juxinli_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

func TestManyCallersShareOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f juxinli.Flight
		calls := 0
		call := func(ctx context.Context) (string, error) {
			calls++
			return "value", pause(ctx, time.Second)
		}
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				value, err := f.Do(t.Context(), time.Minute, call)
				if value != "value" || err != nil {
					t.Errorf("%s, %v", value, err)
				}
			})
		}
		all.Wait()
		require.Equal(t, 1, calls)
		_, err := f.Do(t.Context(), time.Minute, call)
		require.NoError(t, err)
		require.Equal(t, 2, calls, "the next caller makes a new call")
	})
}

func TestACallIsBoundedAndOutlivesItsCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f juxinli.Flight
		calls := 0
		hang := func(ctx context.Context) (string, error) {
			calls++
			return "", pause(ctx, time.Hour)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.Do(ctx, time.Minute, hang)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, carrierfsm.ErrNotSent)
		_, err = f.Do(t.Context(), time.Minute, hang)
		require.ErrorIs(t, err, context.DeadlineExceeded, "the caller that waited gets the result")
		require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
		require.Equal(t, 1, calls, "both shared one call")
	})
}

func TestAPanicInASharedCallIsAnError(t *testing.T) {
	t.Parallel()
	var f juxinli.Flight
	_, err := f.Do(t.Context(), time.Minute, func(context.Context) (string, error) { panic("secret") })
	require.ErrorIs(t, err, sendonce.ErrBroken)
	require.NotContains(t, err.Error(), "secret")
	_, err = f.Do(t.Context(), time.Minute, func(context.Context) (string, error) { return "", errors.New("x") })
	require.EqualError(t, err, "x", "the next call is made")
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// delayedContext calls meanwhile at the first call of Err: that is between a
// caller's check of the cached value and its fetch.
type delayedContext struct {
	context.Context //nolint:containedctx // it wraps a context
	once            sync.Once
	meanwhile       func()
}

func (d *delayedContext) Err() error {
	d.once.Do(d.meanwhile)
	return d.Context.Err()
}
