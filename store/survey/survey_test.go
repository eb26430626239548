package survey_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// No test may leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the end of every window.
var now = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

// world is a store whose verifications are written without a machine.
type world struct {
	t     *testing.T
	store *memory.Store
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t, memory.New()}
}

// visit is a state that is entered so long after the one before.
type visit struct {
	after time.Duration
	state carrierfsm.State
}

// put writes a verification that was created so long before now, and then
// visited these states.
func (w *world) put(id, source string, ago time.Duration, reason carrierfsm.Event, visits ...visit) {
	w.t.Helper()
	at := now.Add(-ago)
	r := carrierfsm.Record{
		ID: id, State: carrierfsm.Created, Version: 1, Table: 1, Source: source, Reason: reason,
		Created: at, Updated: at, Body: []byte(`{}`), InFlight: reason == carrierfsm.CaptchaRequested,
	}
	var entries []carrierfsm.Entry
	for i, v := range visits {
		at = at.Add(v.after)
		entries = append(entries, carrierfsm.Entry{ID: id, Step: i + 1, From: r.State, Event: reason, To: v.state, At: at})
		r.State, r.Step, r.Updated = v.state, i+1, at
	}
	require.NoError(w.t, w.store.Create(context.Background(), r, entries...))
}

// take surveys the world at now.
func (w *world) take(q survey.Query) survey.Survey {
	w.t.Helper()
	q.Now = now
	s, err := survey.Take(context.Background(), w.store, q)
	require.NoError(w.t, err)
	return s
}

func TestASurveyCountsStatesAndDwells(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const sec = time.Second
	w.put("new", "", time.Hour, "")
	w.put("done", "js", time.Hour, carrierfsm.CollectionStarted,
		visit{10 * sec, carrierfsm.Applied}, visit{0, carrierfsm.AwaitingPassword}, visit{20 * sec, carrierfsm.AwaitingCaptcha},
		visit{5 * sec, carrierfsm.AwaitingCaptcha}, visit{35 * sec, carrierfsm.Done})
	w.put("back", "js", time.Hour, carrierfsm.CaptchaRequested,
		visit{30 * sec, carrierfsm.Applied}, visit{0, carrierfsm.AwaitingPassword}, visit{40 * sec, carrierfsm.AwaitingCaptcha},
		visit{60 * sec, carrierfsm.AwaitingPassword}, visit{60 * sec, carrierfsm.AwaitingCaptcha})
	w.put("failed", "zj", time.Hour, carrierfsm.Expired, visit{-sec, carrierfsm.Failed})
	w.put("old", "js", 25*time.Hour, carrierfsm.Canceled, visit{sec, carrierfsm.Failed})

	got := w.take(survey.Query{})
	js := survey.Figures{
		Source: "js", Count: 2, InFlight: 1,
		Now: map[carrierfsm.State]int{carrierfsm.Done: 1, carrierfsm.AwaitingCaptcha: 1},
		Reached: map[carrierfsm.State]int{
			carrierfsm.Created: 2, carrierfsm.Applied: 2, carrierfsm.AwaitingPassword: 2, carrierfsm.AwaitingCaptcha: 2, carrierfsm.Done: 1,
		},
		Reasons: map[carrierfsm.Event]int{},
		Dwells: map[carrierfsm.State]survey.Dwell{
			carrierfsm.Created:          {Visits: 2, Median: 10 * sec, P90: 30 * sec},
			carrierfsm.Applied:          {Visits: 2},
			carrierfsm.AwaitingPassword: {Visits: 3, Median: 40 * sec, P90: 60 * sec},
			carrierfsm.AwaitingCaptcha:  {Visits: 2, Median: 40 * sec, P90: 60 * sec},
		},
	}
	require.Empty(t, cmp.Diff([]string{"", "js", "zj"}, []string{got.Sources[0].Source, got.Sources[1].Source, got.Sources[2].Source}))
	require.Empty(t, cmp.Diff(js, got.Sources[1]))
	require.Equal(t, 4, got.All.Count, "the one that was created before the window is left out")
	require.Equal(t, map[carrierfsm.Event]int{carrierfsm.Expired: 1}, got.All.Reasons)
	require.Equal(t, survey.Dwell{Visits: 3, Median: 10 * sec, P90: 30 * sec}, got.All.Dwells[carrierfsm.Created], "a negative dwell counts as zero")
	require.False(t, got.Sampled)
	require.Equal(t, now, got.Until)
	require.Equal(t, now.Add(-24*time.Hour), got.From)
}

func TestASurveyOfManyReadsSomeOfEachPartOfTheWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for hour := range 24 {
		for i := range 5 {
			w.put(fmt.Sprintf("v%d-%d", hour, i), fmt.Sprintf("hour%02d", hour), time.Duration(hour)*time.Hour+30*time.Minute, "")
		}
	}
	w.put("ahead", "ahead", -30*time.Second, "") // by another replica's clock
	got := w.take(survey.Query{Limit: 48})
	require.True(t, got.Sampled)
	require.Equal(t, 48, got.All.Count)
	require.Len(t, got.Sources, 24, "each hour is read")
	got = w.take(survey.Query{Limit: 24 * 6})
	require.False(t, got.Sampled)
	require.Equal(t, 121, got.All.Count)
	got = w.take(survey.Query{Window: time.Hour})
	require.Equal(t, 6, got.All.Count)
}

func TestTheZeroQueryIsTheLastDay(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Microsecond)
	s, err := survey.Take(context.Background(), memory.New(), survey.Query{})
	require.NoError(t, err)
	require.WithinRange(t, s.Until, before, time.Now())
	require.Equal(t, 24*time.Hour, s.Until.Sub(s.From))
}

// countingSurveyor records the limits that it is called with.
type countingSurveyor struct{ limits []int }

func (s *countingSurveyor) Survey(_ context.Context, _, _ time.Time, limit int) ([]survey.Timeline, error) {
	s.limits = append(s.limits, limit)
	return make([]survey.Timeline, limit), nil
}

func TestTheLimitIsSharedByThePartsOfTheWindow(t *testing.T) {
	t.Parallel()
	for limit, each := range map[int]int{0: 200, 48: 2, 1: 1} {
		s := new(countingSurveyor)
		got, err := survey.Take(context.Background(), s, survey.Query{Limit: limit})
		require.NoError(t, err)
		require.Len(t, s.limits, 24)
		require.Equal(t, each+1, s.limits[0], "one more shows that there are more")
		require.Equal(t, 24*each, got.All.Count)
		require.True(t, got.Sampled)
	}
}

func TestTakeRefusesAnInvalidQuery(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, q := range []survey.Query{{Limit: -1}, {Window: -1}} {
		_, err := survey.Take(ctx, memory.New(), q)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	}
	_, err := survey.Take(ctx, nil, survey.Query{})
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
}

// broken is a store that fails.
type broken struct{ survey.Surveyor }

func (broken) Survey(context.Context, time.Time, time.Time, int) ([]survey.Timeline, error) {
	return nil, errors.New("the store is away")
}

func TestTakeReturnsTheFailureOfAStore(t *testing.T) {
	t.Parallel()
	_, err := survey.Take(context.Background(), broken{}, survey.Query{})
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = survey.Take(ctx, memory.New(), survey.Query{})
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, carrierfsm.ErrStore, "the caller left")
}
