package carrierfsm_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/race"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

func TestNewRefusesAnInvalidConfig(t *testing.T) {
	t.Parallel()
	good := carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: fsmtest.NewUpstream()}
	for rule, spoil := range map[string]func(*carrierfsm.Config){
		"no store":                     func(c *carrierfsm.Config) { c.Store = nil },
		"no upstream":                  func(c *carrierfsm.Config) { c.Upstream = nil },
		"a negative timeout":           func(c *carrierfsm.Config) { c.CallTimeout = -1 },
		"a negative grace":             func(c *carrierfsm.Config) { c.Grace = -1 },
		"a negative limit":             func(c *carrierfsm.Config) { c.Limits.Passwords = -1 },
		"a negative life":              func(c *carrierfsm.Config) { c.Limits.Life = -1 },
		"a negative retention":         func(c *carrierfsm.Config) { c.Retention = -1 },
		"a negative retention of acts": func(c *carrierfsm.Config) { c.ActRetention = -1 },
		"a retention that reports outlive": func(c *carrierfsm.Config) {
			c.Reporter, c.Retention, c.Limits.ReportLife = new(fsmtest.Reports), time.Hour-1, time.Hour
		},
		"no choice about numbers": func(c *carrierfsm.Config) { c.Numbers = budget.Numbers{} },
		"a negative budget":       func(c *carrierfsm.Config) { c.Budgets.Texts = -1 },
		"a negative bound":        func(c *carrierfsm.Config) { c.MaxInFlight = -1 },
	} {
		c := good
		spoil(&c)
		_, err := carrierfsm.New(c)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, rule)
	}
}

func TestAnIDMustBePlainAndNothingPersonal(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	for _, id := range []string{"13800138000", "with space", "测试", strings.Repeat("x", 129), "tab\t", "\x00"} {
		_, err := b.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: id})
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, "%q", id)
		require.NotContains(t, err.Error(), id)
	}
	_, err := b.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: "v1"})
	require.ErrorIs(t, err, carrierfsm.ErrExists)
	v, err := b.Machine.Create(context.Background(), carrierfsm.NewVerification{})
	require.NoError(t, err)
	require.Len(t, v.ID, 36, "a UUID")
}

func TestAKeyIsHeldByOneLiveVerification(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	ctx := context.Background()
	first, err := b.Machine.Create(ctx, carrierfsm.NewVerification{Key: "hash"})
	require.NoError(t, err)
	_, err = b.Machine.Create(ctx, carrierfsm.NewVerification{Key: "hash"})
	require.ErrorIs(t, err, carrierfsm.ErrKeyInUse)
	_, err = b.Machine.Submit(ctx, first.ID, carrierfsm.Cancel{})
	require.NoError(t, err)
	_, err = b.Machine.Create(ctx, carrierfsm.NewVerification{Key: "hash"})
	require.NoError(t, err, "the end frees it")
}

// Raw bytes and numbers of phones are refused on every store alike.
func TestAKeyMustBePlainAndNoPhoneNumber(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	for _, key := range []string{"13800138000", "with space", "\x00", "\xff\xfe", "测试", "line\n"} {
		_, err := b.Machine.Create(context.Background(), carrierfsm.NewVerification{Key: key})
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, "%q", key)
		require.NotContains(t, err.Error(), key)
	}
}

// twoShards is a store of two shards in memory.
func twoShards(t *testing.T) *sharded.Store {
	t.Helper()
	s, err := sharded.New(t.Context(), sharded.Config{Create: true, Shards: []sharded.Shard{{Name: "a", Store: memory.New()}, {Name: "b", Store: memory.New()}}})
	require.NoError(t, err)
	return s
}

// A number is counted on one shard: that of its key, which Begin makes of the form.
func TestOnShardsWhatIsCountedNeedsTheKeyOfItsNumber(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	numbers, err := budget.NewNumbers([]byte("a secret of thirty-two bytes, or more"))
	require.NoError(t, err)
	key, err := numbers.Key("13800138000")
	require.NoError(t, err)
	open := func(s carrierfsm.Store, n budget.Numbers) *carrierfsm.Machine {
		m, err := carrierfsm.New(carrierfsm.Config{Store: s, Numbers: n, Upstream: fsmtest.NewUpstream(fsmtest.Accept("chinamobilejs"))})
		require.NoError(t, err)
		return m
	}
	for _, phone := range []string{"13800138000", "１３８００１３８０００", " 138 0013 8000"} {
		store := twoShards(t)
		m := open(store, numbers)
		_, err := m.Create(ctx, carrierfsm.NewVerification{})
		require.ErrorIs(t, err, carrierfsm.ErrInvalid)
		a := application(0)
		a.Form.Phone = carrierfsm.NewSecret(phone)
		v, err := m.Begin(ctx, carrierfsm.NewVerification{}, a)
		require.NoError(t, err)
		require.Equal(t, store.ShardOf(m.PlaceID("v1", key)), store.ShardOf(v.ID), "it is where its number is counted")
		r, err := store.Load(ctx, v.ID)
		require.NoError(t, err)
		require.Equal(t, key, r.Key)
	}
	_, err = open(twoShards(t), numbers).Create(ctx, carrierfsm.NewVerification{Key: key})
	require.NoError(t, err)
	_, err = open(twoShards(t), budget.None()).Create(ctx, carrierfsm.NewVerification{})
	require.NoError(t, err, "nothing is counted")
	_, err = open(memory.New(), numbers).Create(ctx, carrierfsm.NewVerification{})
	require.NoError(t, err, "all is counted in one place")
}

func TestAnIDThatNoVerificationCanHaveIsNotFound(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.New(t)
	for _, id := range []string{"", "v1\x00", "\x00", "\xff", "v 1", "测试", strings.Repeat("x", 129), strings.Repeat("x", 1<<16)} {
		errs := everyMethod(ctx, b.Machine, id)
		for _, method := range []string{"Get", "Read", "History", "Submit", "Submit Cancel", "Expire", "Erase", "Reseal"} {
			require.ErrorIs(t, errs[method], carrierfsm.ErrNotFound, "%s %q", method, id)
		}
	}
}

// A clock that went wrong must not make times that a store can't keep.
func TestAClockBeyondAllReasonStillMakesStorableTimes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	longest := carrierfsm.Limits{Life: math.MaxInt64, IdleLife: math.MaxInt64, CodeLife: math.MaxInt64, ResendAfter: math.MaxInt64, ReportMin: math.MaxInt64, ReportMax: math.MaxInt64, ReportLife: math.MaxInt64}
	for _, now := range []time.Time{{}, time.Unix(-1<<40, 0), time.Unix(0, 0), time.Unix(1_900_000_000, 0), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		m, err := carrierfsm.New(carrierfsm.Config{
			Numbers: budget.None(), Store: memory.New(), Upstream: fsmtest.Instant{}, Now: func() time.Time { return now },
			Limits: longest, CallTimeout: math.MaxInt64, Grace: math.MaxInt64,
		})
		require.NoError(t, err)
		require.NoError(t, plainRun(m), now)
		list, err := m.List(ctx, carrierfsm.Query{})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.NoError(t, m.Close(ctx))
	}
}

func TestTheLongestNamesAreStillTaken(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.New(t)
	long := strings.Repeat("~", 128) // the last printable character
	_, err := b.Machine.Create(ctx, carrierfsm.NewVerification{ID: long, Key: long})
	require.NoError(t, err)
	for _, n := range []carrierfsm.NewVerification{{ID: long + "~"}, {Key: long + "~"}, {ID: "a\x7f"}} {
		_, err = b.Machine.Create(ctx, n)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	}
	require.ErrorIs(t, b.Machine.Expire(carrierfsm.ByOperator(ctx, long[:65]), b.ID), carrierfsm.ErrInvalid)
	require.NoError(t, b.Machine.Expire(carrierfsm.ByOperator(ctx, long[:64]), b.ID))
}

func TestAtTheBoundSubmissionsWaitAndMayStopWaiting(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{MaxInFlight: 1}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		other := b.Create(carrierfsm.NewVerification{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := other.Machine.Submit(ctx, other.ID, application(0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, carrierfsm.ErrPending, "it was not accepted")
		require.NoError(t, <-done)
		b.Must(other.Apply())
	})
}

// brittleStore panics once, in Load.
type brittleStore struct {
	*memory.Store
	breaks bool
}

func (s *brittleStore) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if s.breaks {
		s.breaks = false
		panic("the store broke")
	}
	return s.Store.Load(ctx, id)
}

func TestAStoreThatPanicsTakesNoPlaceAway(t *testing.T) {
	t.Parallel()
	store := &brittleStore{Store: memory.New()}
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, MaxInFlight: 1})
	store.breaks = true
	require.Panics(t, func() { _, _ = b.Submit(application(0)) })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	v := b.Must(b.Machine.Submit(ctx, b.ID, application(0)))
	require.Equal(t, carrierfsm.AwaitingPassword, v.State)
}

// The allocations of a whole submission, including input and memory store: the mean of
// the three submissions of a plain verification. The margin is less than what one body
// costs in encoding/json.
func TestASubmissionAllocatesNoMoreThanIsKnown(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates, and empties pools")
	}
	cancelable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, c := range map[string]struct {
		ctx  context.Context //nolint:containedctx // of a case
		cfg  carrierfsm.Config
		most float64
	}{
		"plain":      {context.Background(), carrierfsm.Config{}, 45},
		"cancelable": {cancelable, carrierfsm.Config{}, 45},
		"sealed":     {context.Background(), carrierfsm.Config{Sealer: sealer(t)}, 56},
	} {
		const runs = 300
		run := newSubmissions(t, c.cfg, runs/3+1)
		got := testing.AllocsPerRun(runs, func() { run.next(c.ctx, t) })
		t.Logf("%s: %v", name, got)
		require.LessOrEqual(t, got, c.most, name)
	}
}

// The memory of a verification that waits for a code, with its password, the fingerprints
// of its values, the snapshot and the memory store. It is not parallel: it would count what other tests use.
func TestAWaitingVerificationTakesNoMoreThanIsKnown(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector uses memory")
	}
	const n = 4000
	before := resident()
	run := newSubmissions(t, carrierfsm.Config{}, n)
	for i := range n {
		for range 2 {
			run.next(context.Background(), t)
		}
		run.n = 3 * (i + 1) // skip the code
	}
	each := (resident() - before) / n
	t.Logf("%d bytes", each)
	require.Equal(t, n, run.m.CachedPasswords())
	require.LessOrEqual(t, each, uint64(2200))
}

func TestASubscriberIsNotifiedOfCommittedTransitionsUntilItCancels(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	notified, cancel := b.Machine.Subscribe()
	isNotified := func() bool {
		select {
		case <-notified:
			return true
		default:
			return false
		}
	}
	require.False(t, isNotified(), "nothing was committed")
	b.Must(b.Apply())
	require.True(t, isNotified())
	require.False(t, isNotified(), "several commits are one value")
	b.Upstream.Then(fsmtest.Code("10002"))
	b.Must(b.Password("246810"))
	require.True(t, isNotified())
	b.Must(b.Cancel())
	require.True(t, isNotified(), "one commit with a transition, and no intent before it")
	cancel()
	b = b.Create(carrierfsm.NewVerification{})
	b.Must(b.Cancel())
	require.False(t, isNotified())
}

func TestAMachinePrintsItsTypeOnly(t *testing.T) {
	t.Parallel()
	m := fsmtest.New(t).Machine
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		require.Equal(t, "Machine [redacted]", fmt.Sprintf(format, m), format)
	}
}

// awayStore is a store that fails while it is away.
type awayStore struct {
	*memory.Store
	away atomic.Bool
}

func (s *awayStore) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	if s.away.Load() {
		return nil, errors.New("away")
	}
	return s.Store.Due(ctx, now, after, limit)
}

func TestAMachineIsReadyWhileItsStoreAnswersAndRunGetsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := context.Background(), &awayStore{Store: memory.New()}
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Store: store})
		require.ErrorContains(t, b.Machine.Ready(ctx), "Run does not run")
		require.Zero(t, b.Machine.Stats().Running)
		stop := running(t, b.Machine)
		synctest.Wait()
		require.NoError(t, b.Machine.Ready(ctx))
		pass(time.Hour)
		require.NoError(t, b.Machine.Ready(ctx))
		require.Equal(t, 1, b.Machine.Stats().Running)
		store.away.Store(true)
		require.ErrorIs(t, b.Machine.Ready(ctx), carrierfsm.ErrStore)
		pass(2*time.Minute + time.Second/2) // between two sweeps
		require.Greater(t, b.Machine.Stats().RunIdle, time.Minute)
		store.away.Store(false)
		require.ErrorContains(t, b.Machine.Ready(ctx), "Run has settled nothing for 2m")
		pass(2 * time.Second)
		require.NoError(t, b.Machine.Ready(ctx))
		stop()
		require.ErrorContains(t, b.Machine.Ready(ctx), "Run does not run")
		require.Zero(t, b.Machine.Stats().RunIdle)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, b.Machine.Ready(ended), context.Canceled)
		require.NoError(t, b.Machine.Close(ctx))
		require.ErrorIs(t, b.Machine.Ready(ctx), carrierfsm.ErrClosed)
	})
}

// tabled is a store that checks its tables.
type tabled struct {
	*memory.Store
	err error
}

func (s *tabled) CheckSchema(context.Context) error { return s.err }

func TestAMachineIsReadyWhereItsStoreHasItsTablesAndRunIsAsSlowAsItsPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store, away := context.Background(), &tabled{Store: memory.New()}, &awayStore{Store: memory.New()}
		with := func(s carrierfsm.Store) *carrierfsm.Machine {
			return fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Store: s, PollInterval: 30 * time.Second}).Machine
		}
		m, slow := with(store), with(away)
		pass(time.Hour)
		defer running(t, m)()
		away.away.Store(true)
		defer running(t, slow)()
		synctest.Wait()
		require.Zero(t, slow.Stats().RunIdle, "Run has just begun")
		away.away.Store(false)
		pass(time.Minute)
		synctest.Wait()
		require.NoError(t, m.Ready(ctx))
		store.err = errors.New("migrate first")
		require.ErrorContains(t, m.Ready(ctx), "migrate first")

		away.away.Store(true)
		pass(89 * time.Second)
		away.away.Store(false)
		require.NoError(t, slow.Ready(ctx), "a minute and the poll interval are not over")
	})
}
