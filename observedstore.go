package carrierfsm

import (
	"context"
	"time"
)

// observedStore tells an observer of each call of a store. The further powers
// of a store are looked for in Config.Store, not here.
type observedStore struct {
	store Store
	begin func(ctx context.Context, method string) (context.Context, func(error))
}

// observedBy is the store itself where nobody observes it.
func observedBy(o *Observer, s Store) Store {
	if o == nil || o.Store == nil {
		return s
	}
	return observedStore{store: s, begin: o.Store}
}

// Create is Store's.
func (s observedStore) Create(ctx context.Context, r Record, entries ...Entry) error {
	ctx, end := s.begin(ctx, "create")
	err := s.store.Create(ctx, r, entries...)
	end(err)
	return err
}

// Load is Store's.
func (s observedStore) Load(ctx context.Context, id string) (Record, error) {
	ctx, end := s.begin(ctx, "load")
	r, err := s.store.Load(ctx, id)
	end(err)
	return r, err
}

// Commit is Store's.
func (s observedStore) Commit(ctx context.Context, r Record, entries ...Entry) error {
	ctx, end := s.begin(ctx, "commit")
	err := s.store.Commit(ctx, r, entries...)
	end(err)
	return err
}

// Erase is Store's.
func (s observedStore) Erase(ctx context.Context, r Record, entries ...Entry) error {
	ctx, end := s.begin(ctx, "erase")
	err := s.store.Erase(ctx, r, entries...)
	end(err)
	return err
}

// History is Store's.
func (s observedStore) History(ctx context.Context, id string, afterStep, limit int) ([]Entry, error) {
	ctx, end := s.begin(ctx, "history")
	list, err := s.store.History(ctx, id, afterStep, limit)
	end(err)
	return list, err
}

// List is Store's.
func (s observedStore) List(ctx context.Context, q Query) ([]Record, error) {
	ctx, end := s.begin(ctx, "list")
	list, err := s.store.List(ctx, q)
	end(err)
	return list, err
}

// Due is Store's.
func (s observedStore) Due(ctx context.Context, now time.Time, after DueMark, limit int) ([]Record, error) {
	ctx, end := s.begin(ctx, "due")
	list, err := s.store.Due(ctx, now, after, limit)
	end(err)
	return list, err
}

// Purge is Store's.
func (s observedStore) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	ctx, end := s.begin(ctx, "purge")
	n, err := s.store.Purge(ctx, before, limit)
	end(err)
	return n, err
}
