package main_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// startServer starts a durable server of its own, or a standby of one.
func startServer(t *testing.T, of *pgtest.Cluster) *pgtest.Cluster {
	t.Helper()
	start := func() (*pgtest.Cluster, error) { return pgtest.Start(pgtest.Options{Durable: true}) }
	if of != nil {
		start = func() (*pgtest.Cluster, error) {
			return pgtest.StartStandby(of, "", pgtest.Options{Durable: true})
		}
	}
	c, err := start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// urlOf returns the address of a server's database in a form without spaces.
func urlOf(c *pgtest.Cluster) string {
	folder := c.Socket()[:len(c.Socket())-len("/"+pgtest.SocketName)]
	return "postgres:///postgres?user=postgres&sslmode=disable&host=" + url.QueryEscape(folder)
}

// callTakes is how long a call of upstream takes: most drivers have one under way at any time.
const callTakes = 30 * time.Millisecond

// countingUpstream counts how often it gets each code.
type countingUpstream struct {
	fsmtest.Instant
	mu    sync.Mutex
	codes map[string]int
}

func (u *countingUpstream) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	<-time.After(callTakes)
	return u.Instant.Apply(ctx, a)
}

func (u *countingUpstream) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	<-time.After(callTakes)
	if r.Input == carrierfsm.InputCaptcha {
		r.Captcha.Use(func(code []byte) {
			u.mu.Lock()
			defer u.mu.Unlock()
			u.codes[string(code)]++
		})
	}
	return u.Instant.Collect(ctx, r)
}

// replica is a service with both shards, until it is stopped.
type replica struct {
	*carrierfsm.Machine
	store *sharded.Store
	stop  func()
}

// load is a moving load: its drivers use the replica of the moment.
type load struct {
	upstream countingUpstream
	present  atomic.Pointer[replica]
	codes    atomic.Int64

	mu        sync.Mutex
	acked     map[string]int           // the highest acknowledged step
	delivered map[string][]int         // the steps that the handler got, in order
	latest    map[string]time.Time     // by shard, when something was last acknowledged
	gaps      map[string]time.Duration // by shard, the longest time without
	count     map[string]int           // by shard
	refused   int
}

var shardNames = []string{"east", "west"}

// serve starts a replica.
func (l *load) serve(t *testing.T, addresses ...string) *replica {
	t.Helper()
	var c sharded.Config
	for i, address := range addresses {
		s, err := postgres.Open(context.Background(), address)
		require.NoError(t, err)
		c.Shards = append(c.Shards, sharded.Shard{Name: shardNames[i], Store: s})
	}
	store, err := sharded.New(context.Background(), c)
	require.NoError(t, err)
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: store, Upstream: &l.upstream, Numbers: budget.None(), CaptchaWithoutPassword: true, CallTimeout: 5 * time.Second, Grace: 2 * time.Second, PollInterval: 50 * time.Millisecond,
	})
	require.NoError(t, err)
	d, err := outbox.New(m, store, outbox.Config{
		Handlers: map[string]outbox.Handler{"record": l.deliver}, Starts: map[string]outbox.Start{"record": outbox.FromBeginning},
		LeaseTTL: time.Second, PollInterval: 50 * time.Millisecond, RetryMin: 50 * time.Millisecond,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { _ = m.Run(ctx) })
	loops.Go(func() { _ = d.Run(ctx) })
	return &replica{m, store, sync.OnceFunc(func() {
		cancel()
		loops.Wait()
		ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = m.Close(ending) // calls that can't commit any more are given up
		_ = store.Close()
	})}
}

func (l *load) deliver(_ context.Context, tr carrierfsm.Transition) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delivered[tr.ID] = append(l.delivered[tr.ID], tr.Step)
	return nil
}

// drive runs verifications until ctx ends, and the last one to its end.
func (l *load) drive(ctx context.Context) error {
	for ctx.Err() == nil {
		id := l.present.Load().PlaceID(uuid.NewString(), "")
		tick := time.NewTicker(5 * time.Millisecond)
		for state := carrierfsm.Created; !state.Terminal(); {
			v, err := l.step(id)
			switch {
			case err == nil:
				l.acknowledge(id, v)
				state = v.State
			case errors.Is(err, carrierfsm.ErrStore), errors.Is(err, carrierfsm.ErrClosed), errors.Is(err, carrierfsm.ErrPending), errors.Is(err, carrierfsm.ErrInFlight):
				l.mu.Lock()
				l.refused++
				l.mu.Unlock()
				<-tick.C // the person tries again
			default:
				return fmt.Errorf("%s: %w", id, err)
			}
		}
		tick.Stop()
	}
	return nil
}

// step does what the verification asks for now.
func (l *load) step(id string) (v carrierfsm.Verification, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r := l.present.Load()
	form := carrierfsm.Apply{
		Form:    carrierfsm.Form{Name: carrierfsm.NewSecret("测试用户"), IDCard: carrierfsm.NewSecret("11010119900307889X"), Phone: carrierfsm.NewSecret("13800138000")},
		Consent: carrierfsm.Consent{Policy: "test-1", At: time.Now(), Channel: "test"},
	}
	v, err = r.Get(ctx, id)
	switch {
	case errors.Is(err, carrierfsm.ErrNotFound):
		return r.Begin(ctx, carrierfsm.NewVerification{ID: id}, form)
	case err != nil || v.Prompt == nil:
		return v, err
	case v.InFlight:
		return v, carrierfsm.ErrInFlight
	case v.Prompt.Kind == carrierfsm.PromptApplication:
		form.Step = v.Step // not the first time if the outcome of that is unknown
		return r.Submit(ctx, id, form)
	case v.Prompt.Kind == carrierfsm.PromptPassword:
		return r.Submit(ctx, id, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
	}
	code := fmt.Sprintf("%06d", l.codes.Add(1)) // another one each time, so that one that is sent twice is seen
	return r.Submit(ctx, id, carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret(code)})
}

func (l *load) acknowledge(id string, v carrierfsm.Verification) {
	shard, now := shardNames[l.present.Load().store.ShardOf(id)], time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[id] = max(l.acked[id], v.Step)
	if last, ok := l.latest[shard]; ok {
		l.gaps[shard] = max(l.gaps[shard], now.Sub(last))
	}
	l.latest[shard] = now
	l.count[shard]++
}

// more waits until so many more steps of each shard were acknowledged.
func (l *load) more(t *testing.T, n int) {
	t.Helper()
	counted := func() (list []int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, name := range shardNames {
			list = append(list, l.count[name])
		}
		return list
	}
	before := counted()
	require.Eventually(t, func() bool {
		now := counted()
		return now[0] >= before[0]+n && now[1] >= before[1]+n
	}, time.Minute, 5*time.Millisecond)
}

// steps returns the steps that the handler has got, in order.
func (l *load) steps(id string) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.delivered[id])
}

// check checks that each verification has gone through its steps once, in order, in the
// store and at the handler, that no outcome of a call is unknown, and that upstream got each
// code once.
func (l *load) check(t *testing.T) {
	t.Helper()
	r := l.present.Load()
	for id, step := range l.acked {
		history, err := r.History(t.Context(), id)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(history), step, "%s: an acknowledged step is lost", id)
		for i, tr := range history {
			require.Equal(t, i+1, tr.Step, id)
			require.NotEqual(t, carrierfsm.OutcomeUnknown, tr.Event, "%s: an outcome is lost", id)
		}
		require.Equal(t, carrierfsm.Done, history[len(history)-1].To, id)
		require.Eventually(t, func() bool {
			steps := l.steps(id)
			return len(steps) > 0 && steps[len(steps)-1] == len(history)
		}, time.Minute, 10*time.Millisecond, id)
		highest := 0
		for _, step := range l.steps(id) {
			require.LessOrEqual(t, step, highest+1, "%s: the handler got a step before the one before it", id) // one that it has got may be repeated
			highest = max(highest, step)
		}
	}
	l.upstream.mu.Lock()
	defer l.upstream.mu.Unlock()
	for code, n := range l.upstream.codes {
		require.Equal(t, 1, n, "the code %s", code)
	}
}

// A shard moves to a standby while drivers go on: nothing that was acknowledged or answered
// is lost, nothing is sent or decided twice, and the other shard is not held up.
func TestAShardMovesToAStandbyUnderLoad(t *testing.T) {
	t.Parallel()
	cluster.Cluster(t) // skips the test without PostgreSQL
	old, west := startServer(t, nil), startServer(t, nil)
	c := newCommand(t, "CARRIERFSM_OPERATOR=li.wei")
	var said string
	run := func(args ...string) time.Duration {
		t.Helper()
		begun := time.Now()
		r := c.runWith("", args...)
		require.Zero(t, r.code, "%v: %s%s", args, r.out, r.err)
		said = r.err
		return time.Since(begun)
	}
	for _, server := range []*pgtest.Cluster{old, west} {
		run("migrate", "up", "-create", "-store", urlOf(server))
	}
	run("shard", "create", "-store", "sharded:east="+urlOf(old)+" west="+urlOf(west))

	l := &load{
		upstream: countingUpstream{codes: make(map[string]int)}, acked: make(map[string]int), delivered: make(map[string][]int),
		latest: make(map[string]time.Time), gaps: make(map[string]time.Duration), count: make(map[string]int),
	}
	l.present.Store(l.serve(t, urlOf(old), urlOf(west)))
	t.Cleanup(func() { l.present.Load().stop() })
	ctx, stop := context.WithCancel(t.Context())
	errs := make([]error, 8)
	var drivers sync.WaitGroup
	for i := range errs {
		drivers.Go(func() { errs[i] = l.drive(ctx) })
	}
	t.Cleanup(func() { stop(); drivers.Wait() })
	l.more(t, 200)
	moved := startServer(t, old) // the standby is copied under load
	l.more(t, 200)

	closed := run("shard", "close", "-yes", "-store", urlOf(old))
	t.Log(said)
	begun := time.Now()
	awaitReplay(t, old, moved)
	require.NoError(t, moved.Promote())
	promoted := time.Since(begun)
	opened := run("shard", "open", "-yes", "-store", urlOf(moved))
	begun = time.Now()
	former := l.present.Load()
	l.present.Store(l.serve(t, urlOf(moved), urlOf(west)))
	restarted := time.Since(begun)
	l.more(t, 200)
	former.stop()
	stop()
	drivers.Wait()
	require.NoError(t, errors.Join(errs...))
	l.check(t)
	require.Positive(t, l.refused, "the move was not under load")
	t.Logf("%d verifications. The longest time without an acknowledgement: the moved shard %v, the other one %v. Closing %v, replay and promotion %v, opening %v, a new replica %v.",
		len(l.acked), l.gaps["east"].Round(time.Millisecond), l.gaps["west"].Round(time.Millisecond), closed.Round(time.Millisecond),
		promoted.Round(time.Millisecond), opened.Round(time.Millisecond), restarted.Round(time.Millisecond))
}

// awaitReplay waits until a standby has replayed what its primary has.
func awaitReplay(t *testing.T, primary, standby *pgtest.Cluster) {
	t.Helper()
	var position string
	require.NoError(t, pgtest.Pool(t, primary.DSN("postgres"), 1).QueryRow(t.Context(), `SELECT pg_current_wal_lsn()::text`).Scan(&position))
	copied := pgtest.Pool(t, standby.DSN("postgres"), 1)
	require.Eventually(t, func() (done bool) {
		err := copied.QueryRow(t.Context(), `SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn`, position).Scan(&done)
		return err == nil && done
	}, time.Minute, 2*time.Millisecond)
}
