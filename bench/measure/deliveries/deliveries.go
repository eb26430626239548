// Package deliveries measures how fast handlers get committed transitions, beside the
// jobs of a queue and the messages of an outbox, and how long the first one takes.
package deliveries

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/river"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/watermill"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// Deliver is the name of the task that measures deliveries. Its Kind is one of these,
// or the name of a competitor.
const (
	Deliver = "deliveries"
	// Quiet has an empty handler and nothing beside it.
	Quiet = "quiet"
	// Beside has submissions of 32 drivers beside it.
	Beside = "beside 32 drivers"
	// Slow has one slow call in a hundred.
	Slow = "with 1 % slow calls"
)

const (
	besideDrivers = 32
	// slowCall is how long a slow call takes.
	slowCall = time.Second
	// maxSlow lets as many slow calls go on at once as there are in 40,000.
	maxSlow = 1024
)

// On returns the kinds that are measured on a medium, in the order of the report.
func On(m subject.Medium) []string {
	if m == subject.Postgres {
		return []string{Quiet, river.Name, watermill.Name, watermill.Tuned, Beside, Slow}
	}
	return []string{Quiet, Beside, Slow}
}

// Cost is the cost of deliveries.
type Cost struct {
	Kind   string
	Medium subject.Medium
	// Delivered is how many were waiting and are delivered after Took. Slow calls are
	// not among them.
	Delivered int
	Took      time.Duration
	// Submitted is how many verifications were finished beside that.
	Submitted int
}

// PerSecond returns the deliveries a second.
func (c Cost) PerSecond() float64 { return float64(c.Delivered) / c.Took.Seconds() }

// Measure stores transitions, and measures how long they take to be delivered: at
// least j.Rows of ours, or as many jobs or messages of a competitor. It returns a Cost.
func Measure(ctx context.Context, j runner.Job) (any, error) {
	c := Cost{Kind: j.Kind, Medium: j.Medium, Delivered: j.Rows}
	var err error
	switch j.Kind {
	case river.Name:
		c.Took, err = river.Deliver(ctx, j.Storage, j.Rows)
	case watermill.Name:
		c.Took, err = watermill.Deliver(ctx, j.Storage, j.Rows)
	case watermill.Tuned:
		c.Took, err = watermill.DeliverTuned(ctx, j.Storage, j.Rows)
	default:
		err = c.measureOurs(ctx, j)
	}
	return c, err
}

func (c *Cost) measureOurs(ctx context.Context, j runner.Job) (err error) {
	stored, err := scale.Fill(ctx, j.Storage, (j.Rows*10+38)/39) // one in ten has three transitions, the others four
	if err != nil {
		return err
	}
	store, closing, err := engine.OpenStore(ctx, j.Storage)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: workload.Upstream{}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close(context.WithoutCancel(ctx))) }()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	drivers := startDrivers(ctx, m, j)
	begun := time.Now()
	h := newHandler(stored, j.Kind == Slow)
	wait, err := startDispatcher(ctx, m, store, outbox.Config{
		Handlers: map[string]outbox.Handler{"notify": h.handle}, Starts: map[string]outbox.Start{"notify": outbox.FromBeginning},
		MaxSlow: maxSlow,
	})
	if err != nil {
		return err
	}
	select {
	case <-h.all:
	case <-ctx.Done():
	}
	c.Delivered, c.Took, c.Submitted = h.quick, time.Since(begun), int(drivers.finished.Load())
	err = ctx.Err()
	stop()
	return errors.Join(err, wait(), drivers.wait())
}

// During delivers everything to an empty handler while do runs, and returns how many
// calls there were.
func During(ctx context.Context, m *carrierfsm.Machine, s carrierfsm.Store, do func() error) (calls int, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var n atomic.Int64
	wait, err := startDispatcher(ctx, m, s, outbox.Config{
		Handlers: map[string]outbox.Handler{"notify": func(context.Context, carrierfsm.Transition) error {
			n.Add(1)
			return nil
		}},
		Starts: map[string]outbox.Start{"notify": outbox.FromBeginning},
	})
	if err != nil {
		return 0, err
	}
	err = do()
	calls = int(n.Load())
	stop()
	return calls, errors.Join(err, wait())
}

// startDispatcher runs a dispatcher, and returns a function that waits for its end
// after ctx has ended.
func startDispatcher(ctx context.Context, m *carrierfsm.Machine, s carrierfsm.Store, c outbox.Config) (wait func() error, err error) {
	store, ok := s.(outbox.Store)
	if !ok {
		return nil, errors.New("deliveries: the store has no outbox")
	}
	d, err := outbox.New(m, store, c)
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return func() error { return <-ended }, nil
}

// handler counts its calls.
type handler struct {
	slow  bool
	ended atomic.Int64
	quick int          // how many calls are quick
	left  atomic.Int64 // how many of these have not taken place
	all   chan struct{}
}

// endedPerSlow is one slow call in so many last transitions of verifications. These have
// four transitions, one in ten of them three and no last one: one in a hundred of all.
const endedPerSlow = 23

func newHandler(stored scale.Stored, slow bool) *handler {
	h := &handler{slow: slow, quick: stored.Transitions, all: make(chan struct{})}
	if slow {
		h.quick -= stored.Ended / endedPerSlow
	}
	h.left.Store(int64(h.quick))
	return h
}

// handle is slow for the last transitions of some verifications, so that no later one
// waits for it.
func (h *handler) handle(ctx context.Context, t carrierfsm.Transition) error {
	if h.slow && t.Ended() && h.ended.Add(1)%endedPerSlow == 0 {
		select {
		case <-time.After(slowCall):
		case <-ctx.Done():
		}
		return nil
	}
	if h.left.Add(-1) == 0 {
		close(h.all)
	}
	return nil
}
