package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// metrics has the metrics of package telemetry and serves them to Prometheus, on an
// address of its own on loopback. It writes the text itself: docs/adr/0010 says why. A
// host uses OpenTelemetry's exporter.
type metrics struct {
	reader   *sdkmetric.ManualReader
	provider *sdkmetric.MeterProvider
	listener net.Listener // nil without -metrics
	server   *http.Server
}

func openMetrics(ctx context.Context, addr string) (*metrics, error) {
	reader := sdkmetric.NewManualReader()
	m := &metrics{reader: reader, provider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))}
	if addr == "" {
		return m, nil
	}
	listener, err := listen(ctx, addr)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", m.serve)
	m.listener, m.server = listener, newServer(mux, 15*time.Second)
	return m, err
}

// close shuts the server and the provider down.
func (m *metrics) close(ctx context.Context) {
	if m.server != nil && m.server.Shutdown(ctx) != nil {
		_ = m.server.Close()
	}
	if m.listener != nil {
		_ = m.listener.Close() // if it was never served
	}
	_ = m.provider.Shutdown(ctx)
}

func (m *metrics) serve(w http.ResponseWriter, r *http.Request) {
	var all metricdata.ResourceMetrics
	if err := m.reader.Collect(r.Context(), &all); err != nil {
		http.Error(w, "the metrics can't be collected", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	out := bufio.NewWriter(w)
	writeMetrics(out, &all)
	_ = out.Flush() // the client may be gone
}

// writeMetrics writes the metrics as Prometheus's text, with the names of OpenTelemetry's
// exporter.
func writeMetrics(w io.Writer, all *metricdata.ResourceMetrics) {
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			name := metricName(m)
			kind := "gauge"
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				if data.IsMonotonic {
					name, kind = name+"_total", "counter"
				}
				writeHead(w, name, kind, m.Description)
				writePoints(w, name, data.DataPoints)
			case metricdata.Gauge[int64]:
				writeHead(w, name, kind, m.Description)
				writePoints(w, name, data.DataPoints)
			case metricdata.Histogram[float64]:
				writeHead(w, name, "histogram", m.Description)
				writeHistograms(w, name, data.DataPoints)
			}
		}
	}
}

// units are the endings of names, by unit. A unit in braces has none.
var units = map[string]string{"s": "_seconds", "ms": "_milliseconds"}

func metricName(m metricdata.Metrics) string {
	return strings.ReplaceAll(m.Name, ".", "_") + units[m.Unit]
}

func writeHead(w io.Writer, name, kind, help string) {
	_, _ = fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func writePoints(w io.Writer, name string, points []metricdata.DataPoint[int64]) {
	for _, p := range points {
		_, _ = fmt.Fprintf(w, "%s%s %d\n", name, labels(p.Attributes), p.Value)
	}
}

func writeHistograms(w io.Writer, name string, points []metricdata.HistogramDataPoint[float64]) {
	for _, p := range points {
		var below uint64
		for i, count := range p.BucketCounts {
			bound := "+Inf"
			if below += count; i < len(p.Bounds) {
				bound = number(p.Bounds[i])
			}
			_, _ = fmt.Fprintf(w, "%s_bucket%s %d\n", name, labels(p.Attributes, `le="`+bound+`"`), below)
		}
		_, _ = fmt.Fprintf(w, "%s_sum%s %s\n%s_count%s %d\n", name, labels(p.Attributes), number(p.Sum), name, labels(p.Attributes), p.Count)
	}
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// labels returns attributes as labels, sorted, with more behind them.
func labels(set attribute.Set, more ...string) string {
	var list []string
	for _, kv := range set.ToSlice() {
		list = append(list, strings.ReplaceAll(string(kv.Key), ".", "_")+`="`+labelValue.Replace(kv.Value.String())+`"`)
	}
	slices.Sort(list)
	if list = append(list, more...); len(list) == 0 {
		return ""
	}
	return "{" + strings.Join(list, ",") + "}"
}
