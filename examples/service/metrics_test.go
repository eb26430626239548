package main

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// scrape reads /metrics and returns the samples by name and labels. It checks each line.
func scrape(t *testing.T, url string) map[string]float64 {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Contains(t, response.Header.Get("Content-Type"), "text/plain; version=0.0.4")
	return samples(t, string(text))
}

var sampleLine = regexp.MustCompile(`^([a-z_]+(?:\{[a-z_]+="(?:[^"\\]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\]|\\["\\n])*")*\})?) (\S+)$`)

func samples(t *testing.T, text string) map[string]float64 {
	t.Helper()
	list := make(map[string]float64)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "# ") {
			require.Regexp(t, `^# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))$`, line)
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		require.NotNil(t, m, line)
		require.NotContains(t, list, m[1])
		value, err := strconv.ParseFloat(m[2], 64)
		require.NoError(t, err, line)
		list[m[1]] = value
	}
	return list
}

// The metrics of a run are there, under the names of the alerts, on an address of their own.
func TestPrometheusReadsTheMetrics(t *testing.T) {
	t.Parallel()
	o := testOptions(newAggregator(t))
	o.metrics = "127.0.0.1:0"
	r := start(t, o)
	newAPIClient(t, r, "plain").password()
	got := scrape(t, r.metrics)
	require.InDelta(t, 1, got[`verification_transitions_total{verification_event="captcha_requested",verification_from="awaiting_password",verification_source="chinamobilejs",verification_to="awaiting_captcha"}`], 0)
	require.InDelta(t, 1, got[`verification_run_active{verification_loop="settle"}`], 0)
	require.InDelta(t, 1, got[`http_client_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",network_protocol_version="1.1",server_address="127.0.0.1",server_port="`+
		o.upstream[strings.LastIndex(o.upstream, ":")+1:]+`",url_template="/orgApi/rest/v2/applications/{org}"}`], 0)
	guide, err := os.ReadFile("../../docs/telemetry.md")
	require.NoError(t, err)
	described := strings.ReplaceAll(string(guide), ".", "_")
	for name := range got {
		name, _, _ = strings.Cut(name, "{")
		for _, part := range []string{"_bucket", "_sum", "_count", "_total", "_seconds", "_milliseconds"} {
			name = strings.TrimSuffix(name, part)
		}
		require.Contains(t, described, "| `"+name+"` |")
	}
	require.Equal(t, http.StatusNotFound, r.status("/metrics"), "not on the persons' address")
}

// A histogram counts what is below each bound, and ends with all.
func TestAHistogramIsCumulative(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	writeMetrics(&b, &metricdata.ResourceMetrics{ScopeMetrics: []metricdata.ScopeMetrics{{Metrics: []metricdata.Metrics{{
		Name: "some.time", Unit: "s", Description: "Some time.", Data: metricdata.Histogram[float64]{DataPoints: []metricdata.HistogramDataPoint[float64]{{
			Attributes: attribute.NewSet(attribute.String("a.b", "x\"\\\n")), Bounds: []float64{0.5, 10}, BucketCounts: []uint64{1, 2, 4}, Sum: 50.5, Count: 7,
		}}},
	}}}}})
	labelled := `{a_b="x\"\\\n"`
	require.Equal(t, map[string]float64{
		"some_time_seconds_bucket" + labelled + `,le="0.5"}`: 1, "some_time_seconds_bucket" + labelled + `,le="10"}`: 3,
		"some_time_seconds_bucket" + labelled + `,le="+Inf"}`: 7, "some_time_seconds_sum" + labelled + "}": 50.5, "some_time_seconds_count" + labelled + "}": 7,
	}, samples(t, b.String()))
}
