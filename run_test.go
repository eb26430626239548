package carrierfsm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestRunSettlesWhatIsDueUntilItIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now})
		b.Reach("10002")
		stop := running(t, b.Replica().Machine)
		pass(5*time.Minute + 2*time.Second)
		require.Equal(t, []carrierfsm.Event{carrierfsm.CaptchaExpired}, latest(b, 1))
		pass(5 * time.Minute)
		require.Equal(t, []carrierfsm.Event{carrierfsm.Expired}, latest(b, 1))
		stop()
	})
}

func TestRunGoesOnWhileTheStoreFailsAndAroundWhatItCantOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now})
		b.Reach("10002")
		r := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Sealer: sealer(t)}).Record()
		r.Due = r.Created
		for _, id := range []string{"a-locked-one", "another"} {
			r.ID = id
			require.NoError(t, b.Store.Create(context.Background(), r))
		}
		fails := 3
		var log bytes.Buffer
		m := b.Replica(func(c *carrierfsm.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			c.Store = storeWith{Store: c.Store, commit: func(commit func() error) error {
				if fails--; fails >= 0 {
					return errors.New("the store is away")
				}
				return commit()
			}}
		})
		stop := running(t, m.Machine)
		pass(5*time.Minute + 10*time.Second)
		require.Equal(t, []carrierfsm.Event{carrierfsm.CaptchaExpired}, latest(b, 1))
		stop()
		for _, id := range []string{"a-locked-one", "another"} {
			require.Equal(t, 1, strings.Count(log.String(), "id="+id), "a failure is logged once, not every second")
		}
	})
}

func TestWhatCantBeOpenedDoesNotKeepTheRestFromBeingSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now})
		r := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Sealer: sealer(t)}).Record()
		r.Due = r.Created
		const many = 250 // more than are read at once
		for i := range many {
			r.ID = fmt.Sprintf("locked-%03d", i)
			require.NoError(t, b.Store.Create(context.Background(), r))
		}
		pass(time.Hour)
		n, err := b.Machine.Settle(context.Background())
		require.Equal(t, 1, n)
		require.ErrorIs(t, err, carrierfsm.ErrSealed)
		require.Equal(t, carrierfsm.Expired, b.Get().Reason)
	})
}

// The costs of verifications that wait for a person: memory (heap_B/row), goroutines,
// and a sweep of Run in which none is due. CARRIERFSM_ROWS adds a number of rows.
// noDue is a store that can't be asked what is due.
type noDue struct{ carrierfsm.Store }

func (noDue) Due(context.Context, time.Time, carrierfsm.PageKey, int) ([]carrierfsm.Record, error) {
	return nil, errors.New("the connection is gone")
}

func TestSettleReturnsThatTheStoreCantBeAskedWhatIsDue(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	n, err := b.Replica(func(c *carrierfsm.Config) { c.Store = noDue{c.Store} }).Machine.Settle(context.Background())
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	require.Zero(t, n)
}

func TestRunEndsAfterTheReportsThatItAsksFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asking, asked atomic.Bool
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Reporter: reporterFunc(func(carrierfsm.Secret) carrierfsm.ReportState {
			asking.Store(true)
			pass(time.Minute) // it does not mind that Run is stopped
			asked.Store(true)
			return ready
		})})
		b.Reach("10008")
		stop := running(t, b.Machine)
		for !asking.Load() {
			pass(time.Second)
		}
		stop()
		require.True(t, asked.Load())
	})
}

func BenchmarkSweepOfWaitingVerifications(b *testing.B) {
	sizes := []int{1_000, 20_000}
	if more, err := strconv.Atoi(os.Getenv("CARRIERFSM_ROWS")); err == nil {
		sizes = append(sizes, more)
	}
	stores := []struct {
		name string
		open func(b *testing.B) carrierfsm.Store
	}{
		{"memory", func(*testing.B) carrierfsm.Store { return memory.New() }},
		{"sqlite", func(b *testing.B) carrierfsm.Store {
			b.Helper()
			s, err := sqlite.Open(context.Background(), filepath.Join(b.TempDir(), "bench.db"), sqlite.SynchronousNormal())
			require.NoError(b, err)
			b.Cleanup(func() { _ = s.Close() })
			return s
		}},
	}
	for _, s := range stores {
		for _, rows := range sizes {
			b.Run(fmt.Sprintf("%s/rows=%d", s.name, rows), func(b *testing.B) { sweepWaiting(b, s.open(b), rows) })
		}
	}
}

// How long 20,000 take that are due at once.
func BenchmarkSettleOfManyDue(b *testing.B) {
	b.Run("memory", func(b *testing.B) { fsmtest.BenchmarkSettle(b, 20_000, memory.New()) })
	b.Run("sqlite", func(b *testing.B) {
		s, err := sqlite.Open(context.Background(), filepath.Join(b.TempDir(), "bench.db"))
		require.NoError(b, err)
		defer func() { _ = s.Close() }()
		fsmtest.BenchmarkSettle(b, 20_000, s)
	})
}

func BenchmarkSettleBesidePeople(b *testing.B) {
	s, err := sqlite.Open(context.Background(), filepath.Join(b.TempDir(), "bench.db"))
	require.NoError(b, err)
	defer func() { _ = s.Close() }()
	fsmtest.BenchmarkSettleBesidePeople(b, 20_000, s)
}

func sweepWaiting(b *testing.B, store carrierfsm.Store, rows int) {
	b.Helper()
	ctx := context.Background()
	heap, goroutines := resident(), runtime.NumGoroutine()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream(fsmtest.Code("10002"))})
	require.NoError(b, err)
	waiting(b, m, store, rows)
	perRow := float64(int64(resident())-int64(heap)) / float64(rows)
	more := runtime.NumGoroutine() - goroutines
	for b.Loop() {
		if n, err := m.Settle(ctx); n != 0 || err != nil {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(perRow, "heap_B/row")
	b.ReportMetric(float64(more), "goroutines")
	runtime.KeepAlive(store)
}

// waiting fills the store with verifications that wait for a code.
func waiting(b *testing.B, m *carrierfsm.Machine, store carrierfsm.Store, rows int) {
	b.Helper()
	ctx := context.Background()
	v, err := m.Create(ctx, carrierfsm.NewVerification{ID: "model"})
	require.NoError(b, err)
	v, err = m.Submit(ctx, v.ID, application(0))
	require.NoError(b, err)
	v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
	require.NoError(b, err)
	require.Equal(b, carrierfsm.AwaitingCaptcha, v.State)
	model, err := store.Load(ctx, v.ID)
	require.NoError(b, err)
	history, err := store.History(ctx, v.ID, 0, 10)
	require.NoError(b, err)
	model.Version = 1
	for i := range rows {
		r, entries := model, make([]carrierfsm.Entry, len(history))
		r.ID = fmt.Sprintf("%08x-waiting", i)
		r.Due = r.Due.Add(time.Duration(i) * time.Millisecond)
		for j, e := range history {
			e.ID = r.ID
			entries[j] = e
		}
		require.NoError(b, store.Create(ctx, r, entries...))
	}
}

func resident() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// clocked is a store whose clock differs from the machine's.
type clocked struct {
	carrierfsm.Store
	differs atomic.Int64 // a Duration
	err     error
	asked   atomic.Int64
}

func clockedBy(differs time.Duration) *clocked {
	s := &clocked{Store: memory.New()}
	s.differs.Store(int64(differs))
	return s
}

func (s *clocked) Now(ctx context.Context) (time.Time, error) {
	s.asked.Add(1)
	pass(100 * time.Millisecond) // the network
	return time.Now().Add(time.Duration(s.differs.Load())), errors.Join(s.err, ctx.Err())
}

// Half the grace is the bound: then two replicas differ by less than the grace.
func TestAClockThatIsAheadSettlesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ahead   time.Duration
		settles bool
		warns   bool
	}{
		{10 * time.Minute, false, true},
		{8 * time.Second, false, true},
		{7 * time.Second, true, true},
		{4 * time.Second, true, true},
		{3 * time.Second, true, false},
		{0, true, false},
		{-3 * time.Second, true, false},
		{-10 * time.Minute, true, true}, // it settles later, which harms no one
	} {
		t.Run(c.ahead.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				store := clockedBy(-c.ahead)
				var log bytes.Buffer
				m := machineOn(t, store, func(c *carrierfsm.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
				require.LessOrEqual(t, (m.Stats().ClockSkew - c.ahead).Abs(), 100*time.Millisecond, "New has compared")
				created(t, m, 1)
				pass(31 * time.Minute)
				stop := running(t, m)
				pass(5 * time.Second)
				v, err := m.Get(ctx, "v00000")
				require.NoError(t, err)
				require.Equal(t, c.settles, v.State.Terminal())
				_, err = m.Settle(ctx)
				require.Equal(t, c.settles, err == nil, err)
				stop()
				require.Equal(t, c.warns, strings.Count(log.String(), "clock differs") == 1, log.String())
				skew := m.Stats().ClockSkew
				require.LessOrEqual(t, (skew - c.ahead).Abs(), 100*time.Millisecond, skew)
				if !c.settles { // people's answers are taken
					_, err = m.Submit(ctx, "v00000", carrierfsm.Cancel{})
					require.NoError(t, err)
				}
			})
		})
	}
}

func TestAClockThatWasSetRightSettlesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := clockedBy(0)
		m := machineOn(t, store)
		created(t, m, 1)
		stop := running(t, m)
		defer stop()
		pass(28 * time.Minute)
		store.differs.Store(int64(-time.Hour))
		pass(4 * time.Minute)
		require.Equal(t, 1, live(t, store.Store), "found within a minute")
		store.differs.Store(0)
		pass(3 * time.Second)
		require.Zero(t, live(t, store.Store))
	})
}

func TestClocksThatAgreeAreComparedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := clockedBy(0)
		m := machineOn(t, store)
		defer running(t, m)()
		pass(10*time.Minute + 30*time.Second)
		require.EqualValues(t, 11, store.asked.Load(), "by New, and each minute")
	})
}

// A store that does not tell the time, or a host's own clock, compares nothing.
func TestAClockThatCantBeComparedSettles(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*clocked, *carrierfsm.Config){
		"the store fails": func(s *clocked, _ *carrierfsm.Config) { s.err = fmt.Errorf("the store is away") },
		"a clock of the host's": func(_ *clocked, c *carrierfsm.Config) {
			c.Now = time.Now
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := clockedBy(-time.Hour)
				m := machineOn(t, store, func(c *carrierfsm.Config) { change(store, c) })
				created(t, m, 1)
				pass(31 * time.Minute)
				n, err := m.Settle(context.Background())
				require.NoError(t, err)
				require.Equal(t, 1, n)
				require.Zero(t, m.Stats().ClockSkew)
			})
		})
	}
}
