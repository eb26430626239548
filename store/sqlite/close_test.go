package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestClosingAStoreThatOthersUseNeverCrashesAndNoCallHangs(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *sqlite.Store{
		"a file of its own": func(t *testing.T) *sqlite.Store { t.Helper(); return open(t, newPath(t)) },
		"the host's":        func(t *testing.T) *sqlite.Store { t.Helper(); return openInHostsDB(t, newPath(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for round := range 20 {
				useWhileClosing(t, open(t), round)
			}
		})
	}
}

// useWhileClosing closes the store while a machine and a dispatcher use it: at
// another moment in each round, and in each order with what else is ended.
func useWhileClosing(t *testing.T, s *sqlite.Store, round int) {
	t.Helper()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: s, Upstream: fsmtest.Instant{}, PollInterval: time.Millisecond})
	require.NoError(t, err)
	d, err := outbox.New(m, s, outbox.Config{
		Handlers:     map[string]outbox.Handler{"h": func(context.Context, carrierfsm.Transition) error { return nil }},
		PollInterval: time.Millisecond,
	})
	require.NoError(t, err)
	ctx := context.Background()
	running, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	ended := func(err error) {
		if err != nil && !errors.Is(err, carrierfsm.ErrClosed) {
			t.Errorf("a call returned %v", err)
		}
	}
	var created sync.WaitGroup
	created.Add(4)
	for _, run := range []func(context.Context) error{m.Run, d.Run} {
		all.Go(func() { ended(run(running)) })
	}
	for range 4 {
		all.Go(func() {
			first := sync.OnceFunc(created.Done)
			defer first()
			for {
				v, err := m.Create(ctx, carrierfsm.NewVerification{})
				first()
				if err == nil {
					_, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
				}
				if err == nil {
					_, err = m.List(ctx, carrierfsm.Query{})
				}
				if err == nil {
					err = m.Erase(ctx, v.ID)
				}
				if err != nil {
					ended(err)
					return
				}
			}
		})
	}
	created.Wait()
	closeMachine := func() {
		over, cancel := context.WithCancel(ctx)
		cancel() // waits for nothing
		_ = m.Close(over)
	}
	steps := []func(){stop, closeMachine, func() { ended(s.Close()) }}
	for _, i := range [][3]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}, {2, 1, 0}}[round%4] {
		steps[i]()
	}
	all.Wait()
	require.NoError(t, m.Close(ctx))
	_, err = s.Load(ctx, "v1")
	require.ErrorIs(t, err, carrierfsm.ErrClosed)
	require.NoError(t, s.Close(), "closing again is no error")
}

func TestCloseReleasesCallsThatWait(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, sqlite.BusyTimeout(time.Hour))
	defer lockFile(t, path)() // as another process does, for good
	const waiting = 5
	errs := make(chan error, waiting)
	for i := range waiting {
		go func() { errs <- s.Create(context.Background(), record(fmt.Sprintf("v%d", i))) }()
	}
	require.Eventually(t, func() bool { return s.Queued() >= waiting-1 }, time.Minute, time.Millisecond)
	require.NoError(t, s.Close())
	for range waiting {
		require.ErrorIs(t, <-errs, carrierfsm.ErrClosed)
	}
}

func TestCloseReleasesAReadThatWaitsForAConnectionOfTheHost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := openDB(t, "file:"+newPath(t)+"?_pragma=journal_mode(WAL)")
	db.SetMaxOpenConns(1)
	s, err := sqlite.New(ctx, db)
	require.NoError(t, err)
	conn, err := db.Conn(ctx) // the only one
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	calls := []func() error{
		func() error { _, err := s.Load(ctx, "v1"); return err },
		func() error { _, err := s.List(ctx, carrierfsm.Query{}); return err },
		func() error { return s.Create(ctx, record("v1")) },
		func() error { _, err := s.Acquire(ctx, "h", "one", time.Minute, outbox.FromNow); return err },
	}
	errs := make(chan error, len(calls))
	for _, call := range calls {
		go func() { errs <- call() }()
	}
	require.Eventually(t, func() bool { return db.Stats().WaitCount >= 3 }, time.Minute, time.Millisecond)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	for range calls {
		require.ErrorIs(t, <-errs, carrierfsm.ErrClosed)
	}
	require.NoError(t, <-closed)
}
