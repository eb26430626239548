package carrierfsm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// The crash enumerator: for each story, the process dies before and after
// every effect it has (a store commit, a call upstream), is started again and
// recovers; and then dies again before and after every effect of that. The
// guarantees G1 to G5 must hold at all of them.

// crashStories are what upstream asks for, one word an answer that it waits for.
var crashStories = map[string]crashStory{
	"plain":                {asks: []string{"password", "captcha"}},
	"no code":              {asks: []string{"password"}},
	"query password":       {asks: []string{"password", "captcha", "query"}},
	"code after the query": {asks: []string{"password", "query", "captcha"}},
	"second code":          {asks: []string{"password", "captcha", "captcha"}},
	"own message":          {asks: []string{"password", "own"}},
	"wrong password":       {asks: []string{"password", "captcha"}, wrongPasswords: 1},
	"wrong code":           {asks: []string{"password", "captcha"}, wrongCodes: 1},
	"resend":               {asks: []string{"password", "captcha"}, resends: 1},
	"canceled":             {asks: []string{"password", "captcha"}, cancelAt: 3},
	"erased":               {asks: []string{"password", "captcha"}, eraseAt: 3},
	"reset":                {asks: []string{"password", "captcha"}, weak: true},
	"skip":                 {asks: []string{"password", "captcha", "next", "password"}, skipAt: 3},
	"skip the last":        {asks: []string{"password", "captcha"}, skipAt: 2},
	"two sources":          {asks: []string{"password", "captcha", "next", "password", "captcha"}},
	"reset, wrong code":    {asks: []string{"password", "captcha"}, weak: true, wrongResetCodes: 1},
	"reset, then skip":     {asks: []string{"password", "captcha", "next", "password"}, weak: true, skipAt: 6},
	"report":               {asks: []string{"password"}, reports: []carrierfsm.ReportState{carrierfsm.ReportPending, carrierfsm.ReportIsReady}},
	"no report":            {asks: []string{"password"}, reports: []carrierfsm.ReportState{carrierfsm.ReportHasNone}},
}

type crashStory struct {
	asks                                []string
	wrongPasswords, wrongCodes, resends int
	cancelAt, eraseAt, skipAt           int  // steps
	weak                                bool // the password has to be reset first
	wrongResetCodes                     int
	reports                             []carrierfsm.ReportState // what is said when the report is asked for; the latest again
}

func TestNoCrashLosesOrRepeatsAnything(t *testing.T) {
	t.Parallel()
	for name, story := range crashStories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			effects := playCrashes(t, story)
			require.Greater(t, effects, 3)
			for first := range 2 * effects {
				again := playCrashes(t, story, first)
				require.GreaterOrEqual(t, again, first/2)
				for second := first; second < 2*again; second++ {
					playCrashes(t, story, first, second)
				}
			}
		})
	}
}

// playCrashes plays a story to its end, with crashes at the given points: 2k
// is before effect k, 2k+1 after it, counted over all lives of the process. It
// tells how many effects there were.
func playCrashes(t *testing.T, story crashStory, points ...int) int {
	t.Helper()
	w := newCrashWorld(t, story, points)
	for life := 0; !w.ended(); life++ {
		require.LessOrEqual(t, life, len(points)+1, "a life ended without a crash and without an end (crashes at %v)", points)
		w.live()
	}
	w.judge()
	return w.effects
}

// live is one life of the process: recover, then go on until the end or the
// next crash.
func (w *crashWorld) live() {
	defer func() {
		if r := recover(); r != nil && r != errCrash { //nolint:errorlint // a panic value, compared as such
			panic(r)
		}
		w.dead = false
		w.forget()
		w.clock = w.clock.Add(crashTimeout + crashGrace + 1) // an open intent is overdue
	}()
	ctx := context.Background()
	w.start()
	w.settle(ctx)
	v, err := w.machine.Create(ctx, carrierfsm.NewVerification{ID: crashID})
	if err != nil {
		require.ErrorIs(w.t, err, carrierfsm.ErrExists)
		v, err = w.machine.Get(ctx, crashID)
		require.NoError(w.t, err)
	}
	w.acknowledge(v)
	for v.Prompt != nil {
		require.False(w.t, v.InFlight, "nothing is under way after recovery")
		v = w.turn(ctx, v)
	}
	for !w.ended() {
		w.clock = w.clock.Add(time.Minute)
		w.settle(ctx)
	}
}

// turn answers one prompt as a patient person would, then answers it again.
func (w *crashWorld) turn(ctx context.Context, v carrierfsm.Verification) carrierfsm.Verification {
	if w.story.eraseAt > 0 && v.Step >= w.story.eraseAt {
		require.NoError(w.t, w.machine.Erase(ctx, crashID))
		after, err := w.machine.Get(ctx, crashID)
		require.NoError(w.t, err)
		w.acknowledge(after)
		return after
	}
	input := w.person.answer(v)
	after, err := w.submit(ctx, input)
	if isErr(err, carrierfsm.ErrPasswordNeeded) {
		input = w.person.withPassword(v)
		after, err = w.submit(ctx, input)
	}
	if isErr(err, carrierfsm.ErrTooSoon) {
		w.clock = v.Prompt.Resend.At
		return v
	}
	require.NoError(w.t, err, "input %s at step %d", input.Kind(), v.Step)
	w.acknowledge(after)
	w.repeat(ctx, v)
	return after
}

// repeat is the second click: it must change nothing and send nothing (G5).
func (w *crashWorld) repeat(ctx context.Context, v carrierfsm.Verification) {
	sent := w.operator.requests
	_, err := w.submit(ctx, w.person.repeat(v))
	require.Error(w.t, err, "a second click was taken")
	require.Equal(w.t, sent, w.operator.requests, "a second click was sent")
}

// submit counts what was tried, so that what arrived can be held against it (G3).
func (w *crashWorld) submit(ctx context.Context, input carrierfsm.Input) (carrierfsm.Verification, error) {
	before := w.operator.requests
	defer func() {
		require.LessOrEqual(w.t, w.operator.requests-before, 1, "one submission made two requests")
	}()
	return w.machine.Submit(ctx, crashID, input)
}

// acknowledge notes what the host was told: it must never be taken back (G1).
func (w *crashWorld) acknowledge(v carrierfsm.Verification) {
	require.GreaterOrEqual(w.t, v.Step, w.acknowledged)
	w.acknowledged = v.Step
}

// judge holds what is left behind against the guarantees.
func (w *crashWorld) judge() {
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
		require.Equal(t, state, e.From, "step %d does not begin where the one before ended", e.Step)
		state = e.To
	}
	require.Equal(t, record.State, state)
	for code, n := range w.operator.arrivals {
		require.Equal(t, 1, n, "the code %s arrived more than once", code)
	}
	require.LessOrEqual(t, w.operator.passwords, w.person.passwords, "a password arrived that nobody typed")
	w.judgeUnknown(entries)
	if len(w.story.reports) > 0 {
		w.judgeReport(entries)
	}
	if w.story.cancelAt == 0 && w.story.eraseAt == 0 {
		require.Equal(t, carrierfsm.Done, record.State, "a willing person and upstream did not come to an end: %s", fmt.Sprint(w.crashes))
	}
}

// judgeReport: what became of the report is told once, and nothing after it.
func (w *crashWorld) judgeReport(entries []carrierfsm.Entry) {
	want := map[carrierfsm.ReportState]carrierfsm.Event{
		carrierfsm.ReportIsReady: carrierfsm.ReportReady, carrierfsm.ReportHasNone: carrierfsm.ReportFailed,
	}[w.story.reports[len(w.story.reports)-1]]
	last := entries[len(entries)-2:]
	require.Equal(w.t, []carrierfsm.Event{carrierfsm.CollectionStarted, want}, []carrierfsm.Event{last[0].Event, last[1].Event})
	require.GreaterOrEqual(w.t, w.asked, len(w.story.reports))
}

// judgeUnknown: each call that a death cut off is told as unknown, once, and
// never as not sent (G4).
func (w *crashWorld) judgeUnknown(entries []carrierfsm.Entry) {
	told := make(map[carrierfsm.Event]int)
	for _, e := range entries {
		told[e.Event]++
	}
	require.Equal(w.t, len(w.cutOff), told[carrierfsm.OutcomeUnknown])
	require.Zero(w.t, told[carrierfsm.UpstreamUnavailable])
}
