package carrierfsm_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// witness records every call of an observer.
type witness struct {
	mu        sync.Mutex
	recorded  []any
	open      int // started and not ended
	submitted chan carrierfsm.SubmitDone
}

func newWitness() *witness {
	return &witness{submitted: make(chan carrierfsm.SubmitDone, 100)}
}

type operation struct{} // the key of the operations that a context belongs to

func (w *witness) begin(ctx context.Context, what string, v any) (context.Context, func(any)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	outer, _ := ctx.Value(operation{}).(string)
	w.recorded = append(w.recorded, v)
	w.open++
	return context.WithValue(ctx, operation{}, outer+"/"+what), func(v any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.recorded = append(w.recorded, v)
		w.open--
	}
}

func (w *witness) observer() *carrierfsm.Observer {
	return &carrierfsm.Observer{
		Submit: func(ctx context.Context, in carrierfsm.InputKind) (context.Context, func(carrierfsm.SubmitDone)) {
			ctx, end := w.begin(ctx, "submit", in)
			return ctx, func(s carrierfsm.SubmitDone) { end(s); w.submitted <- s }
		},
		Call: func(ctx context.Context, c carrierfsm.CallStart) (context.Context, func(carrierfsm.CallDone)) {
			ctx, end := w.begin(ctx, "call", c)
			return ctx, func(c carrierfsm.CallDone) { end(c) }
		},
		Store: func(ctx context.Context, method string) (context.Context, func(error)) {
			ctx, end := w.begin(ctx, method, method)
			return ctx, func(err error) { end(err) }
		},
		Transition: func(_ context.Context, m carrierfsm.TransitionDone) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.recorded = append(w.recorded, m)
		},
	}
}

// of returns the recorded values of one type, and removes them.
func of[T any](w *witness) (list []T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, v := range w.recorded {
		if v, ok := v.(T); ok {
			list = append(list, v)
			w.recorded[i] = nil
		}
	}
	return list
}

func (w *witness) allEnded(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Zero(t, w.open, "every operation has ended")
}

func observed(t *testing.T, answers ...fsmtest.Answer) (*witness, *fsmtest.Bench) {
	t.Helper()
	w := newWitness()
	return w, fsmtest.NewWith(t, carrierfsm.Config{Observer: w.observer()}, answers...)
}

func TestAnObserverReceivesTheOutcomeOfEachSubmission(t *testing.T) {
	t.Parallel()
	w, b := observed(t,
		fsmtest.Refuse("no"), fsmtest.NotSent(), fsmtest.Accept("chinamobilejs"), fsmtest.Code("10003"), fsmtest.Code("10002"),
		fsmtest.Code("10004"), fsmtest.Lost(), fsmtest.Code("77777"), fsmtest.Panics())
	check := func(err error, want carrierfsm.SubmitDone, is error) {
		t.Helper()
		got := <-w.submitted
		if is == nil {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, is)
			require.ErrorIs(t, got.Err, is)
		}
		got.Err = nil
		require.Empty(t, cmp.Diff(want, got))
		w.allEnded(t)
	}
	type did = carrierfsm.SubmitDone
	_, err := b.Apply()
	check(err, did{ID: "v1", State: "created", Step: 1, Outcome: "rejected", Event: "application_rejected"}, nil)
	_, err = b.Apply()
	check(err, did{ID: "v1", State: "created", Step: 2, Outcome: "not_sent", Event: "upstream_unavailable"}, nil)
	_, err = b.Apply()
	check(err, did{ID: "v1", State: "awaiting_password", Step: 4, Source: "chinamobilejs", Outcome: "accepted", Event: "application_accepted"}, nil)
	_, err = b.Password("000000")
	check(err, did{ID: "v1", State: "awaiting_password", Step: 5, Source: "chinamobilejs", Outcome: "rejected", Event: "password_rejected"}, nil)
	_, err = b.Captcha("500001")
	check(err, did{ID: "v1", State: "awaiting_password", Step: 5, Source: "chinamobilejs", Outcome: "refused"}, carrierfsm.ErrNotAwaited)
	_, err = b.Captcha("")
	check(err, did{ID: "v1", State: "awaiting_password", Step: 5, Source: "chinamobilejs", Outcome: "refused"}, carrierfsm.ErrInvalid)
	_, err = b.Machine.Submit(context.Background(), "13800138000", carrierfsm.Cancel{})
	check(err, did{Outcome: "refused"}, carrierfsm.ErrNotFound)
	_, err = b.Password("246810")
	check(err, did{ID: "v1", State: "awaiting_captcha", Step: 6, Source: "chinamobilejs", Outcome: "accepted", Event: "captcha_requested"}, nil)
	_, err = b.Captcha("000000")
	check(err, did{ID: "v1", State: "awaiting_captcha", Step: 7, Source: "chinamobilejs", Outcome: "rejected", Event: "captcha_rejected"}, nil)
	_, err = b.Captcha("500001")
	check(err, did{ID: "v1", State: "awaiting_captcha", Step: 8, Source: "chinamobilejs", Outcome: "unknown", Event: "outcome_unknown"}, nil)
	_, err = b.Resend()
	check(err, did{ID: "v1", State: "awaiting_captcha", Step: 9, Source: "chinamobilejs", Outcome: "unknown", Event: "reply_unrecognized"}, nil)
	_, err = b.Captcha("500002")
	check(err, did{ID: "v1", State: "failed", Step: 11, Source: "chinamobilejs", Outcome: "unknown", Event: "outcome_unknown"}, nil)
}

func TestAnObserverReceivesCancellations(t *testing.T) {
	t.Parallel()
	held, gate := fsmtest.Held(fsmtest.Code("10002"))
	w, b := observed(t, held)
	_, err := b.To(carrierfsm.PromptPassword)
	require.NoError(t, err)
	<-w.submitted
	ctx, cancel := context.WithCancel(context.Background())
	pending := make(chan error)
	go func() {
		_, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Password{Step: 2, Password: carrierfsm.NewSecret("246810")})
		pending <- err
	}()
	<-gate.Arrived()
	cancel()
	require.ErrorIs(t, <-pending, carrierfsm.ErrPending)
	require.Empty(t, w.submitted, "the caller has left, the submission goes on")
	_, err = b.Cancel()
	require.ErrorIs(t, err, carrierfsm.ErrPending)
	got := <-w.submitted
	require.Equal(t, carrierfsm.SubmitAccepted, got.Outcome)
	require.Empty(t, got.Event, "there is no event yet")
	gate.Open()
	got = <-w.submitted
	require.Equal(t, carrierfsm.SubmitAccepted, got.Outcome)
	require.Equal(t, carrierfsm.CaptchaRequested, got.Event)
	require.Equal(t, carrierfsm.Failed, got.State)
	_, err = b.Cancel()
	require.ErrorIs(t, err, carrierfsm.ErrNotAwaited)
	require.Equal(t, carrierfsm.SubmitRefused, (<-w.submitted).Outcome)
}

func TestAnObserverReceivesTheEventOfACancellation(t *testing.T) {
	t.Parallel()
	w, b := observed(t)
	_, err := b.Cancel()
	require.NoError(t, err)
	got := <-w.submitted
	require.Equal(t, carrierfsm.SubmitDone{ID: "v1", State: "failed", Step: 1, Outcome: "accepted", Event: "canceled"}, got)
}

func TestAnObserverReceivesADroppedReply(t *testing.T) {
	t.Parallel()
	held, gate := fsmtest.Held(fsmtest.Code("10002"))
	w, b := observed(t, held)
	_, err := b.To(carrierfsm.PromptPassword)
	require.NoError(t, err)
	<-w.submitted
	done := make(chan error)
	go func() {
		_, err := b.Password("246810")
		done <- err
	}()
	<-gate.Arrived()
	require.NoError(t, b.Machine.Erase(context.Background(), b.ID))
	gate.Open()
	require.ErrorIs(t, <-done, carrierfsm.ErrStale)
	got := <-w.submitted
	require.True(t, got.Dropped)
	require.Equal(t, carrierfsm.SubmitUnknown, got.Outcome)
	require.Empty(t, got.Event)
}

func TestAnObservedTransitionHasTheDurationOfItsState(t *testing.T) {
	t.Parallel()
	w, b := observed(t, fsmtest.Accept("chinamobilejs"), fsmtest.Code("10003"), fsmtest.Code("10002"), fsmtest.Next("chinaunicom"))
	pass := func() { b.Clock.Advance(time.Minute) }
	pass()
	_, err := b.Apply()
	require.NoError(t, err)
	pass()
	_, err = b.Password("000000")
	require.NoError(t, err)
	pass()
	_, err = b.Password("246810")
	require.NoError(t, err)
	pass()
	_, err = b.Captcha("500001")
	require.NoError(t, err)
	require.NoError(t, b.Machine.Erase(context.Background(), b.ID))
	const js, un = "chinamobilejs", "chinaunicom"
	want := []carrierfsm.TransitionDone{
		{ID: "v1", Step: 1, From: "created", Event: "application_accepted", To: "applied", Source: js, Dwell: time.Minute},
		{ID: "v1", Step: 2, From: "applied", Event: "password_requested", To: "awaiting_password", Source: js},
		{ID: "v1", Step: 3, From: "awaiting_password", Event: "password_rejected", To: "awaiting_password", Source: js, Dwell: time.Minute},
		{ID: "v1", Step: 4, From: "awaiting_password", Event: "captcha_requested", To: "awaiting_captcha", Source: js, Dwell: 2 * time.Minute},
		{ID: "v1", Step: 5, From: "awaiting_captcha", Event: "source_collected", To: "applied", Source: js, Dwell: time.Minute},
		{ID: "v1", Step: 6, From: "applied", Event: "password_requested", To: "awaiting_password", Source: un},
		{ID: "v1", Step: 7, From: "awaiting_password", Event: "erased", To: "failed", Dwell: -1},
	}
	require.Empty(t, cmp.Diff(want, of[carrierfsm.TransitionDone](w)))
}

func TestStoreAndCallAreObservedWithinTheSubmission(t *testing.T) {
	t.Parallel()
	w := newWitness()
	up := &placed{Upstream: fsmtest.NewUpstream(fsmtest.Accept("chinamobilejs"), fsmtest.Lost())}
	store := &placedStore{Store: memory.New()}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: up, Observer: w.observer()})
	require.NoError(t, err)
	ctx := context.Background()
	v, err := m.Create(ctx, carrierfsm.NewVerification{ID: "v1"})
	require.NoError(t, err)
	v, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	require.NoError(t, err)
	_, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
	require.NoError(t, err)
	require.Equal(t, []string{"/submit/call", "/submit/call"}, up.operations)
	require.Equal(t, []string{"/submit/load", "/submit/commit", "/submit/commit", "/submit/load", "/submit/commit", "/submit/commit"}, store.operations)
	require.Equal(t, []carrierfsm.CallStart{
		{ID: "v1", Call: "apply", Input: "apply"},
		{ID: "v1", Call: "collect", Input: "password", Source: "chinamobilejs"},
	}, of[carrierfsm.CallStart](w))
	require.Equal(t, []carrierfsm.CallDone{{}, {Fault: "unknown"}}, of[carrierfsm.CallDone](w))
	w.allEnded(t)
}

// placed records the operations that its calls belong to.
type placed struct {
	carrierfsm.Upstream
	operations []string
}

func (p *placed) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	p.operations = append(p.operations, ctx.Value(operation{}).(string))
	return p.Upstream.Apply(ctx, a)
}

func (p *placed) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	p.operations = append(p.operations, ctx.Value(operation{}).(string))
	return p.Upstream.Collect(ctx, r)
}

type placedStore struct {
	carrierfsm.Store
	operations []string
}

func (p *placedStore) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	p.operations = append(p.operations, ctx.Value(operation{}).(string))
	return p.Store.Load(ctx, id)
}

func (p *placedStore) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	p.operations = append(p.operations, ctx.Value(operation{}).(string))
	return p.Store.Commit(ctx, r, entries...)
}

func TestAnObservedStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestStore(t, func(testing.TB) fsmtest.StoreSubject {
		return fsmtest.StoreSubject{Store: carrierfsm.ObserveStore(newWitness().observer(), memory.New())}
	})
}

func TestEachCallOfAStoreIsObservedWithItsError(t *testing.T) {
	t.Parallel()
	inner := memory.New()
	require.NoError(t, inner.Close())
	var seen []string
	s := carrierfsm.ObserveStore(&carrierfsm.Observer{Store: func(ctx context.Context, method string) (context.Context, func(error)) {
		return ctx, func(err error) {
			require.ErrorIs(t, err, carrierfsm.ErrClosed, method)
			seen = append(seen, method)
		}
	}}, inner)
	ctx, at := context.Background(), time.Now()
	for method, call := range map[string]func() error{
		"create":        func() error { return s.Create(ctx, carrierfsm.Record{ID: "v1", Version: 1}) },
		"load":          func() error { _, err := s.Load(ctx, "v1"); return err },
		"commit":        func() error { return s.Commit(ctx, carrierfsm.Record{ID: "v1", Version: 2}) },
		"erase":         func() error { return s.Erase(ctx, carrierfsm.Record{ID: "v1", Version: 2}) },
		"history":       func() error { _, err := s.History(ctx, "v1", 0, 1); return err },
		"list":          func() error { _, err := s.List(ctx, carrierfsm.Query{Limit: 1}); return err },
		"due":           func() error { _, err := s.Due(ctx, at, carrierfsm.PageKey{}, 1); return err },
		"purge":         func() error { _, err := s.Purge(ctx, at, 1); return err },
		"ledger":        func() error { _, err := s.Ledger(ctx, "number"); return err },
		"purge_ledgers": func() error { _, err := s.PurgeLedgers(ctx, at, 1); return err },
	} {
		seen = nil
		require.ErrorIs(t, call(), carrierfsm.ErrClosed, method)
		require.Equal(t, []string{method}, seen)
	}
}

func TestAnObservedCallOfAStoreHasItsShard(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), twoShards(t)
	calls := make(map[string]string)
	o := &carrierfsm.Observer{Store: func(ctx context.Context, method string) (context.Context, func(error)) {
		calls[method] = carrierfsm.ObservedShard(ctx)
		return ctx, func(error) {}
	}}
	for _, s := range []carrierfsm.Store{store, memory.New()} {
		m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: s, Upstream: fsmtest.NewUpstream(), Observer: o})
		require.NoError(t, err)
		v, err := m.Create(ctx, carrierfsm.NewVerification{})
		require.NoError(t, err)
		_, err = m.Submit(ctx, v.ID, carrierfsm.Cancel{})
		require.NoError(t, err)
		_, err = m.List(ctx, carrierfsm.Query{Limit: 1})
		require.NoError(t, err)
		own, rows := "", 0
		if s == store {
			own, rows = store.Shards()[store.ShardOf(v.ID)].Name, 2
		}
		require.Equal(t, map[string]string{"create": own, "load": own, "commit": own, "list": ""}, calls)
		require.Len(t, m.Stats().Shards, rows)
	}
}

func TestWithoutAnObserverNothingIsAllocatedForIt(t *testing.T) {
	verification := prompted(carrierfsm.PromptPassword)
	d := verification.Cancel(coreStart, carrierfsm.DefaultLimits())
	ctx := context.Background()
	for name, o := range map[string]*carrierfsm.Observer{"nil": nil, "zero": {}} {
		require.Zero(t, testing.AllocsPerRun(100, func() { carrierfsm.Observe(ctx, o, &d) }), name)
		store := carrierfsm.Store(memory.New())
		require.Same(t, store, carrierfsm.ObserveStore(o, store), name)
	}
}

func TestAMachineThatIsNotObservedAllocatesNoMoreThanOneWhoseObserverDoesNothing(t *testing.T) {
	run := func(o *carrierfsm.Observer) float64 {
		b := fsmtest.NewWith(t, carrierfsm.Config{Observer: o})
		_, err := b.To(carrierfsm.PromptPassword)
		require.NoError(t, err)
		return testing.AllocsPerRun(100, func() {
			_, err := b.Captcha("500001")
			require.ErrorIs(t, err, carrierfsm.ErrNotAwaited)
		})
	}
	require.Equal(t, run(nil), run(&carrierfsm.Observer{}))
}

func TestEachEventIsAnOutcomeOfItsSubmission(t *testing.T) {
	t.Parallel()
	rejected := map[carrierfsm.Event]bool{
		"application_rejected": true, "source_unsupported": true, "password_rejected": true, "query_password_rejected": true,
		"captcha_rejected": true, "captcha_reissued": true, "reset_required": true, "reset_unsupported": true,
		"new_password_rejected": true, "reset_failed": true, "verification_rejected": true,
	}
	seen := make(map[carrierfsm.Event]bool)
	for _, e := range carrierfsm.Edges() {
		want := carrierfsm.SubmitAccepted
		switch {
		case e.Event == "upstream_unavailable":
			want = carrierfsm.SubmitNotSent
		case e.Event == "outcome_unknown", e.Event == "reply_unrecognized":
			want = carrierfsm.SubmitUnknown
		case rejected[e.Event]:
			want = carrierfsm.SubmitRejected
		}
		require.Equal(t, want, carrierfsm.OutcomeOf(e.Event), e.Event)
		seen[e.Event] = true
	}
	for e := range rejected {
		require.True(t, seen[e], fmt.Sprintf("%s is no event", e))
	}
}
