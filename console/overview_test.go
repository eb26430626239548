package console_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestTheOverviewShowsCountsFunnelAndTimes(t *testing.T) {
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
	page := visibleText(s.page(""))
	for _, says := range []string{
		": all 2.", "Done 50 % 1 of 2", "everything is settled in time",
		"all 1 1 2 none yet 1 1 chinamobilejs 1 1",        // current states
		"created 2 100 % applied 1 50 %", "failed 1 50 %", // states reached
		"chinamobilejs 10 s / 10 s (1) 20 s / 20 s (1) 1 min 35 s / 1 min 35 s (1)", // time in each state
		"expired 1 100 %", // why they failed
	} {
		require.Contains(t, page, says)
	}
	require.Equal(t, http.StatusBadRequest, s.get("?window=1y").Code)
}

func TestASampleSaysThatItIsOne(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	addMany(t, s, 300)
	require.Contains(t, visibleText(s.page("?window=24h")), "a sample of 200 , the first ones of each 1 h")
}

func TestAConsoleWithoutDispatcherAndSurveyorShowsTheRest(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{Store: struct{ carrierfsm.Store }{memory.New()}})
	s.must(s.Apply())
	require.Contains(t, s.page(""), "This console shows no figures.")
	require.Contains(t, s.page("handlers"), "This console shows no handlers.")
	require.Contains(t, s.page("verification?id=v1"), "138****8000")
	ids, _ := s.listed("list")
	require.Equal(t, []string{"v1"}, ids)
}
