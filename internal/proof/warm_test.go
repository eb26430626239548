package proof_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// countingStore counts the calls that a verification costs. Each is a round trip.
type countingStore struct {
	*memory.Store
	loads, commits atomic.Int64
	commit         func(commit func() error) error // nil: as it is
}

func (s *countingStore) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	s.loads.Add(1)
	return s.Store.Load(ctx, id)
}

func (s *countingStore) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	s.commits.Add(1)
	return s.Store.Create(ctx, r, e...)
}

func (s *countingStore) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	s.commits.Add(1)
	if s.commit != nil {
		return s.commit(func() error { return s.Store.Commit(ctx, r, e...) })
	}
	return s.Store.Commit(ctx, r, e...)
}

// cost returns what the store counts while f runs.
func (s *countingStore) cost(f func()) [2]int64 {
	loads, commits := s.loads.Load(), s.commits.Load()
	f()
	return [2]int64{s.loads.Load() - loads, s.commits.Load() - commits}
}

// counting returns a Bench at the prompt for a code, whose machine has the password in
// memory, and its store. Time is synctest's.
func counting(t *testing.T, cfg carrierfsm.Config) (*fsmtest.Bench, *countingStore) {
	t.Helper()
	store := &countingStore{Store: memory.New()}
	cfg.Store, cfg.Now = store, time.Now
	b := fsmtest.NewWith(t, cfg)
	b.Reach("10002")
	return b, store
}

// submit submits an input at a step.
func submit(b *fsmtest.Bench, in carrierfsm.Input) (carrierfsm.Verification, error) {
	return b.Machine.Submit(context.Background(), b.ID, in)
}

func code(step int, value string) carrierfsm.Captcha {
	return carrierfsm.Captcha{Step: step, Code: carrierfsm.NewSecret(value)}
}

func TestAWarmSubmissionLoadsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  carrierfsm.Config
		warm int64 // loads
	}{
		"plain":          {carrierfsm.Config{}, 0},
		"sealed unbound": {carrierfsm.Config{Sealer: sealer(t), SealUnbound: true}, 0},
		"sealed":         {carrierfsm.Config{Sealer: sealer(t)}, 1}, // what was forged is told
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := c.cfg
			store := &countingStore{Store: memory.New()}
			cfg.Store = store
			ctx := context.Background()
			b := fsmtest.NewWith(t, cfg, fsmtest.Code("10002"), fsmtest.Code("10004"), fsmtest.Code("10001"), fsmtest.Code("10008"))
			for _, c := range []struct {
				what           string
				loads, commits int64
				in             carrierfsm.Input
			}{
				{"the form", 1, 2, application(0)},
				{"the password", 1, 2, carrierfsm.Password{Step: 2, Password: carrierfsm.NewSecret("246810")}},
				{"a wrong code", c.warm, 2, code(3, "500001")},
				{"the code", c.warm, 2, code(4, "500002")},
				{"the second code", c.warm, 2, code(5, "500003")},
			} {
				require.Equal(t, [2]int64{c.loads, c.commits}, store.cost(func() {
					_, err := b.Machine.Submit(ctx, b.ID, c.in)
					require.NoError(t, err)
				}), c.what)
			}
			require.Equal(t, carrierfsm.Done, b.Get().State)
		})
	}
}

// Six commits and one load: no password is held yet when the password comes.
func TestAPlainVerificationThatBeginsWithItsApplicationTakesSixCommits(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: memory.New()}
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store}, fsmtest.Code("10002"), fsmtest.Code("10008"))
	require.Equal(t, [2]int64{1, 6}, store.cost(func() {
		ctx := context.Background()
		v, err := b.Machine.Begin(ctx, carrierfsm.NewVerification{}, application(0))
		require.NoError(t, err)
		v, err = b.Machine.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
		require.NoError(t, err)
		v, err = b.Machine.Submit(ctx, v.ID, code(v.Step, "500001"))
		require.NoError(t, err)
		require.Equal(t, carrierfsm.Done, v.State)
	}))
}

func TestReadsAskTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, store := counting(t, carrierfsm.Config{})
		require.Equal(t, [2]int64{1, 0}, store.cost(func() { b.Get() }))
		b.Upstream.Then(fsmtest.Code("10004"))
		_, err := submit(b.Replica(), carrierfsm.Captcha{Step: b.Get().Step, Code: carrierfsm.NewSecret("500001"), Password: carrierfsm.NewSecret("246810")})
		require.NoError(t, err)
		require.Equal(t, carrierfsm.CaptchaRejected, b.Get().Reason)
		require.Len(t, b.History(), 4)
	})
}

// Nothing is kept where no password is: neither of a machine that never had it, nor of
// one whose verification has another step to take first.
func TestOnlyAMachineThatHoldsThePasswordIsWarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, store := counting(t, carrierfsm.Config{CaptchaWithoutPassword: true})
		cold := b.Replica()
		for range 2 {
			b.Upstream.Then(fsmtest.Code("10004"))
			require.EqualValues(t, 1, store.cost(func() { b.Must(submit(cold, code(len(b.History()), "500001"))) })[0])
		}
		b.Upstream.Then(fsmtest.Next("chinaunicom"), fsmtest.Code("10002"))
		b.Must(b.Captcha("500002"))
		require.EqualValues(t, 1, store.cost(func() {
			b.Must(submit(b, carrierfsm.Password{Step: 7, Password: carrierfsm.NewSecret("864200")}))
		})[0])
		pass(10 * time.Minute) // the password is destroyed, and with it what is beside it
		require.Positive(t, store.cost(func() { _, _ = submit(b, code(8, "500003")) })[0])
	})
}

// staleCases are what another replica does, and what the warm one, which does not know,
// is then asked to do. Some it would refuse by what it knows, others accept.
var staleCases = []struct {
	name   string
	change func(other *fsmtest.Bench)
	in     func(v carrierfsm.Verification) carrierfsm.Input // v is the present one
	want   error
}{
	{
		"an older prompt", func(o *fsmtest.Bench) { o.Reach("10004") },
		func(v carrierfsm.Verification) carrierfsm.Input { return code(v.Step-1, "500001") }, carrierfsm.ErrStale,
	},
	{
		"a prompt that it does not know", func(o *fsmtest.Bench) { o.Reach("10004") },
		func(v carrierfsm.Verification) carrierfsm.Input { return code(v.Step, "500001") }, nil,
	},
	{
		"a prompt that does not exist", func(o *fsmtest.Bench) { o.Reach("10004") },
		func(v carrierfsm.Verification) carrierfsm.Input { return code(v.Step+1, "500001") }, carrierfsm.ErrInvalid,
	},
	{
		"another kind of prompt", func(o *fsmtest.Bench) { o.Reach("10022") },
		func(v carrierfsm.Verification) carrierfsm.Input { return code(v.Step, "500001") }, carrierfsm.ErrNotAwaited,
	},
	{
		"a kind of prompt that it does not know", func(o *fsmtest.Bench) { o.Reach("10022") },
		func(v carrierfsm.Verification) carrierfsm.Input {
			return carrierfsm.QueryPassword{Step: v.Step, Password: carrierfsm.NewSecret("135790")}
		}, nil,
	},
	{
		"after the end", func(o *fsmtest.Bench) { o.Reach("10008") },
		func(v carrierfsm.Verification) carrierfsm.Input { return code(v.Step-1, "500001") }, carrierfsm.ErrNotAwaited,
	},
	{
		"after a cancellation", func(o *fsmtest.Bench) { o.Must(o.Cancel()) },
		func(v carrierfsm.Verification) carrierfsm.Input { return code(v.Step-1, "500001") }, carrierfsm.ErrNotAwaited,
	},
	{
		"after an erasure", func(o *fsmtest.Bench) { _ = o.Machine.Erase(context.Background(), o.ID) },
		func(v carrierfsm.Verification) carrierfsm.Input { return code(v.Step-1, "500001") }, carrierfsm.ErrNotAwaited,
	},
	{
		"after a purge", purge,
		func(carrierfsm.Verification) carrierfsm.Input { return code(3, "500001") }, carrierfsm.ErrNotFound,
	},
	{"after the id was used again", func(o *fsmtest.Bench) {
		purge(o)
		o.Must(o.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: o.ID}))
		o.Reach("10022")
	}, func(v carrierfsm.Verification) carrierfsm.Input { return code(v.Step, "500001") }, carrierfsm.ErrNotAwaited},
	{
		"the last code was wrong", func(o *fsmtest.Bench) { o.Reach("10004", "10004") },
		func(v carrierfsm.Verification) carrierfsm.Input { return carrierfsm.ResendCaptcha{Step: v.Step} }, carrierfsm.ErrTooSoon,
	},
	{
		"the code has expired", func(o *fsmtest.Bench) { pass(5 * time.Minute); o.Get() },
		func(v carrierfsm.Verification) carrierfsm.Input { return carrierfsm.ResendCaptcha{Step: v.Step} }, nil,
	},
	{
		"no attempt is left", func(o *fsmtest.Bench) { o.Reach("10004", "10004") },
		func(v carrierfsm.Verification) carrierfsm.Input {
			return carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret("500001"), Password: carrierfsm.NewSecret("246810")}
		}, carrierfsm.ErrTooMany,
	},
	{"another password was sent", func(o *fsmtest.Bench) {
		o.Upstream.Then(fsmtest.Code("10004"))
		o.Must(o.Submit(carrierfsm.Captcha{Step: o.Get().Step, Code: carrierfsm.NewSecret("500001"), Password: carrierfsm.NewSecret("864200")}))
	}, func(v carrierfsm.Verification) carrierfsm.Input { return code(v.Step, "500001") }, carrierfsm.ErrPasswordNeeded},
}

func purge(b *fsmtest.Bench) {
	b.Must(b.Cancel())
	pass(time.Second)
	_, _, _ = b.Machine.Purge(context.Background(), time.Now())
}

// What a warm machine answers is what one answers that has to load the record.
func TestARefusalIsNotToldFromAStaleSnapshot(t *testing.T) {
	t.Parallel()
	for _, c := range staleCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := carrierfsm.Config{Limits: carrierfsm.Limits{Captchas: 5}}
				if errors.Is(c.want, carrierfsm.ErrTooMany) {
					cfg.Limits.Passwords = 1
				}
				b, _ := counting(t, cfg)
				other := b.Replica(func(c *carrierfsm.Config) { c.CaptchaWithoutPassword = true })
				c.change(other)
				v, _ := other.Machine.Get(context.Background(), b.ID)
				b.Upstream.Otherwise(fsmtest.Code("10004"))
				got, err := submit(b, c.in(v))
				require.ErrorIs(t, err, c.want)
				if c.want != nil {
					require.Empty(t, cmp.Diff(v, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b carrierfsm.Secret) bool { return fsmtest.Reveal(a) == fsmtest.Reveal(b) })))
				}
			})
		})
	}
}

// While another replica's call is under way.
func TestAStaleSnapshotSendsNothingBesideACallUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, store := counting(t, carrierfsm.Config{CaptchaWithoutPassword: true})
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := make(chan error, 1)
		go func() { _, err := submit(b.Replica(), code(3, "500001")); done <- err }()
		synctest.Wait()
		require.Equal(t, [2]int64{2, 1}, store.cost(func() { // the commit is looked for, and the record loaded
			v, err := submit(b, code(3, "500002"))
			require.ErrorIs(t, err, carrierfsm.ErrInFlight)
			require.True(t, v.InFlight)
		}))
		require.Equal(t, [2]int64{1, 0}, store.cost(func() { _, _ = submit(b, code(3, "500003")) }), "it is known to be stale")
		require.NoError(t, <-done)
		require.Zero(t, b.Upstream.Arrivals("500002"))
	})
}

// A conflict costs the read-back, a load and another commit.
func TestAConflictLoadsAndBeginsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, store := counting(t, carrierfsm.Config{})
		require.NoError(t, b.Replica().Machine.Reseal(context.Background(), b.ID))
		b.Upstream.Then(fsmtest.Code("10004"), fsmtest.Code("10008"))
		require.Equal(t, [2]int64{2, 3}, store.cost(func() { b.Must(submit(b, code(3, "500001"))) }))
		require.Equal(t, [2]int64{0, 2}, store.cost(func() { b.Must(submit(b, code(4, "500002"))) }), "it is warm again")
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
	})
}

// The store fails while the intent is committed: nothing is sent, and what is shown was
// read after that.
func TestAFailureOfTheStoreComesWithTheRecordAsItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, store := counting(t, carrierfsm.Config{})
		b.Upstream.Then(fsmtest.Code("10004"))
		other := b.Replica()
		b.Must(submit(other, carrierfsm.Captcha{Step: 3, Code: carrierfsm.NewSecret("500001"), Password: carrierfsm.NewSecret("246810")}))
		store.commit = func(func() error) error { return errors.New("the disk is full") }
		v, err := submit(b, code(3, "500002"))
		require.ErrorIs(t, err, carrierfsm.ErrStore)
		require.Equal(t, 4, v.Step)
		require.Zero(t, b.Upstream.Arrivals("500002"))
	})
}

// A lost answer is no reason to load: the read-back shows the commit.
func TestALostAnswerOfAWarmIntentIsReadBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, store := counting(t, carrierfsm.Config{})
		store.commit = func(commit func() error) error { return errors.Join(commit(), errors.New("the connection was lost")) }
		b.Upstream.Then(fsmtest.Code("10004"), fsmtest.Code("10008"))
		require.Equal(t, [2]int64{2, 2}, store.cost(func() { b.Must(submit(b, code(3, "500001"))) }))
		store.commit = nil
		require.Equal(t, [2]int64{0, 2}, store.cost(func() { b.Must(submit(b, code(4, "500002"))) }))
	})
}

// The store was put back to what this machine has in memory, and the host knows of more.
func TestTheMarkOfTheHostIsCheckedWithoutALoadToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, _ := counting(t, carrierfsm.Config{})
		_, name, _ := strings.Cut(b.Get().Mark, ".")
		for mark, want := range map[string]error{"9." + name: carrierfsm.ErrForged, b.Get().Mark: nil} {
			b.Upstream.Otherwise(fsmtest.Code("10004"))
			_, err := b.Machine.Submit(carrierfsm.WithMark(context.Background(), mark), b.ID, code(b.Get().Step, "500001"))
			require.ErrorIs(t, err, want)
		}
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
	})
}

// An upstream may go on using the memory of its cursor.
func TestAKeptSnapshotSharesNoMemoryWithUpstream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, _ := counting(t, carrierfsm.Config{})
		cursor := []byte("page 1")
		var sent [][]byte
		b.Upstream.Otherwise(fsmtest.Func(func(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			sent = append(sent, bytes.Clone(r.Cursor))
			clear(r.Cursor)
			if len(sent) == 2 {
				return carrierfsm.Reply{}, errors.New("no answer")
			}
			return carrierfsm.Reply{Success: true, Code: "10004", Type: "CONTROL", Cursor: cursor}, nil
		}))
		b.Must(submit(b, code(3, "500001")))
		copy(cursor, "page 2")
		b.Must(submit(b, code(4, "500002")))
		b.Must(submit(b, code(5, "500003")))
		require.Equal(t, [][]byte{nil, []byte("page 1"), []byte("page 1")}, sent)
	})
}
