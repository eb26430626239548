package telemetry_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// Upstream sends the names of websites. It may send many, or numbers.
func TestWebsitesAreFewAndLookLikeNames(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *telemetry.Config) { c.Sources = 3 })
	moved := f.Observer().Transition
	for _, website := range []string{
		"chinamobilejs", "13800138000", "china mobile", "中国移动", strings.Repeat("a", 41), "a1b2c3d4e5", "",
		"Vendor_2.cmcc-js", "chinaunicom", "onemore", "chinamobilejs",
	} {
		moved(context.Background(), carrierfsm.TransitionDone{ID: "v1", Step: 1, From: "created", Event: "canceled", To: "failed", Source: website, Dwell: -1})
	}
	const what = "verification.event=canceled verification.from=created "
	require.ElementsMatch(t, []string{
		what + "verification.to=failed 1",
		what + "verification.source=chinamobilejs verification.to=failed 2",
		what + "verification.source=Vendor_2.cmcc-js verification.to=failed 1",
		what + "verification.source=chinaunicom verification.to=failed 1",
		what + "verification.source=other verification.to=failed 6",
	}, f.points("verification.transitions"))
	require.Empty(t, f.points("verification.state.duration"), "a negative Dwell is unknown")
}
