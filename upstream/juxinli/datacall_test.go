package juxinli_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// Transient errors are retried with growing pauses; other errors are not.
func TestOnlyTransientErrorsAreRetried(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		tries int
	}{
		{nil, 1},
		{sendonce.ErrBroken, 4},
		{&sendonce.ConnectError{Err: errors.New("x")}, 4},
		{fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, &sendonce.ConnectError{Err: errors.New("x")}), 4},
		{&sendonce.StatusError{Status: 502}, 4},
		{&sendonce.StatusError{Status: 503}, 4},
		{&sendonce.StatusError{Status: 504}, 4},
		{&sendonce.StatusError{Status: 500}, 1},
		{&sendonce.StatusError{Status: 429}, 1},
		{&sendonce.StatusError{Status: 302}, 1},
		{juxinli.ErrMalformed, 1},
		{sendonce.ErrTooLarge, 1},
		{sendonce.ErrNotJSON, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Duration
			began := time.Now()
			_, err := juxinli.Retry(t.Context(), 4, time.Second, func() ([]byte, error) {
				at = append(at, time.Since(began))
				return nil, c.err
			})
			require.Equal(t, c.err, err)
			require.Equal(t, []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}[:c.tries], at)
		})
	}
}

func TestAPauseEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began, tries := time.Now(), 0
		_, err := juxinli.Retry(ctx, 3, time.Hour, func() ([]byte, error) {
			tries++
			return nil, sendonce.ErrBroken
		})
		require.ErrorIs(t, err, sendonce.ErrBroken)
		require.Equal(t, 1, tries)
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestADataCallIsRetriedWithoutAResponse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule  string
		fault simulator.Fault
		again bool
	}{
		{"the connection broke", simulator.DropBeforeReading(), true},
		{"the reply was lost", simulator.DropAfterReading(), true},
		{"the connection was reset within the reply", simulator.Reset(), true},
		{"503", simulator.ServerError(false), true},
		{"a truncated body", simulator.Truncated(), false},
		{"garbage", simulator.Garbage(), false},
		{"a web page", simulator.HTML(), false},
		{"a redirect", simulator.Redirect("http://127.0.0.1:1/"), false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			a := newDataFixture(t, "plain", func(cfg *juxinli.DataConfig) { cfg.Tries = 2 })
			_, err := a.Job(t.Context(), a.token)
			require.NoError(t, err)
			a.simulator.FaultNext(c.fault)
			_, err = a.Job(t.Context(), a.token)
			if c.again {
				require.NoError(t, err)
				require.Equal(t, 3, a.requests(jobPath))
				a.simulator.FaultNext(c.fault)
				a.simulator.FaultNext(c.fault)
				_, err = a.Job(t.Context(), a.token)
				require.Equal(t, 5, a.requests(jobPath), "two tries at most")
			} else {
				require.Equal(t, 2, a.requests(jobPath))
			}
			require.Error(t, err)
			require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
		})
	}
}
