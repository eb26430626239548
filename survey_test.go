package carrierfsm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// What operators see of many verifications at once.

// surveyed is a machine on a store whose verifications were written by hand.
type surveyed struct {
	*carrierfsm.Machine
	t     *testing.T
	store *memory.Store
	clock *fsmtest.Clock
}

func newSurveyed(t *testing.T) *surveyed {
	t.Helper()
	s := &surveyed{t: t, store: memory.New(), clock: fsmtest.NewClock()}
	var err error
	s.Machine, err = carrierfsm.New(carrierfsm.Config{Store: s.store, Upstream: fsmtest.NewUpstream(), Now: s.clock.Now})
	require.NoError(t, err)
	return s
}

// put writes a verification that was created so long ago, at this source, and
// has moved on to these states, each after so long in the one before.
func (s *surveyed) put(id, source string, ago time.Duration, reason carrierfsm.Event, path ...any) {
	s.t.Helper()
	now := s.clock.Now().Add(-ago)
	r := carrierfsm.Record{
		ID: id, State: carrierfsm.Created, Version: 1, Table: 1, Source: source, Reason: reason,
		Created: now, Updated: now, Body: []byte(`{}`), InFlight: reason == carrierfsm.CaptchaRequested,
	}
	var entries []carrierfsm.Entry
	for i := 0; i < len(path); i += 2 {
		now = now.Add(path[i].(time.Duration))
		to := path[i+1].(carrierfsm.State)
		entries = append(entries, carrierfsm.Entry{ID: id, Step: len(entries) + 1, From: r.State, Event: reason, To: to, At: now})
		r.State, r.Step, r.Updated = to, len(entries), now
	}
	require.NoError(s.t, s.store.Create(context.Background(), r, entries...))
}

func TestASurveyCountsWhereVerificationsStandAndHowLongTheyStayed(t *testing.T) {
	t.Parallel()
	s := newSurveyed(t)
	const sec = time.Second
	s.put("new", "", time.Hour, "")
	s.put("done", "js", time.Hour, carrierfsm.CollectionStarted,
		10*sec, carrierfsm.Applied, 0*sec, carrierfsm.AwaitingPassword, 20*sec, carrierfsm.AwaitingCaptcha,
		5*sec, carrierfsm.AwaitingCaptcha, 35*sec, carrierfsm.Done)
	s.put("back", "js", time.Hour, carrierfsm.CaptchaRequested,
		30*sec, carrierfsm.Applied, 0*sec, carrierfsm.AwaitingPassword, 40*sec, carrierfsm.AwaitingCaptcha,
		60*sec, carrierfsm.AwaitingPassword, 60*sec, carrierfsm.AwaitingCaptcha)
	s.put("failed", "zj", time.Hour, carrierfsm.Expired, -sec, carrierfsm.Failed)
	s.put("old", "js", 25*time.Hour, carrierfsm.Canceled, sec, carrierfsm.Failed)

	got, err := s.Survey(context.Background(), carrierfsm.SurveyQuery{})
	require.NoError(t, err)
	js := carrierfsm.Figures{
		Source: "js", Looked: 2, InFlight: 1,
		Now: map[carrierfsm.State]int{carrierfsm.Done: 1, carrierfsm.AwaitingCaptcha: 1},
		Reached: map[carrierfsm.State]int{
			carrierfsm.Created: 2, carrierfsm.Applied: 2, carrierfsm.AwaitingPassword: 2, carrierfsm.AwaitingCaptcha: 2, carrierfsm.Done: 1,
		},
		Reasons: map[carrierfsm.Event]int{},
		Stays: map[carrierfsm.State]carrierfsm.Stay{
			carrierfsm.Created:          {Visits: 2, Median: 10 * sec, P90: 30 * sec},
			carrierfsm.Applied:          {Visits: 2},
			carrierfsm.AwaitingPassword: {Visits: 3, Median: 40 * sec, P90: 60 * sec},
			carrierfsm.AwaitingCaptcha:  {Visits: 2, Median: 40 * sec, P90: 60 * sec},
		},
	}
	require.Empty(t, cmp.Diff([]string{"", "js", "zj"}, []string{got.Sources[0].Source, got.Sources[1].Source, got.Sources[2].Source}))
	require.Empty(t, cmp.Diff(js, got.Sources[1]))
	require.Equal(t, 4, got.All.Looked, "what is older than the window is left out")
	require.Equal(t, map[carrierfsm.Event]int{carrierfsm.Expired: 1}, got.All.Reasons)
	require.Equal(t, carrierfsm.Stay{Visits: 3, Median: 10 * sec, P90: 30 * sec}, got.All.Stays[carrierfsm.Created], "a clock that was behind counts as no time")
	require.False(t, got.Sampled)
	require.Equal(t, 24*time.Hour, got.Until.Sub(got.From))
}

func TestASurveyOfManyLooksAtSomeOfEachPartOfTheWindow(t *testing.T) {
	t.Parallel()
	s := newSurveyed(t)
	for hour := range 24 {
		for i := range 5 {
			s.put(fmt.Sprintf("v%d-%d", hour, i), fmt.Sprintf("hour%02d", hour), time.Duration(hour)*time.Hour+30*time.Minute, "")
		}
	}
	s.put("ahead", "ahead", -30*time.Second, "") // another replica's clock
	got, err := s.Survey(context.Background(), carrierfsm.SurveyQuery{Most: 48})
	require.NoError(t, err)
	require.True(t, got.Sampled)
	require.Equal(t, 48, got.All.Looked)
	require.Len(t, got.Sources, 24, "each hour is looked at")
	got, err = s.Survey(context.Background(), carrierfsm.SurveyQuery{Most: 24 * 6})
	require.NoError(t, err)
	require.False(t, got.Sampled)
	require.Equal(t, 121, got.All.Looked)
	got, err = s.Survey(context.Background(), carrierfsm.SurveyQuery{Window: time.Hour})
	require.NoError(t, err)
	require.Equal(t, 6, got.All.Looked)
}

func TestASurveyIsRefusedWhereItCantBeMade(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := newSurveyed(t)
	_, err := s.Survey(ctx, carrierfsm.SurveyQuery{Most: -1})
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = s.Survey(canceled, carrierfsm.SurveyQuery{})
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	plain, err := carrierfsm.New(carrierfsm.Config{Store: struct{ carrierfsm.Store }{memory.New()}, Upstream: fsmtest.NewUpstream()})
	require.NoError(t, err)
	_, err = plain.Survey(ctx, carrierfsm.SurveyQuery{})
	require.ErrorIs(t, err, carrierfsm.ErrNoSurveyor)
}
