package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The simulated phone exists only with the simulator.
func TestARealUpstreamHasNoSimulatedPhone(t *testing.T) {
	t.Parallel()
	c := newAPIClient(t, start(t, testOptions(newAggregator(t))), "plain")
	require.NotContains(t, c.send("GET", "/", "").body, "simulated")
	for _, path := range []string{"/simulated/phone.js", "/simulated/people", "/simulated/texts?person=0"} {
		require.Equal(t, http.StatusNotFound, c.send("GET", path, "").status)
	}
}
