package juxinli_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

func TestConcurrentCallersFetchOneToken(t *testing.T) {
	t.Parallel()
	fetched := 0
	tokens := juxinli.NewTokens(func(context.Context) (carrierfsm.Secret, error) {
		fetched++
		return carrierfsm.NewSecret("a"), nil
	})
	get := func(ctx context.Context) {
		number, err := tokens.Get(ctx, 0)
		require.NoError(t, err)
		require.Equal(t, 1, number)
	}
	get(&delayedContext{Context: t.Context(), meanwhile: func() { get(t.Context()) }})
	require.Equal(t, 1, fetched)
}

func TestAFailedFetchOfATokenIsNotCached(t *testing.T) {
	t.Parallel()
	fail := true
	tokens := juxinli.NewTokens(func(context.Context) (carrierfsm.Secret, error) {
		if fail {
			return carrierfsm.Secret{}, sendonce.ErrBroken
		}
		return carrierfsm.NewSecret("a"), nil
	})
	_, err := tokens.Get(t.Context(), 0)
	require.ErrorIs(t, err, sendonce.ErrBroken)
	fail = false
	number, err := tokens.Get(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, 1, number)
}

func TestAnAccessTokenIsKeptUntilItExpires(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		permanent bool
		want      int
	}{{false, 3}, {true, 1}} {
		a := newDataFixture(t, "plain", func(cfg *juxinli.DataConfig) { cfg.Permanent = c.permanent })
		job := func() {
			_, err := a.Job(t.Context(), a.token)
			require.NoError(t, err)
		}
		job()
		a.clock.Advance(23*time.Hour + 54*time.Minute)
		job()
		require.Equal(t, 1, a.simulator.AccessTokens())
		a.clock.Advance(2 * time.Minute)
		job()
		a.clock.Advance(100 * time.Hour)
		job()
		require.Equal(t, c.want, a.simulator.AccessTokens())
		asked := a.requests(jobPath)
		require.Equal(t, 4, asked, "no call was refused and repeated")
	}
}

func TestARefusedAccessTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	a := newDataFixture(t, "plain")
	_, err := a.Job(t.Context(), a.token)
	require.NoError(t, err)
	a.simulator.RevokeAccessTokens()
	_, err = a.Job(t.Context(), a.token)
	require.NoError(t, err)
	require.Equal(t, 2, a.simulator.AccessTokens())
	require.Equal(t, 3, a.requests(jobPath))
}

func TestManyCallersShareOneFreshAccessToken(t *testing.T) {
	t.Parallel()
	const callers = 32
	a := newDataFixture(t, "plain")
	for round := 1; round <= 3; round++ {
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				if _, err := a.Job(t.Context(), a.token); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Equal(t, round, a.simulator.AccessTokens(), "one for each round")
		a.simulator.RevokeAccessTokens()
	}
}

func TestARefusedFreshAccessTokenIsNotReplacedAgain(t *testing.T) {
	t.Parallel()
	s := newCountingServer(t, func(path string, n int) string {
		if path == tokenPath {
			return fmt.Sprintf(`{"success":"true","access_token":"access-%d"}`, n)
		}
		return `{"success":"false","code":"20007","note":"access_token"}`
	})
	d := newData(t, s.URL)
	for call := 1; call <= 3; call++ {
		_, err := d.Job(t.Context(), carrierfsm.NewSecret("t"))
		require.ErrorIs(t, err, juxinli.ErrTokenRefused)
		require.Equal(t, 2*call, s.requests(jobPath))
		require.Equal(t, call+1, s.requests(tokenPath), "each call fetches one token; the first one two")
	}
}

func TestACanceledCallerDoesNotCancelTheFetchOfTheAccessToken(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	var tokens atomic.Int32
	s := newCountingServer(t, func(path string, _ int) string {
		if path != tokenPath {
			return `{"success":"true","data":{"status":"抓取中"}}`
		}
		tokens.Add(1)
		close(asked)
		<-release
		return `{"success":"true","access_token":"a"}`
	})
	d := newData(t, s.URL)
	ctx, cancel := context.WithCancel(t.Context())
	canceled := make(chan error, 1)
	go func() {
		_, err := d.Job(ctx, carrierfsm.NewSecret("t"))
		canceled <- err
	}()
	<-asked
	cancel()
	err := <-canceled
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	close(release)
	state, err := d.Job(t.Context(), carrierfsm.NewSecret("t"))
	require.NoError(t, err)
	require.Equal(t, juxinli.JobRunning, state)
	require.EqualValues(t, 1, tokens.Load())
	_, err = d.Job(ctx, carrierfsm.NewSecret("t"))
	require.ErrorIs(t, err, carrierfsm.ErrNotSent, "the context has ended")
}
