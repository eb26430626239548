package juxinli_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// What passes is tried again after longer and longer pauses; what will not
// pass is not.
func TestARequestIsMadeAgainOnlyForWhatPasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		tries int
	}{
		{nil, 1},
		{juxinli.ErrBroken, 4},
		{&juxinli.ConnectError{Err: errors.New("x")}, 4},
		{fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, &juxinli.ConnectError{Err: errors.New("x")}), 4},
		{&juxinli.StatusError{Status: 502}, 4},
		{&juxinli.StatusError{Status: 503}, 4},
		{&juxinli.StatusError{Status: 504}, 4},
		{&juxinli.StatusError{Status: 500}, 1},
		{&juxinli.StatusError{Status: 429}, 1},
		{&juxinli.StatusError{Status: 302}, 1},
		{juxinli.ErrMalformed, 1},
		{juxinli.ErrTooLarge, 1},
		{juxinli.ErrNotJSON, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Duration
			began := time.Now()
			_, err := juxinli.TryAgain(t.Context(), 4, time.Second, func() ([]byte, error) {
				at = append(at, time.Since(began))
				return nil, c.err
			})
			require.Equal(t, c.err, err)
			require.Equal(t, []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}[:c.tries], at)
		})
	}
}

func TestAPauseEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began, tries := time.Now(), 0
		_, err := juxinli.TryAgain(ctx, 3, time.Hour, func() ([]byte, error) {
			tries++
			return nil, juxinli.ErrBroken
		})
		require.ErrorIs(t, err, juxinli.ErrBroken)
		require.Equal(t, 1, tries)
		require.Equal(t, time.Second, time.Since(began))
	})
}

// delayed is a context at whose first look something happens: a caller is held
// up between looking for what is kept and fetching it.
type delayed struct {
	context.Context //nolint:containedctx // it is one
	once            sync.Once
	meanwhile       func()
}

func (d *delayed) Err() error {
	d.once.Do(d.meanwhile)
	return d.Context.Err()
}

func TestATokenIsFetchedOnceForAllWhoFoundItRefused(t *testing.T) {
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
	get(&delayed{Context: t.Context(), meanwhile: func() { get(t.Context()) }})
	require.Equal(t, 1, fetched)
}

func TestACatalogueIsFetchedOnceForAllWhoFoundItOld(t *testing.T) {
	t.Parallel()
	c := catalogue(t, func(int) string { return listing("a") })
	check := func(ctx context.Context) { require.NoError(t, c.Check(ctx, "a")) }
	check(&delayed{Context: t.Context(), meanwhile: func() { check(t.Context()) }})
	require.Equal(t, 1, c.requests())
}

func TestATokenThatCantBeFetchedIsAskedForAgain(t *testing.T) {
	t.Parallel()
	fail := true
	tokens := juxinli.NewTokens(func(context.Context) (carrierfsm.Secret, error) {
		if fail {
			return carrierfsm.Secret{}, juxinli.ErrBroken
		}
		return carrierfsm.NewSecret("a"), nil
	})
	_, err := tokens.Get(t.Context(), 0)
	require.ErrorIs(t, err, juxinli.ErrBroken)
	fail = false
	number, err := tokens.Get(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, 1, number)
}
