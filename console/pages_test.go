package console_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestTheOverviewTellsCountsAndTimes(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{}, fsmtest.Code("10002"), fsmtest.Code("10008"))
	s.Clock.Advance(10 * time.Second)
	_, err := s.Apply()
	require.NoError(t, err)
	s.Clock.Advance(20 * time.Second)
	_, err = s.Password("246810")
	require.NoError(t, err)
	page := s.page("")
	require.Contains(t, page, "all 1.")
	require.Contains(t, page, "chinamobilejs")
	require.Contains(t, page, "10 s / 10 s")
}
