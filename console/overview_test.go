package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestTheOverviewShowsWhatWasCounted(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{}, fsmtest.Code("10002"), fsmtest.Code("10008"))
	s.Clock.Advance(10 * time.Second)
	s.must(s.Apply())
	s.Clock.Advance(20 * time.Second)
	s.must(s.Password("246810"))
	s.Clock.Advance(95 * time.Second)
	s.must(s.Captcha("500001"))
	s.must(s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: "v2"}))
	require.NoError(t, s.Machine.Expire(context.Background(), "v2"))
	s.count()
	page := visibleText(s.page(""))
	for _, says := range []string{
		"Last 15 minutes 50 % done 1 started, 1 done, 1 failed; the day before 0, 0, 0",
		"Without a usable reply 0 of 3 calls", "everything is settled in time", "Handlers up to date", "Parked 0",
		"Budgets used up 0 answers that this process alone refused since 2030-06-01 12:00:00",
		"Started 1 the day before 0", "Failed 1 the day before 0",
		"all 1 1 1 50 % 3 0 % none yet 0 0 1 0 % 0 chinamobilejs 1 1 0 100 % 3 0 %",                         // by carrier
		"chinamobilejs 8 s / 8 s / 8 s (1) 17 s / 17 s / 17 s (1) 1 min 45 s / 1 min 45 s / 1 min 45 s (1)", // the middle of each bucket
		"expired 1 100 %", // why they failed
	} {
		require.Contains(t, page, says)
	}
	require.NotContains(t, page, "Not as usual")
	require.Equal(t, http.StatusBadRequest, s.get("?window=1y").Code)
}

func TestTheFiguresAreThoseOfTheirWindowAndBesideTheTimeBefore(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	// 9 days, 3 days, 24 h, 5 h, 10 min and 0 min ago
	for i, later := range []time.Duration{0, 6 * day, 2 * day, 19 * time.Hour, 5*time.Hour - 10*time.Minute, 10 * time.Minute} {
		s.Clock.Advance(later)
		for range i + 1 {
			s.Upstream.Then(fsmtest.Accept("chinaunicom"))
			s.started++
			s.addVerification(fmt.Sprint("t-", s.started))
		}
		s.count()
	}
	for window, says := range map[string]string{
		"1h": "Started 11 the day before 3", "24h": "Started 15 the day before 3", "7d": "Started 20 the week before 1",
	} {
		require.Contains(t, visibleText(s.page("?window="+window)), says, window)
	}
}

func TestTheTimesInTheStatesAreBesideThoseOfTheDayBefore(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	for id, stay := range []time.Duration{10 * time.Second, 20 * time.Second} {
		s.ID = fmt.Sprint("stay-", id)
		s.must(s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: s.ID}))
		s.Clock.Advance(stay)
		s.Upstream.Then(fsmtest.Accept("chinaunicom"))
		s.must(s.Apply())
		s.count()
		s.Clock.Advance(day - stay)
	}
	s.Clock.Advance(-day + 20*time.Second)
	require.Contains(t, visibleText(s.page("")), "chinaunicom 17 s / 17 s / 17 s (1) the day before 8 s / 8 s / 8 s (1)")
}

// traffic plays verifications of both carriers for some minutes, so many of each a
// minute. outcome has upstream's answers to the application and the password.
func (s *fixture) traffic(minutes, each int, outcome func(carrier string) []fsmtest.Answer) {
	s.t.Helper()
	for range minutes * each {
		for _, carrier := range []string{"chinamobilejs", "chinaunicom"} {
			s.started++
			s.ID = fmt.Sprint("t-", s.started)
			s.must(s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: s.ID}))
			answers := outcome(carrier)
			s.Upstream.Then(answers...)
			s.must(s.Apply())
			if len(answers) > 1 {
				s.must(s.Password("246810"))
			}
		}
		s.Clock.Advance(time.Minute / time.Duration(each))
	}
}

// well is how upstream answers when all is well.
func well(carrier string) []fsmtest.Answer {
	return []fsmtest.Answer{fsmtest.Accept(carrier), fsmtest.Code("10008")}
}

// An outage is on the overview within a minute, and says of whom.
func TestAnOutageIsReadOffTheOverviewWithinAMinute(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome func(carrier string) []fsmtest.Answer
		says    []string
		not     string
	}{
		"one carrier does not answer": {func(carrier string) []fsmtest.Answer {
			if carrier == "chinamobilejs" {
				return []fsmtest.Answer{fsmtest.Accept(carrier), fsmtest.Lost()}
			}
			return well(carrier)
		}, []string{"Not as usual chinamobilejs : no usable reply to"}, "chinaunicom :"},
		"one carrier rejects everybody": {func(carrier string) []fsmtest.Answer {
			if carrier == "chinaunicom" {
				return []fsmtest.Answer{fsmtest.Accept(carrier), fsmtest.Code("30000")}
			}
			return well(carrier)
		}, []string{"Not as usual", "chinaunicom : ", " of those that end fail, usually none"}, "chinamobilejs :"},
		"upstream is away": {func(string) []fsmtest.Answer { return []fsmtest.Answer{fsmtest.Lost()} }, []string{"Not as usual", "All carriers together : no usable reply to"}, "chinaunicom :"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFixture(t, carrierfsm.Config{})
			s.traffic(15, 4, well)
			s.Clock.Advance(day - 15*time.Minute)
			s.traffic(15, 4, well)
			s.count()
			require.NotContains(t, visibleText(s.page("")), "Not as usual")
			s.traffic(1, 12, c.outcome)
			s.count()
			page := visibleText(s.page(""))
			for _, says := range c.says {
				require.Contains(t, page, says)
			}
			unusual, _, _ := strings.Cut(page, "Health")
			require.NotContains(t, unusual, c.not)
		})
	}
}

func TestACarrierFromWhichNothingComesIsQuiet(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.traffic(15, 4, well)
	s.Clock.Advance(day)
	s.count()
	require.Contains(t, visibleText(s.page("")), "chinaunicom : quiet: 0 calls, 112 at this time of the day before")
}

func TestAConsoleWithoutDispatcherAndFiguresShowsTheRest(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{Store: struct{ carrierfsm.Store }{memory.New()}})
	s.must(s.Apply())
	require.Contains(t, s.page(""), "This console shows no figures.")
	require.Contains(t, s.page("handlers"), "This console shows no handlers.")
	require.Contains(t, s.page("verification?id=v1"), "138****8000")
	ids, _ := s.listed("list")
	require.Equal(t, []string{"v1"}, ids)
}
