package proof_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// The crash enumerator: in each story, the process dies before and after every
// effect that it has (a commit, a call upstream), is started again and recovers.
// Then it dies a second time, before and after every later effect. The guarantees
// G1 to G5 must hold in all of these runs.

// crashStory is one verification, up to its end.
type crashStory struct {
	// prompts is what the carrier asks for, in this order: "password", "captcha",
	// "own" (a code that the person texts for), "query" (a query password). "next"
	// starts the next source.
	prompts []string
	// How often the carrier rejects a right answer, and how many codes the person
	// requests again.
	wrongPasswords, wrongCodes, wrongResetCodes, resends int
	// The steps from which on the person cancels, erases or skips; 0: never.
	cancelAt, eraseAt, skipAt int
	// begun has the verification created with its application, in one commit.
	begun bool
	// weak has the password reset first.
	weak bool
	// reports are the answers of the Reporter; the last one again and again.
	reports []carrierfsm.ReportState
}

var crashStories = map[string]crashStory{
	"plain":                {prompts: []string{"password", "captcha"}},
	"begun":                {prompts: []string{"password", "captcha"}, begun: true},
	"begun and erased":     {prompts: []string{"password"}, begun: true, eraseAt: 1},
	"no code":              {prompts: []string{"password"}},
	"query password":       {prompts: []string{"password", "captcha", "query"}},
	"code after the query": {prompts: []string{"password", "query", "captcha"}},
	"second code":          {prompts: []string{"password", "captcha", "captcha"}},
	"own message":          {prompts: []string{"password", "own"}},
	"wrong password":       {prompts: []string{"password", "captcha"}, wrongPasswords: 1},
	"wrong code":           {prompts: []string{"password", "captcha"}, wrongCodes: 1},
	"resend":               {prompts: []string{"password", "captcha"}, resends: 1},
	"canceled":             {prompts: []string{"password", "captcha"}, cancelAt: 3},
	"erased":               {prompts: []string{"password", "captcha"}, eraseAt: 3},
	"reset":                {prompts: []string{"password", "captcha"}, weak: true},
	"skip":                 {prompts: []string{"password", "captcha", "next", "password"}, skipAt: 3},
	"skip the last":        {prompts: []string{"password", "captcha"}, skipAt: 2},
	"two sources":          {prompts: []string{"password", "captcha", "next", "password", "captcha"}},
	"reset, wrong code":    {prompts: []string{"password", "captcha"}, weak: true, wrongResetCodes: 1},
	"reset, then skip":     {prompts: []string{"password", "captcha", "next", "password"}, weak: true, skipAt: 6},
	"report":               {prompts: []string{"password"}, reports: []carrierfsm.ReportState{carrierfsm.ReportStatePending, carrierfsm.ReportStateReady}},
	"no report":            {prompts: []string{"password"}, reports: []carrierfsm.ReportState{carrierfsm.ReportStateFailed}},
}

func TestNoCrashLosesOrRepeatsAnything(t *testing.T) {
	t.Parallel()
	for name, story := range crashStories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			effects := runCrashes(t, story)
			require.Greater(t, effects, 3)
			for first := range 2 * effects {
				again := runCrashes(t, story, first)
				require.GreaterOrEqual(t, again, first/2)
				for second := first; second < 2*again; second++ {
					runCrashes(t, story, first, second)
				}
			}
		})
	}
}

// runCrashes runs a story to its end, with crashes at these points, and returns
// how many effects it had. The points 2k and 2k+1 are before and after effect k;
// effects are counted over all lives of the process.
func runCrashes(t *testing.T, story crashStory, points ...int) (effects int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newCrashWorld(t, story, points)
		for life := 0; !w.ended(); life++ {
			require.LessOrEqual(t, life, len(points), "a life ended without a crash and without an end (crashes at %v)", points)
			w.live()
		}
		w.check()
		effects = w.effects
	})
	return effects
}

// live is one life of the process: it recovers and goes on until the end or the
// next crash.
func (w *crashWorld) live() {
	ctx := context.Background()
	w.start()
	defer w.stop()
	if !w.settle(ctx) {
		return
	}
	v, err := w.create(ctx)
	if !w.survived(err) {
		return
	}
	w.acknowledge(v)
	for v.Prompt != nil {
		require.False(w.t, v.InFlight, "no call is in flight after recovery")
		if v = w.answer(ctx, v); w.dead {
			return
		}
	}
	for !w.ended() {
		pass(time.Minute)
		if !w.settle(ctx) {
			return
		}
	}
}

// create creates the verification, unless an earlier life did.
func (w *crashWorld) create(ctx context.Context) (v carrierfsm.Verification, err error) {
	begin := func() (carrierfsm.Verification, error) {
		return w.machine.Create(ctx, carrierfsm.NewVerification{ID: crashID})
	}
	if w.story.begun {
		begin = func() (carrierfsm.Verification, error) {
			return w.machine.Begin(ctx, carrierfsm.NewVerification{ID: crashID}, application(0))
		}
	}
	for range 2 { // the second time changes nothing and sends nothing
		sent := w.carrier.requests
		v, err = begin()
		if errors.Is(err, carrierfsm.ErrExists) {
			require.Equal(w.t, sent, w.carrier.requests)
			return w.machine.Get(ctx, crashID)
		}
		require.LessOrEqual(w.t, w.carrier.requests-sent, 1)
		if w.dead || err != nil {
			break
		}
	}
	return v, err
}

// answer has the person answer the prompt, and answer it again.
func (w *crashWorld) answer(ctx context.Context, v carrierfsm.Verification) (after carrierfsm.Verification) {
	if w.story.eraseAt > 0 && v.Step >= w.story.eraseAt {
		err := w.machine.Erase(ctx, crashID)
		if w.survived(err) {
			after, err = w.machine.Get(ctx, crashID)
		}
		if w.survived(err) {
			w.acknowledge(after)
		}
		return after
	}
	after, err := w.submit(ctx, w.person.answer(v))
	if errors.Is(err, carrierfsm.ErrPasswordNeeded) {
		after, err = w.submit(ctx, w.person.withPassword(v))
	}
	if errors.Is(err, carrierfsm.ErrTooSoon) {
		pass(time.Until(v.Prompt.Resend.At))
		return v
	}
	if err == nil {
		w.acknowledge(after) // even by a process that has died meanwhile
	}
	if w.survived(err) {
		w.repeat(ctx, v)
	}
	return after
}

// repeat is a second click. It must change nothing and send nothing (G5).
func (w *crashWorld) repeat(ctx context.Context, v carrierfsm.Verification) {
	sent := w.carrier.requests
	_, err := w.submit(ctx, w.person.repeat(v))
	require.Error(w.t, err, "a second click was accepted")
	require.Equal(w.t, sent, w.carrier.requests, "a second click was sent")
}

// submit submits an input. It must make at most one request (G3).
func (w *crashWorld) submit(ctx context.Context, input carrierfsm.Input) (carrierfsm.Verification, error) {
	before := w.carrier.requests
	v, err := w.machine.Submit(ctx, crashID, input)
	require.LessOrEqual(w.t, w.carrier.requests-before, 1, "one submission made two requests")
	return v, err
}

// acknowledge records what the host was told. It must never be lost (G1).
func (w *crashWorld) acknowledge(v carrierfsm.Verification) {
	require.GreaterOrEqual(w.t, v.Step, w.acknowledged)
	w.acknowledged = v.Step
}

// check compares what is stored, and what has arrived, with the guarantees.
func (w *crashWorld) check() {
	t := w.t
	ctx := context.Background()
	record, err := w.disk.Load(ctx, crashID)
	require.NoError(t, err)
	require.True(t, record.State.Terminal())
	require.GreaterOrEqual(t, record.Step, w.acknowledged, "an acknowledged transition was lost")

	entries, err := w.disk.History(ctx, crashID, 0, 1000)
	require.NoError(t, err)
	require.Len(t, entries, record.Step, "the history has gaps")
	state := carrierfsm.Created
	for i, e := range entries {
		require.Equal(t, i+1, e.Step)
		require.Equal(t, state, e.From, "step %d does not start where the one before ended", e.Step)
		state = e.To
	}
	require.Equal(t, record.State, state)
	for code, n := range w.carrier.arrivals {
		require.Equal(t, 1, n, "the code %s has arrived more than once", code)
	}
	require.LessOrEqual(t, w.carrier.passwords, w.person.passwords, "a password has arrived that the person did not submit")
	w.checkUnknown(entries)
	if len(w.story.reports) > 0 {
		w.checkReport(entries)
	}
	if w.story.cancelAt == 0 && w.story.eraseAt == 0 {
		require.Equal(t, carrierfsm.Done, record.State, "the story did not end in done (crashes at %v)", w.crashes)
	}
}

// checkReport: the report is the last event, once.
func (w *crashWorld) checkReport(entries []carrierfsm.Entry) {
	want := map[carrierfsm.ReportState]carrierfsm.Event{
		carrierfsm.ReportStateReady: carrierfsm.ReportReady, carrierfsm.ReportStateFailed: carrierfsm.ReportFailed,
	}[w.story.reports[len(w.story.reports)-1]]
	last := entries[len(entries)-2:]
	require.Equal(w.t, []carrierfsm.Event{carrierfsm.CollectionStarted, want}, []carrierfsm.Event{last[0].Event, last[1].Event})
	require.GreaterOrEqual(w.t, w.asked, len(w.story.reports))
}

// checkUnknown: each call that a crash cut off became outcome_unknown, once, and
// never upstream_unavailable (G4).
func (w *crashWorld) checkUnknown(entries []carrierfsm.Entry) {
	count := make(map[carrierfsm.Event]int)
	for _, e := range entries {
		count[e.Event]++
	}
	require.Len(w.t, w.cutOff, count[carrierfsm.OutcomeUnknown])
	require.Zero(w.t, count[carrierfsm.UpstreamUnavailable])
}
