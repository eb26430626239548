package fsmtest_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// isWhole reports whether a store that cuts numbers to 32 bits cuts none here.
func isWhole(what string) bool { return strconv.IntSize == 32 && strings.HasSuffix(what, "of 32 bits") }

// Each store here breaks one rule, and the suite must name it.
func TestTheSuiteFindsEachBrokenStore(t *testing.T) {
	t.Parallel()
	broken := []struct {
		what  string
		store func(*memory.Store) carrierfsm.Store
		rules []string // that the failure must name
	}{
		{"no version check", func(s *memory.Store) carrierfsm.Store { return &noVersionCheck{Store: s} }, []string{"VersionCheck", "OneWriter"}},
		{"no check of the commit id", func(s *memory.Store) carrierfsm.Store { return anyPrevious{s} }, []string{"CommitCheck", "CommitCheckReused", "CommitCheckTogether"}},
		{"no new details", func(s *memory.Store) carrierfsm.Store { return keepsOldDetails{s} }, []string{"Reseal"}},
		{"nothing is spent", func(s *memory.Store) carrierfsm.Store { return spendsNothing{s} }, []string{"Spends", "OneBudget", "Window"}},
		{"check the limit, then commit", func(s *memory.Store) carrierfsm.Store { return readsThenSpends{s} }, []string{"OneBudget"}},
		{"spend, then commit", func(s *memory.Store) carrierfsm.Store { return spendsFirst{s} }, []string{"SpendsOnce"}},
		{"Erase deletes ledgers", func(s *memory.Store) carrierfsm.Store { return forgetsLedgers{s} }, []string{"LedgersStay"}},
		{"Erase of any commit", func(s *memory.Store) carrierfsm.Store { return erasesAny{s} }, []string{"CommitCheck", "CommitCheckReused"}},
		{"check, then write", func(s *memory.Store) carrierfsm.Store { return &checkThenWrite{Store: s} }, []string{"OneWriter"}},
		{"lost entries", func(s *memory.Store) carrierfsm.Store { return lostEntries{s} }, []string{"RoundTrip", "History"}},
		{"entries outside the commit", func(s *memory.Store) carrierfsm.Store { return newEntriesOutside(s) }, []string{"VersionCheck"}},
		{"bodies are not copied", func(s *memory.Store) carrierfsm.Store { return newShared(s) }, []string{"Ownership"}},
		{"the body of a commit is not copied", func(s *memory.Store) carrierfsm.Store { return sharedCommit{newShared(s)} }, []string{"Ownership"}},
		{"times to the millisecond", func(s *memory.Store) carrierfsm.Store { return milliseconds{s} }, []string{"RoundTrip"}},
		{"a second Create succeeds", func(s *memory.Store) carrierfsm.Store { return secondCreate{s} }, []string{"DuplicateID", "OneCreator"}},
		{"keys are not unique", func(s *memory.Store) carrierfsm.Store { return noKeys{s} }, []string{"DuplicateKey", "OneKeyHolder"}},
		{"a context that has ended writes", func(s *memory.Store) carrierfsm.Store { return ignoresContext{s} }, []string{"CanceledContext"}},
		{"an unknown id is a conflict", func(s *memory.Store) carrierfsm.Store { return conflicts{s} }, []string{"UnknownID"}},
		{"Due ignores the page key", func(s *memory.Store) carrierfsm.Store { return &firstPage{Store: s} }, []string{"DueOrder"}},
		{"Due excludes now", func(s *memory.Store) carrierfsm.Store { return excludesNow{s} }, []string{"DueOrder"}},
		{"Erase keeps details", func(s *memory.Store) carrierfsm.Store { return keepsDetails{s} }, []string{"Erase"}},
		{"Purge deletes what has not ended", func(s *memory.Store) carrierfsm.Store { return purgesAll{s} }, []string{"Purge"}},
		{"List returns bodies", func(s *memory.Store) carrierfsm.Store { return bodies{s} }, []string{"ListOrder"}},
		{"List has no bodies", func(s *memory.Store) carrierfsm.Store { return bodiless{s} }, []string{"ListBodies"}},
		{"List ignores a key", func(s *memory.Store) carrierfsm.Store { return keyless{s} }, []string{"ListFilters"}},
		{"List is oldest first", func(s *memory.Store) carrierfsm.Store { return oldestFirst{s} }, []string{"ListOrder"}},
		{"List ignores a filter", func(s *memory.Store) carrierfsm.Store { return unfiltered{s} }, []string{"ListFilters"}},
		{"an id with a NUL is the one before it", func(s *memory.Store) carrierfsm.Store { return cStrings{s} }, []string{"IllegalID"}},
		{"steps of 32 bits", func(s *memory.Store) carrierfsm.Store { return narrow{s} }, []string{"NumberCut", "StepBeyond"}},
		{"a NUL in a query is an error", func(s *memory.Store) carrierfsm.Store { return noNULs{s} }, []string{"QueryWords", "QueryKeys"}},
		{"times in queries are cut", func(s *memory.Store) carrierfsm.Store { return cutTimes{s} }, []string{"QueryTimes"}},
		{"limits of 32 bits", func(s *memory.Store) carrierfsm.Store { return narrowLimits{s} }, []string{"QueryLimits"}},
		{"the last time is in this century", func(s *memory.Store) carrierfsm.Store { return youngTimes{s} }, []string{"Extremes"}},
		{"long texts are cut", func(s *memory.Store) carrierfsm.Store { return cutBodies{s} }, []string{"Core", "AnyBytes"}},
		{"reads ignore the context", func(s *memory.Store) carrierfsm.Store { return readsOn{s} }, []string{"CanceledContext"}},
		{"a closed store answers", func(s *memory.Store) carrierfsm.Store { return closesNot{s} }, []string{"Closed"}},
		{"a closed store crashes", func(s *memory.Store) carrierfsm.Store { return &crashes{Store: s} }, []string{"Closed"}},
		{"what was acknowledged is lost after a crash", nil, []string{"Reopen"}},
	}
	for _, b := range broken {
		if isWhole(b.what) {
			continue
		}
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

func TestTheSuiteFindsEachBrokenOutbox(t *testing.T) {
	t.Parallel()
	for _, b := range []struct {
		what  string
		store func(*memory.Store) outbox.Store
		rules []string
	}{
		{"Pending skips late commits", func(s *memory.Store) outbox.Store { return skipping{s} }, []string{"OutboxOrder", "OutboxSettled"}},
		{"Advance passes the whole batch", func(s *memory.Store) outbox.Store { return passesAll{s} }, []string{"OutboxPages"}},
		{"every cursor starts at the beginning", func(s *memory.Store) outbox.Store { return fromBeginning{s} }, []string{"OutboxNoStart", "OutboxStart"}},
		{"cursors have no lag", func(s *memory.Store) outbox.Store { return lagless{s} }, []string{"OutboxCursors"}},
		{"a lease excludes no one", func(s *memory.Store) outbox.Store { return endedLease{s} }, []string{"OneLeaseHolder", "LeaseHolds"}},
		{"a lease never ends", func(s *memory.Store) outbox.Store { return endlessLease{s} }, []string{"LeaseEnds"}},
		{"the fence is not checked", func(s *memory.Store) outbox.Store { return fenceless{s} }, []string{"LeaseFence"}},
		{"parked rows are lost", func(s *memory.Store) outbox.Store { return losesRows{s} }, []string{"Parked"}},
		{"the cursor moves before the rows are parked", func(s *memory.Store) outbox.Store { return rowsAfter{s} }, []string{"ParkedTogether"}},
		{"the rows are parked before the cursor moves", func(s *memory.Store) outbox.Store { return rowsBefore{s} }, []string{"ParkedTogether", "LeaseFence"}},
		{"parked rows are overwritten", func(s *memory.Store) outbox.Store { return overwrites{s} }, []string{"ParkedMerge"}},
		{"Erase keeps failures", func(s *memory.Store) outbox.Store { return keepsFailures{s} }, []string{"ParkedErase"}},
		{"failures are not stored", func(s *memory.Store) outbox.Store { return losesFailures{s} }, []string{"Parked", "ParkedCopies"}},
		{"Parked returns the rows of all handlers", func(s *memory.Store) outbox.Store { return allRows{s} }, []string{"ParkedQuery"}},
		{"a canceled Park writes", func(s *memory.Store) outbox.Store { return parksOn{s} }, []string{"OutboxContext"}},
		{"steps of 32 bits", func(s *memory.Store) outbox.Store { return narrowParked{s} }, []string{"ParkedBounds"}},
		{"a closed store gives leases", func(s *memory.Store) outbox.Store { return closesNot{s} }, []string{"OutboxClosed"}},
		{"parked rows are lost after a crash", nil, []string{"OutboxReopen"}},
	} {
		if isWhole(b.what) {
			continue
		}
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			err := fsmtest.CheckOutbox(t, func(testing.TB) fsmtest.OutboxSubject {
				if b.store == nil {
					return fsmtest.OutboxSubject{Store: memory.New(), Reopen: func() (outbox.Store, error) { return memory.New(), nil }}
				}
				return fsmtest.OutboxSubject{Store: b.store(memory.New())}
			})
			require.Error(t, err)
			for _, rule := range b.rules {
				require.ErrorContains(t, err, rule+": ")
			}
		})
	}
}

// A store for machines without handlers and figures keeps the contract.
func TestAStoreThatIsNoOutboxAndNoSurveyorPasses(t *testing.T) {
	t.Parallel()
	require.NoError(t, fsmtest.CheckStore(t, func(testing.TB) fsmtest.StoreSubject {
		return fsmtest.StoreSubject{Store: struct{ carrierfsm.Store }{memory.New()}}
	}))
}

func TestTheSuitePassesAGoodStore(t *testing.T) {
	t.Parallel()
	require.NoError(t, fsmtest.CheckStore(t, func(testing.TB) fsmtest.StoreSubject {
		return fsmtest.StoreSubject{Store: memory.New()}
	}))
	require.NoError(t, fsmtest.CheckOutbox(t, func(testing.TB) fsmtest.OutboxSubject {
		return fsmtest.OutboxSubject{Store: memory.New()}
	}))
	require.NoError(t, fsmtest.CheckSurveyor(t, func(testing.TB) fsmtest.SurveyorSubject {
		return fsmtest.SurveyorSubject{Store: memory.New()}
	}))
}

type entries = []carrierfsm.Entry

// noVersionCheck commits any version.
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
		runtime.Gosched() // a slow network
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

// entriesOutside appends the entries before it checks the version.
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

// shared keeps and returns the slices of the caller.
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

// sharedCommit shares only the slices that Commit is passed.
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
	r.Key += "-of-" + r.ID
	return s.Store.Create(ctx, r, e...)
}

type ignoresContext struct{ *memory.Store }

func (s ignoresContext) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.Store.Commit(context.WithoutCancel(ctx), r, e...)
}

type conflicts struct{ *memory.Store }

func (s conflicts) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	if err := s.Store.Commit(ctx, r, e...); !errors.Is(err, carrierfsm.ErrNotFound) {
		return err
	}
	return carrierfsm.ErrConflict
}

// firstPage returns the first page each time, and no page after five so that the
// suite ends.
type firstPage struct {
	*memory.Store
	calls int
}

func (s *firstPage) Due(ctx context.Context, now time.Time, _ carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	if s.calls++; s.calls > 5 {
		return nil, nil
	}
	return s.Store.Due(ctx, now, carrierfsm.PageKey{}, limit)
}

type excludesNow struct{ *memory.Store }

func (s excludesNow) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	return s.Store.Due(ctx, now.Add(-time.Microsecond), after, limit)
}

type keepsDetails struct{ *memory.Store }

func (s keepsDetails) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
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
