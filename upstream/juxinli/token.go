package juxinli

import (
	"context"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// accessToken authorizes the data calls.
type accessToken struct {
	value   carrierfsm.Secret
	number  int       // counts the fetched tokens, from 1
	expires time.Time // zero: it is valid until upstream refuses it
}

// tokens caches the access token and fetches the next.
type tokens struct {
	fetch    func(context.Context) (carrierfsm.Secret, error)
	lifetime time.Duration // 0: a token is valid until upstream refuses it
	timeout  time.Duration // of a fetch
	now      func() time.Time

	flight  flight[accessToken]
	mu      sync.Mutex
	current accessToken
}

// expiryMargin is how long before its expiry a token is replaced: calls take
// time, and clocks differ.
const expiryMargin = 5 * time.Minute

// get returns a valid token with a number above after. Concurrent callers share
// one fetch.
func (t *tokens) get(ctx context.Context, after int) (accessToken, error) {
	if token, ok := t.valid(after); ok {
		return token, nil
	}
	return t.flight.do(ctx, t.timeout, func(ctx context.Context) (accessToken, error) {
		if token, ok := t.valid(after); ok { // another caller has fetched it since the check above
			return token, nil
		}
		value, err := t.fetch(ctx)
		if err != nil {
			return accessToken{}, err
		}
		return t.store(value), nil
	})
}

func (t *tokens) valid(after int) (kept accessToken, good bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.current
	return k, k.number > after && (k.expires.IsZero() || t.now().Before(k.expires))
}

func (t *tokens) store(value carrierfsm.Secret) accessToken {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = accessToken{value: value, number: t.current.number + 1}
	if t.lifetime > 0 {
		t.current.expires = t.now().Add(t.lifetime - expiryMargin)
	}
	return t.current
}
