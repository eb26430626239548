package juxinli

import (
	"context"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// accessToken opens the data calls.
type accessToken struct {
	value  carrierfsm.Secret
	number int       // counts those that were fetched, from 1
	until  time.Time // zero: until it is refused
}

// tokens keeps the present access token and fetches the next.
type tokens struct {
	fetch func(context.Context) (carrierfsm.Secret, error)
	life  time.Duration // 0: until it is refused
	limit time.Duration // of a fetch
	now   func() time.Time

	flight flight[accessToken]
	mu     sync.Mutex
	kept   accessToken
}

// early is how long before its end a token counts as over: the answer to a
// call takes time, and clocks differ.
const early = 5 * time.Minute

// get returns a token that was fetched after the one with this number, 0 for
// any. Whatever the number of callers, one fetch is under way at most.
func (t *tokens) get(ctx context.Context, after int) (accessToken, error) {
	if kept, good := t.present(after); good {
		return kept, nil
	}
	return t.flight.do(ctx, t.limit, func(ctx context.Context) (accessToken, error) {
		if kept, good := t.present(after); good { // fetched while this caller was on its way
			return kept, nil
		}
		value, err := t.fetch(ctx)
		if err != nil {
			return accessToken{}, err
		}
		return t.keep(value), nil
	})
}

func (t *tokens) present(after int) (kept accessToken, good bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kept
	return k, k.number > after && (k.until.IsZero() || t.now().Before(k.until))
}

func (t *tokens) keep(value carrierfsm.Secret) accessToken {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = accessToken{value: value, number: t.kept.number + 1}
	if t.life > 0 {
		t.kept.until = t.now().Add(t.life - early)
	}
	return t.kept
}
