package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// projection records what it gets.
type projection struct {
	name  string
	store outbox.Outbox

	mu   sync.Mutex
	got  []string // "id/step"
	at   []time.Time
	fail func(n int) error // of the nth call; nil: none
	n    int
}

func (p *projection) Name() string { return p.name }

func (p *projection) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	p.at = append(p.at, time.Now())
	if p.fail != nil {
		if err := p.fail(p.n); err != nil {
			return err
		}
	}
	if err := p.store.Advance(ctx, l, b, len(b.Entries), nil); err != nil {
		return err
	}
	for _, e := range b.Entries {
		p.got = append(p.got, fmt.Sprintf("%s/%d", e.ID, e.Step))
	}
	return nil
}

func (p *projection) entries() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got
}

func (p *projection) calls() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// projecting returns a dispatcher with the projection "sums", and that.
func projecting(b *fsmtest.Bench, change ...func(*outbox.Config)) (*outbox.Dispatcher, *projection) {
	store, _ := b.Store.(outbox.Store)
	p := &projection{name: "sums", store: store}
	cfg := outbox.Config{Projections: []outbox.Projection{p}, Starts: map[string]outbox.Start{"sums": outbox.FromBeginning}}
	for _, f := range change {
		f(&cfg)
	}
	return b.Dispatcher(cfg), p
}

func TestAProjectionGetsEachTransitionOnceWithinThePollInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		d, p := projecting(b)
		stop := running(t, d.Run)
		defer stop()
		pass(time.Millisecond)
		begun := time.Now()
		b.Reach("10002")
		pass(990 * time.Millisecond)
		require.Empty(t, p.calls(), "a commit does not wake it")
		pass(20 * time.Millisecond)
		require.Equal(t, plain, p.entries())
		pass(time.Hour)
		require.Len(t, p.calls(), 1, "it is not called for nothing")
		require.WithinDuration(t, begun.Add(time.Second), p.calls()[0], time.Second)
		require.NoError(t, d.Ready(context.Background()))
	})
}

func TestAProjectionThatFailsGetsTheSameAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		d, p := projecting(b)
		p.fail = func(n int) error {
			switch {
			case n < 3:
				return errHandler
			case n == 3:
				panic("broken")
			}
			return nil
		}
		stop := running(t, d.Run)
		defer stop()
		b.Reach("10002")
		pass(10 * time.Second)
		require.Equal(t, plain, p.entries())
		require.Len(t, p.calls(), 4)
		require.Empty(t, parked(t, d))
	})
}

// cutOnce is an Advance that took place and whose answer was lost.
type cutOnce struct {
	outbox.Outbox
	lost sync.Once
}

func (s *cutOnce) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) (err error) {
	err = s.Outbox.Advance(ctx, l, b, n, rows)
	s.lost.Do(func() { err = errors.New("the connection was cut") })
	return err
}

func TestAfterALostAnswerTheCursorIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		d, p := projecting(b)
		p.store = &cutOnce{Outbox: p.store}
		stop := running(t, d.Run)
		defer stop()
		pass(time.Millisecond) // it has found nothing yet
		b.Reach("10002")
		pass(5 * time.Second)
		b.Upstream.Then(fsmtest.Code("10008"))
		b.Must(b.Captcha("500001"))
		pass(5 * time.Second)
		require.Equal(t, []string{"v1/4"}, p.entries(), "what was written with the cursor comes no second time")
	})
}

func TestDeliverGivesAProjectionAllThatIsPending(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d, p := projecting(b)
	b.Reach("10002")
	n, err := d.Deliver(context.Background())
	require.NoError(t, err)
	require.Zero(t, n, "no handler was called")
	require.Equal(t, plain, p.entries())
	p.fail = func(int) error { return errHandler }
	b.Must(b.Cancel())
	_, err = d.Deliver(context.Background())
	require.ErrorIs(t, err, errHandler)
	require.ErrorContains(t, err, "sums")
}

func TestOneReplicaAtATimeRunsAProjection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		first, p := projecting(b)
		second, q := projecting(b)
		stopFirst := running(t, first.Run)
		pass(100 * time.Millisecond)
		stopSecond := running(t, second.Run)
		defer stopSecond()
		b.Reach("10002")
		pass(5 * time.Second)
		require.Equal(t, plain, p.entries())
		require.Empty(t, q.calls())
		stopFirst()
		b.Must(b.Cancel())
		pass(5 * time.Second)
		require.Equal(t, []string{"v1/4"}, q.entries())
	})
}

func TestAProjectionHasANameOfItsOwnAndAStart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	store, _ := b.Store.(outbox.Store)
	named := func(name string) outbox.Projection { return &projection{name: name, store: store} }
	handlers := map[string]outbox.Handler{"notify": (&recorder{}).handle}
	for what, list := range map[string][]outbox.Projection{
		"none": {nil}, "no name": {named("")}, "two of one name": {named("a"), named("a")}, "a handler's name": {named("notify")}, "a space": {named("a b")},
	} {
		_, err := outbox.New(b.Machine, store, outbox.Config{Handlers: handlers, Projections: list})
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, what)
	}
	b.Reach("10002")
	_, err := outbox.New(b.Machine, store, outbox.Config{Projections: []outbox.Projection{named("late")}})
	require.ErrorIs(t, err, outbox.ErrNoStart)
	require.ErrorContains(t, err, "late")
	late := &projection{name: "late", store: store}
	d, err := outbox.New(b.Machine, store, outbox.Config{Projections: []outbox.Projection{late}, Starts: map[string]outbox.Start{"late": outbox.FromNow}})
	require.NoError(t, err)
	_, err = d.Deliver(context.Background())
	require.NoError(t, err)
	require.Empty(t, late.entries())
	require.ErrorContains(t, d.Ready(context.Background()), "Run does not run")
}

func TestAProjectionTakesNothingAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		d, p := projecting(b)
		b.Reach("10002")
		stop := running(t, d.Run)
		defer stop()
		pass(5 * time.Second)
		require.ErrorIs(t, d.Replay(context.Background(), "sums", b.ID, 1), carrierfsm.ErrInvalid)
		console := b.Dispatcher(outbox.Config{}) // does not know that it is a projection
		require.NoError(t, console.Replay(context.Background(), "sums", b.ID, 1))
		require.Len(t, parked(t, console), 1)
		pass(5 * time.Second)
		require.Empty(t, parked(t, console), "the row would keep the verification from being deleted")
		require.Equal(t, plain, p.entries())
	})
}
