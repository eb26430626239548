package sharded_test

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
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// phone returns one of ten invented numbers.
func phone(i int) string { return fmt.Sprintf("1380013800%d", i%10) }

func numbers(tb testing.TB) budget.Numbers {
	tb.Helper()
	n, err := budget.NewNumbers([]byte("0123456789abcdef0123456789abcdef"))
	require.NoError(tb, err)
	return n
}

// person is an upstream that accepts each form and asks for a password.
type person struct{}

func (person) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{Accepted: true, Token: carrierfsm.NewSecret("token"), Source: carrierfsm.Source{Website: "chinamobilejs", Online: true}}, nil
}

func (person) Collect(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
	return carrierfsm.Reply{}, errors.New("not asked")
}

// machine is a machine on shards that can be down.
type machine struct {
	*carrierfsm.Machine
	store *sharded.Store
	list  []*unreliable
	clock *fsmtest.Clock
}

func newMachine(tb testing.TB, change func(*carrierfsm.Config)) *machine {
	tb.Helper()
	c, list := unreliably(config(inMemory))
	m := &machine{store: open(tb, c), list: list, clock: fsmtest.NewClock()}
	cfg := carrierfsm.Config{Store: m.store, Upstream: person{}, Numbers: numbers(tb), Now: m.clock.Now, PollInterval: 10 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	var err error
	m.Machine, err = carrierfsm.New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, m.Close(context.Background())) })
	return m
}

// begin begins a verification of a number.
func (m *machine) begin(tb testing.TB, i int) carrierfsm.Verification {
	tb.Helper()
	form := fsmtest.Form()
	form.Phone = carrierfsm.NewSecret(phone(i))
	v, err := m.Begin(tb.Context(), carrierfsm.NewVerification{}, carrierfsm.Apply{Form: form, Consent: fsmtest.Consent()})
	require.NoError(tb, err)
	return v
}

// shardOfPhone returns the shard of a number.
func (m *machine) shardOfPhone(tb testing.TB, i int) int {
	tb.Helper()
	key, err := numbers(tb).Key(phone(i))
	require.NoError(tb, err)
	return m.store.ShardOf(m.PlaceID("any", key))
}

func (m *machine) calls() (list []int64) {
	for _, u := range m.list {
		list = append(list, u.calls.Swap(0))
	}
	return list
}

func TestAVerificationIsOnTheShardOfItsNumberAndTouchesNoOther(t *testing.T) {
	t.Parallel()
	m := newMachine(t, nil)
	used := make(map[int]bool)
	for i := range 10 {
		shard := m.shardOfPhone(t, i)
		used[shard] = true
		m.calls()
		v := m.begin(t, i)
		require.Equal(t, shard, m.store.ShardOf(v.ID), "the id has the slot of the number's key: %s", v.ID)
		_, err := m.Get(t.Context(), v.ID)
		require.NoError(t, err)
		_, err = m.Submit(t.Context(), v.ID, carrierfsm.Cancel{})
		require.NoError(t, err)
		for other, n := range m.calls() {
			require.Equal(t, other == shard, n > 0, "calls of shard %d", other)
		}
	}
	require.Greater(t, len(used), 1)
}

func TestOneNumberHasOnePlaceAndOneBudgetOnShards(t *testing.T) {
	t.Parallel()
	m := newMachine(t, func(c *carrierfsm.Config) { c.Budgets.Applications = 3 })
	var ids []string
	for range 3 {
		ids = append(ids, m.begin(t, 1).ID)
	}
	first, err := m.Get(t.Context(), ids[0])
	require.NoError(t, err)
	require.Equal(t, carrierfsm.Failed, first.State, "a newer verification of the number takes its place")
	form := fsmtest.Form()
	form.Phone = carrierfsm.NewSecret(phone(1))
	_, err = m.Begin(t.Context(), carrierfsm.NewVerification{}, carrierfsm.Apply{Form: form, Consent: fsmtest.Consent()})
	require.ErrorIs(t, err, carrierfsm.ErrTooMany)
}

func TestCreateOnShardsNeedsTheKeyOfTheNumber(t *testing.T) {
	t.Parallel()
	m := newMachine(t, nil)
	_, err := m.Create(t.Context(), carrierfsm.NewVerification{})
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	key, err := numbers(t).Key(phone(2))
	require.NoError(t, err)
	_, err = m.Create(t.Context(), carrierfsm.NewVerification{ID: "order-4711", Key: key})
	require.ErrorIs(t, err, carrierfsm.ErrOtherShard)
	v, err := m.Create(t.Context(), carrierfsm.NewVerification{ID: m.PlaceID("order-4711", key), Key: key})
	require.NoError(t, err)
	require.Contains(t, v.ID, "order-4711")

	free := newMachine(t, func(c *carrierfsm.Config) { c.Numbers = budget.None() })
	v, err = free.Create(t.Context(), carrierfsm.NewVerification{})
	require.NoError(t, err, "nothing is counted, so no key is needed")
	require.Regexp(t, `^s[0-3][0-9a-f]{2}-[0-9a-f]{8}-`, v.ID)
}

// With a shard down, Run settles what is due on the others, handlers get their
// transitions, lists and figures have them, and the replica stays ready.
func TestOneShardThatIsDownLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	m := newMachine(t, nil)
	var mu sync.Mutex
	handled := make(map[string]bool)
	d, err := outbox.New(m.Machine, m.store, outbox.Config{PollInterval: 10 * time.Millisecond, Now: m.clock.Now, Handlers: map[string]outbox.Handler{
		"count": func(_ context.Context, t carrierfsm.Transition) error {
			mu.Lock()
			defer mu.Unlock()
			handled[t.ID] = handled[t.ID] || t.Ended()
			return nil
		},
	}})
	require.NoError(t, err)
	ids := make(map[int][]string) // by shard
	for i := range 10 {
		v := m.begin(t, i)
		shard := m.store.ShardOf(v.ID)
		ids[shard] = append(ids[shard], v.ID)
	}
	down := m.shardOfPhone(t, 0)
	name := m.store.Shards()[down].Name
	m.list[down].down.Store(true)
	m.clock.Advance(time.Hour) // all are due

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = m.Run(ctx) })
	running.Go(func() { _ = d.Run(ctx) })
	ended := func(shard int) bool {
		mu.Lock()
		defer mu.Unlock()
		for _, id := range ids[shard] {
			if !handled[id] {
				return false
			}
		}
		return true
	}
	for shard := range ids {
		if shard != down {
			require.Eventually(t, func() bool { return ended(shard) }, time.Minute, time.Millisecond, "shard %d", shard)
		}
	}
	require.False(t, ended(down))
	require.NoError(t, m.Ready(t.Context()))
	require.NoError(t, d.Ready(t.Context()))

	var some *carrierfsm.ShardsError
	list, err := m.List(t.Context(), carrierfsm.Query{})
	require.ErrorAs(t, err, &some)
	require.Equal(t, []string{name}, some.Shards)
	require.Len(t, list, 10-len(ids[down]))
	timelines, err := m.store.Survey(t.Context(), time.Time{}, m.clock.Now(), 100)
	require.ErrorAs(t, err, &some)
	require.Len(t, timelines, len(list))
	cursors, err := d.Cursors(t.Context())
	require.ErrorAs(t, err, &some)
	require.Len(t, cursors, shards-1)
	stats := m.Stats()
	require.Len(t, stats.Shards, shards)
	require.Equal(t, name, stats.Shards[down].Name)

	m.list[down].down.Store(false)
	require.Eventually(t, func() bool { return ended(down) }, time.Minute, time.Millisecond)
	stop()
	running.Wait()
}

// Two replicas that start together both lead: each holds the leases of some shards.
func TestTheLeasesOfAHandlerSpreadOverReplicas(t *testing.T) {
	t.Parallel()
	m := newMachine(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running sync.WaitGroup
	var replicas []*outbox.Dispatcher
	for range 2 {
		d, err := outbox.New(m.Machine, m.store, outbox.Config{PollInterval: 3 * time.Second, Handlers: map[string]outbox.Handler{
			"count": func(context.Context, carrierfsm.Transition) error { return nil },
		}})
		require.NoError(t, err)
		replicas = append(replicas, d)
		running.Go(func() { _ = d.Run(ctx) })
	}
	require.Eventually(t, func() bool {
		cursors, err := replicas[0].Cursors(ctx)
		owners := make(map[string]int)
		for _, c := range cursors {
			if c.Owner == "" {
				return false
			}
			owners[c.Owner]++
		}
		return err == nil && len(cursors) == shards && len(owners) == 2
	}, time.Minute, time.Millisecond)
	stop()
	running.Wait()
}
