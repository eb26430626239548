package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// A waiting request returns when another request changes the verification.
func TestAWaitingRequestReturnsOnAChange(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	c := newAPIClient(t, start(t, testOptions(w)), "plain")
	g := c.apply()
	waits := *c
	waits.all = new([]string)
	changed := make(chan apiResponse, 1)
	go func() {
		changed <- waits.send(http.MethodGet, "/api/verifications/mine?lang=en&seen="+g.Screen.Tag, "")
	}()
	c.post("cancel", fields{})
	after := <-changed
	require.Equal(t, "ended", after.Screen.Tone)
	require.Equal(t, "Canceled", after.Screen.Title)
}
