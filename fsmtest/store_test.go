package fsmtest_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// The suite is tested for failing: each store here breaks one rule, and the
// suite must say which.

func TestTheSuiteFindsEachBrokenStore(t *testing.T) {
	t.Parallel()
	broken := []struct {
		what  string
		store func(*memory.Store) carrierfsm.Store
		rules []string // all of them must be named
	}{
		{"no version check", func(s *memory.Store) carrierfsm.Store { return &noVersionCheck{Store: s} }, []string{"VersionCheck", "OneWriter"}},
		{"check, then write", func(s *memory.Store) carrierfsm.Store { return &checkThenWrite{Store: s} }, []string{"OneWriter"}},
		{"lost entries", func(s *memory.Store) carrierfsm.Store { return lostEntries{s} }, []string{"RoundTrip", "History"}},
		{"entries outside the commit", func(s *memory.Store) carrierfsm.Store { return newEntriesOutside(s) }, []string{"VersionCheck"}},
		{"memory shared with the caller", func(s *memory.Store) carrierfsm.Store { return newShared(s) }, []string{"Ownership"}},
		{"what a commit is given shared with the caller", func(s *memory.Store) carrierfsm.Store { return sharedCommit{newShared(s)} }, []string{"Ownership"}},
		{"times to the millisecond", func(s *memory.Store) carrierfsm.Store { return milliseconds{s} }, []string{"RoundTrip"}},
		{"a second Create is taken", func(s *memory.Store) carrierfsm.Store { return secondCreate{s} }, []string{"DuplicateID", "OneCreator"}},
		{"keys are not unique", func(s *memory.Store) carrierfsm.Store { return noKeys{s} }, []string{"DuplicateKey", "OneKeyHolder"}},
		{"a context that has ended writes", func(s *memory.Store) carrierfsm.Store { return deaf{s} }, []string{"CanceledContext"}},
		{"an unknown id is a conflict", func(s *memory.Store) carrierfsm.Store { return vague{s} }, []string{"UnknownID"}},
		{"Due forgets the mark", func(s *memory.Store) carrierfsm.Store { return &markless{Store: s} }, []string{"DueOrder"}},
		{"Due is a moment early", func(s *memory.Store) carrierfsm.Store { return early{s} }, []string{"DueOrder"}},
		{"Erase keeps details", func(s *memory.Store) carrierfsm.Store { return remembers{s} }, []string{"Erase"}},
		{"Purge takes the living", func(s *memory.Store) carrierfsm.Store { return purgesAll{s} }, []string{"Purge"}},
		{"List brings bodies", func(s *memory.Store) carrierfsm.Store { return bodies{s} }, []string{"ListOrder"}},
		{"List is oldest first", func(s *memory.Store) carrierfsm.Store { return oldestFirst{s} }, []string{"ListOrder"}},
		{"List forgets a filter", func(s *memory.Store) carrierfsm.Store { return unfiltered{s} }, []string{"ListFilters"}},
		{"Pending skips late commits", func(s *memory.Store) carrierfsm.Store { return skipping{s} }, []string{"OutboxOrder", "OutboxSettled"}},
		{"no Outbox at all", func(s *memory.Store) carrierfsm.Store { return struct{ carrierfsm.Store }{s} }, []string{"OutboxOrder"}},
		{"Advance passes the whole batch", func(s *memory.Store) carrierfsm.Store { return greedy{s} }, []string{"OutboxPages"}},
		{"every cursor begins at the beginning", func(s *memory.Store) carrierfsm.Store { return fromBeginning{s} }, []string{"OutboxStart"}},
		{"cursors tell no lag", func(s *memory.Store) carrierfsm.Store { return lagless{s} }, []string{"OutboxCursors"}},
		{"anybody leads", func(s *memory.Store) carrierfsm.Store { return anarchy{s} }, []string{"OneLeader", "LeaseHolds"}},
		{"a lease never ends", func(s *memory.Store) carrierfsm.Store { return forever{s} }, []string{"LeaseEnds"}},
		{"the fence is not looked at", func(s *memory.Store) carrierfsm.Store { return fenceless{s} }, []string{"LeaseFence"}},
		{"rows are lost", func(s *memory.Store) carrierfsm.Store { return rowless{s} }, []string{"Parked"}},
		{"rows are replaced blindly", func(s *memory.Store) carrierfsm.Store { return blind{s} }, []string{"ParkedMerge"}},
		{"rows of all handlers", func(s *memory.Store) carrierfsm.Store { return allRows{s} }, []string{"ParkedQuery"}},
		{"what was acknowledged is gone after a crash", nil, []string{"Reopen"}},
	}
	for _, b := range broken {
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			err := fsmtest.CheckStore(t, func(testing.TB) fsmtest.StoreSubject {
				if b.store == nil {
					return fsmtest.StoreSubject{Store: memory.New(), Reopen: func() (carrierfsm.Store, error) { return memory.New(), nil }}
				}
				return fsmtest.StoreSubject{Store: b.store(memory.New())}
			})
			require.Error(t, err)
			for _, rule := range b.rules {
				require.ErrorContains(t, err, rule+": ")
			}
		})
	}
}

func TestTheSuiteFindsNothingWrongWithAGoodStore(t *testing.T) {
	t.Parallel()
	require.NoError(t, fsmtest.CheckStore(t, func(testing.TB) fsmtest.StoreSubject {
		return fsmtest.StoreSubject{Store: memory.New()}
	}))
}

type entries = []carrierfsm.Entry

// noVersionCheck writes whatever it is given.
type noVersionCheck struct {
	*memory.Store
	mu sync.Mutex
}

func (s *noVersionCheck) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.Load(ctx, r.ID)
	if err != nil {
		return err
	}
	r.Version = stored.Version + 1
	return s.Store.Commit(ctx, r, e...)
}

// checkThenWrite checks the version in one step and writes in another.
type checkThenWrite struct {
	*memory.Store
	mu sync.Mutex
}

func (s *checkThenWrite) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	stored, err := s.Load(ctx, r.ID)
	if err != nil {
		return err
	}
	if stored.Version != r.Version-1 {
		return carrierfsm.ErrConflict
	}
	for range 100 {
		runtime.Gosched() // the network takes its time
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored, err = s.Load(ctx, r.ID); err != nil {
		return err
	}
	r.Version = stored.Version + 1
	return s.Store.Commit(ctx, r, e...)
}

type lostEntries struct{ *memory.Store }

func (s lostEntries) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.Store.Commit(ctx, r, e[:len(e)/2]...)
}

// entriesOutside appends entries first, and then finds out about the version.
type entriesOutside struct {
	*memory.Store
	mu      sync.Mutex
	history map[string]entries
}

func newEntriesOutside(s *memory.Store) *entriesOutside {
	return &entriesOutside{Store: s, history: make(map[string]entries)}
}

func (s *entriesOutside) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	s.mu.Lock()
	s.history[r.ID] = append(s.history[r.ID], e...)
	s.mu.Unlock()
	return s.Store.Commit(ctx, r, e...)
}

func (s *entriesOutside) History(_ context.Context, id string, after, limit int) (entries, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.history[id])
	list = slices.DeleteFunc(list, func(e carrierfsm.Entry) bool { return e.Step <= after })
	return list[:min(limit, len(list))], nil
}

// shared hands out what it was handed.
type shared struct {
	*memory.Store
	mu     sync.Mutex
	bodies map[string][]byte
}

func newShared(s *memory.Store) *shared { return &shared{Store: s, bodies: make(map[string][]byte)} }

func (s *shared) keep(r carrierfsm.Record, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.bodies[r.ID] = r.Body
	}
	return err
}

func (s *shared) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.keep(r, s.Store.Create(ctx, r, e...))
}

func (s *shared) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.keep(r, s.Store.Commit(ctx, r, e...))
}

func (s *shared) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	r, err := s.Store.Load(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Body = s.bodies[id]
	return r, err
}

// sharedCommit shares only what Commit is given.
type sharedCommit struct{ *shared }

func (s sharedCommit) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	r.Body = slices.Clone(r.Body)
	return s.shared.Create(ctx, r, e...)
}

func (s sharedCommit) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	r, err := s.shared.Load(ctx, id)
	r.Body = slices.Clone(r.Body)
	return r, err
}

type milliseconds struct{ *memory.Store }

func (s milliseconds) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	r.Created = r.Created.Truncate(time.Millisecond)
	return s.Store.Create(ctx, r, e...)
}

type secondCreate struct{ *memory.Store }

func (s secondCreate) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	if err := s.Store.Create(ctx, r, e...); !errors.Is(err, carrierfsm.ErrExists) {
		return err
	}
	return nil
}

type noKeys struct{ *memory.Store }

func (s noKeys) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	r.Key += " " + r.ID
	return s.Store.Create(ctx, r, e...)
}

type deaf struct{ *memory.Store }

func (s deaf) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.Store.Commit(context.WithoutCancel(ctx), r, e...)
}

type vague struct{ *memory.Store }

func (s vague) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	if err := s.Store.Commit(ctx, r, e...); !errors.Is(err, carrierfsm.ErrNotFound) {
		return err
	}
	return carrierfsm.ErrConflict
}

// markless begins from the start at every page; it ends, so that the suite does.
type markless struct {
	*memory.Store
	calls int
}

func (s *markless) Due(ctx context.Context, now time.Time, _ carrierfsm.DueMark, limit int) ([]carrierfsm.Record, error) {
	if s.calls++; s.calls > 5 {
		return nil, nil
	}
	return s.Store.Due(ctx, now, carrierfsm.DueMark{}, limit)
}

type early struct{ *memory.Store }

func (s early) Due(ctx context.Context, now time.Time, after carrierfsm.DueMark, limit int) ([]carrierfsm.Record, error) {
	return s.Store.Due(ctx, now.Add(-time.Microsecond), after, limit)
}

type remembers struct{ *memory.Store }

func (s remembers) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.Commit(ctx, r, e...)
}

type purgesAll struct{ *memory.Store }

func (s purgesAll) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	list, err := s.List(ctx, carrierfsm.Query{UpdatedBefore: before})
	if err != nil {
		return 0, err
	}
	for _, r := range list {
		r.Version++
		r.State = carrierfsm.Failed
		if err := s.Commit(ctx, r); err != nil {
			return 0, err
		}
	}
	return s.Store.Purge(ctx, before.Add(time.Hour), limit)
}

type bodies struct{ *memory.Store }

func (s bodies) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	list, err := s.Store.List(ctx, q)
	for i := range list {
		list[i].Body = []byte("body")
	}
	return list, err
}

type oldestFirst struct{ *memory.Store }

func (s oldestFirst) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	list, err := s.Store.List(ctx, q)
	slices.Reverse(list)
	return list, err
}

type unfiltered struct{ *memory.Store }

func (s unfiltered) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	q.Source = ""
	return s.Store.List(ctx, q)
}
