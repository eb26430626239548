package carrierfsm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// The loops of Run. The time is that of a synctest bubble.

// mute is a store that does not answer one of its methods until it is told to.
type mute struct {
	carrierfsm.Store
	method string
	id     string // of the only record that this is about; empty: all

	mu          sync.Mutex
	from, until time.Time
}

func (s *mute) between(from, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.until = from, until
}

func (s *mute) answer(ctx context.Context, method, id string) error {
	now := time.Now()
	s.mu.Lock()
	answers := s.method != method || s.id != "" && s.id != id || now.Before(s.from) || !now.Before(s.until)
	s.mu.Unlock()
	if answers {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *mute) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	if err := s.answer(ctx, "due", ""); err != nil {
		return nil, err
	}
	return s.Store.Due(ctx, now, after, limit)
}

func (s *mute) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if err := s.answer(ctx, "load", id); err != nil {
		return carrierfsm.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s *mute) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	if err := s.answer(ctx, "commit", r.ID); err != nil {
		return err
	}
	return s.Store.Commit(ctx, r, e...)
}

func (s *mute) History(ctx context.Context, id string, afterStep, limit int) ([]carrierfsm.Entry, error) {
	if err := s.answer(ctx, "history", id); err != nil {
		return nil, err
	}
	return s.Store.History(ctx, id, afterStep, limit)
}

func (s *mute) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	if err := s.answer(ctx, "list", ""); err != nil {
		return nil, err
	}
	return s.Store.List(ctx, q)
}

func (s *mute) Now(ctx context.Context) (time.Time, error) {
	return time.Now(), s.answer(ctx, "now", "")
}

func TestRunGoesOnAfterAStoreThatDoesNotAnswerAnyOneMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"due", "commit", "load", "now"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &mute{Store: memory.New(), method: method, from: time.Now().Add(29 * time.Minute), until: time.Now().Add(33 * time.Minute)}
				var log bytes.Buffer
				m := machineOn(t, store, func(c *carrierfsm.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
				created(t, m, 100)
				stop := running(t, m)
				pass(33*time.Minute + 20*time.Second)
				require.Zero(t, live(t, store.Store), "within 20 s after the store answers again")
				stop()
				if method == "due" || method == "commit" {
					require.Contains(t, log.String(), "no answer within 10s")
				}
			})
		})
	}
}

// A commit that is never answered, of a record that is locked for instance, keeps
// nothing else from being settled.
func TestARecordThatIsNotAnsweredDoesNotKeepTheOthersWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &mute{Store: memory.New(), method: "commit", id: "v00007", until: time.Now().Add(24 * time.Hour)}
		m := machineOn(t, store)
		created(t, m, 2500) // three pages
		stop := running(t, m)
		pass(30*time.Minute + time.Minute)
		require.Equal(t, 1, live(t, store.Store))
		stop()
	})
}

func TestReadsOfManyRecordsAreBoundedAndFailWithErrStore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for method, read := range map[string]func(m *carrierfsm.Machine) error{
		"due":     func(m *carrierfsm.Machine) error { _, err := m.Overdue(ctx, 0, carrierfsm.PageKey{}, 0); return err },
		"history": func(m *carrierfsm.Machine) error { _, err := m.History(ctx, "v00000"); return err },
		"list":    func(m *carrierfsm.Machine) error { _, err := m.List(ctx, carrierfsm.Query{}); return err },
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &mute{Store: memory.New(), method: method, until: time.Now().Add(24 * time.Hour)}
				m := machineOn(t, store)
				created(t, m, 1)
				begun := time.Now()
				require.ErrorIs(t, read(m), carrierfsm.ErrStore)
				require.Equal(t, 30*time.Second, time.Since(begun))
			})
		})
	}
}

// slow is a store each commit of which takes a time, whoever wins it.
type slow struct {
	carrierfsm.Store
	takes   time.Duration
	commits atomic.Int64
}

func (s *slow) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	s.commits.Add(1)
	pass(s.takes)
	return s.Store.Commit(ctx, r, e...)
}

func TestWhatIsDueIsSettledConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: memory.New(), takes: 10 * time.Millisecond}
		m := machineOn(t, store)
		created(t, m, 3200)
		pass(31 * time.Minute)
		begun := time.Now()
		n, err := m.Settle(context.Background())
		require.NoError(t, err)
		require.Equal(t, 3200, n)
		require.LessOrEqual(t, time.Since(begun), 1500*time.Millisecond, "one after another it would be 32 s")
	})
}

// Three replicas that begin at once share the work: they are faster than one, and
// seldom try what another one has settled.
func TestReplicasSettleDifferentRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: memory.New(), takes: 10 * time.Millisecond}
		const many = 6400
		created(t, machineOn(t, store), many)
		pass(31 * time.Minute)
		begun := time.Now()
		var settled atomic.Int64
		var replicas sync.WaitGroup
		for range 3 {
			replicas.Go(func() {
				n, err := machineOn(t, store).Settle(context.Background())
				settled.Add(int64(n))
				if err != nil {
					t.Error(err)
				}
			})
		}
		replicas.Wait()
		require.EqualValues(t, many, settled.Load())
		require.Zero(t, live(t, store.Store))
		require.Less(t, time.Since(begun), 1500*time.Millisecond, "one replica takes 2 s")
		require.Less(t, store.commits.Load(), int64(many*3/2))
	})
}

// A record for which every commit is a conflict is left to the next sweep.
func TestASweepEndsBesideAStoreOfConflicts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := machineOn(t, storeWith{Store: memory.New(), commit: func(func() error) error { return carrierfsm.ErrConflict }})
		created(t, m, 1500)
		pass(31 * time.Minute)
		n, err := m.Settle(context.Background())
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// A store that fails for many records is left alone until the next sweep.
func TestASweepStopsWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		commits := 0
		var mu sync.Mutex
		m := machineOn(t, storeWith{Store: memory.New(), commit: func(func() error) error {
			mu.Lock()
			defer mu.Unlock()
			commits++
			return fmt.Errorf("the disk is full")
		}})
		created(t, m, 1500)
		pass(31 * time.Minute)
		n, err := m.Settle(context.Background())
		require.ErrorIs(t, err, carrierfsm.ErrStore)
		require.Zero(t, n)
		require.LessOrEqual(t, commits, 64)
	})
}

func TestWarningsOfManyRecordsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		r := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Sealer: sealer(t)}).Record()
		r.Due = r.Created
		for n := range 2500 {
			r.ID = fmt.Sprintf("locked-%05d", n)
			require.NoError(t, store.Create(context.Background(), r))
		}
		var log bytes.Buffer
		m := machineOn(t, store, func(c *carrierfsm.Config) {
			c.Logger, c.PollInterval = slog.New(slog.NewTextHandler(&log, nil)), 20*time.Second
		})
		stop := running(t, m)
		pass(10*time.Minute - time.Second)
		stop()
		text := log.String()
		require.Equal(t, 1000, strings.Count(text, "id=locked-"))
		require.Equal(t, 10, strings.Count(text, "count=1500"), "once a minute")
		require.Equal(t, 1010, strings.Count(text, "\n"))
	})
}

func TestAFailureThatWasMendedIsLoggedAgainWhenItComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		store := &mute{Store: memory.New(), method: "due", from: time.Now(), until: time.Now().Add(time.Minute)}
		m := machineOn(t, store, func(c *carrierfsm.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		stop := running(t, m)
		pass(2 * time.Minute)
		store.between(time.Now(), time.Now().Add(time.Minute))
		pass(2 * time.Minute)
		stop()
		require.Equal(t, 2, strings.Count(log.String(), "could not be settled"))
	})
}

// busy is a store whose commits take so long. It counts how many of a sweep go on at once.
type busy struct {
	carrierfsm.Store
	takes               time.Duration
	broken              atomic.Bool // the next commit fails
	mu                  sync.Mutex
	now, most, attempts int // without those of the person
}

func (s *busy) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	if !strings.HasPrefix(r.ID, "person") {
		s.count(1)
		defer s.count(-1)
	}
	if pass(s.takes); s.broken.Swap(false) {
		return errors.New("the store is broken")
	}
	return s.Store.Commit(ctx, r, e...)
}

func (s *busy) count(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += more
	s.most = max(s.most, s.now)
	s.attempts += max(more, 0)
}

// within returns the most commits at once within that time.
func (s *busy) within(d time.Duration) int {
	s.mu.Lock()
	s.most = s.now
	s.mu.Unlock()
	pass(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func TestASweepCommitsFewAtOnceWhileSomebodySubmitsAndManyBeforeAndAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &busy{Store: memory.New(), takes: 100 * time.Millisecond}
		m, submit := submitting(t, store, 5*time.Second)
		created(t, m, 3000)
		pass(31 * time.Minute)
		defer running(t, m)()
		require.Equal(t, 32, store.within(time.Second))
		defer pass(5 * time.Second)
		submit(1)
		pass(200 * time.Millisecond) // the commits under way end
		require.Equal(t, 4, store.within(4*time.Second))
		pass(time.Second)
		require.Equal(t, 32, store.within(time.Minute))
	})
}

func TestASweepCommitsOneForEightSubmissionsAtOnce(t *testing.T) {
	t.Parallel()
	for people, most := range map[int]int{1: 4, 32: 4, 70: 8, 300: 32} {
		synctest.Test(t, func(t *testing.T) {
			store := &busy{Store: memory.New(), takes: 100 * time.Millisecond}
			m, submit := submitting(t, store, time.Minute)
			created(t, m, 500)
			pass(31 * time.Minute)
			submit(people)
			defer pass(time.Minute)
			_, err := m.Settle(context.Background())
			require.NoError(t, err)
			require.Equal(t, most, store.most)
		})
	}
}

func TestASweepGoesOnWhileSubmissionsNeverEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &busy{Store: memory.New(), takes: time.Second}
		m, submit := submitting(t, store, 10*time.Minute)
		created(t, m, 1000)
		pass(31 * time.Minute)
		submit(1)
		defer pass(10 * time.Minute)
		store.broken.Store(true)
		stop := running(t, m)
		defer stop()
		for range 4 {
			pass(time.Minute + time.Second)
			require.NoError(t, m.Ready(context.Background()), "it makes progress")
		}
		pass(20 * time.Second)
		require.Equal(t, 1, live(t, store.Store), "the person's")
		require.Equal(t, 4, store.most)
		require.Equal(t, 1, m.Stats().InFlight)
	})
}

func TestAReplicaWhereNobodySubmitsSettlesManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &busy{Store: memory.New(), takes: 100 * time.Millisecond}
		m, submit := submitting(t, store, time.Minute)
		created(t, m, 1000)
		pass(31 * time.Minute)
		submit(1)
		defer pass(time.Minute)
		settled := make(chan int, 2)
		begun := time.Now()
		for _, m := range []*carrierfsm.Machine{m, machineOn(t, store)} {
			go func() {
				n, _ := m.Settle(context.Background())
				settled <- n
			}()
		}
		require.Equal(t, 1000, <-settled+<-settled)
		require.Less(t, time.Since(begun), 10*time.Second, "with one settler for each chunk it is 25 s")
		require.Less(t, store.attempts, 1200, "they settle different parts")
	})
}
