package telemetry_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// recordEverything calls each function of the observers, with every attribute set.
func recordEverything(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	o, ctx := f.Observer(), context.Background()
	gone, leave := context.WithCancel(ctx)
	submitting, submitted := o.Submit(gone, carrierfsm.InputCaptcha)
	leave()
	loadFromShard(submitting, t, o)
	calling, called := o.Call(submitting, carrierfsm.CallStart{ID: "v1", Call: carrierfsm.CallCollect, Input: carrierfsm.InputCaptcha, Source: "chinaunicom"})
	o.Exchange(calling, carrierfsm.ExchangeStart{Method: "POST", Host: "upstream.example", Port: 443, Template: "/a/{org}"})(
		carrierfsm.ExchangeDone{Status: 500, Version: "1.1", Failure: "status", NotSent: true})
	called(carrierfsm.CallDone{Fault: carrierfsm.FaultUnknown})
	o.Transition(submitting, carrierfsm.TransitionDone{ID: "v1", Step: 5, From: "created", Event: "canceled", To: "failed", Source: "chinaunicom", Dwell: time.Second})
	submitted(carrierfsm.SubmitDone{ID: "v1", State: "failed", Step: 5, Source: "chinaunicom", Outcome: "unknown", Event: "canceled", Err: carrierfsm.ErrStale})
	_, handled := f.HandlerObserver().Handle(ctx, outbox.HandleStart{Shard: "a", Handler: "notify", ID: "v1", Step: 5, Event: "canceled"})
	handled(outbox.HandleDone{Why: "panic", Lag: time.Second})
	_, err := f.Watch(&fakeLister{list: func(context.Context) ([]carrierfsm.Summary, error) { return nil, nil }})
	require.NoError(t, err)
	_, err = f.Watch(shardedLister{})
	require.NoError(t, err)
	_, err = f.WatchProcess(machineStats{Shards: []carrierfsm.ShardStats{{Name: "a"}}}, handlerStats{})
	require.NoError(t, err)
	return f
}

// metricRow is a row of the document's table of metrics.
type metricRow struct {
	name, kind, unit string
	attributes       []string
}

func describe(m metricdata.Metrics) metricRow {
	d := metricRow{name: m.Name, unit: m.Unit, attributes: []string{}}
	var sets []attribute.Set
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		d.kind = "counter"
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
	case metricdata.Gauge[int64]:
		d.kind = "gauge"
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
	case metricdata.Histogram[float64]:
		d.kind = "histogram"
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
	}
	for _, set := range sets {
		for _, a := range set.ToSlice() {
			d.attributes = append(d.attributes, string(a.Key))
		}
	}
	slices.Sort(d.attributes)
	d.attributes = slices.Compact(d.attributes)
	return d
}

// shardedLister is a machine on a store with a shard that has one verification.
type shardedLister struct{}

func (shardedLister) List(context.Context, carrierfsm.Query) ([]carrierfsm.Summary, error) {
	return []carrierfsm.Summary{{Shard: "a"}}, nil
}

func (shardedLister) Stats() carrierfsm.Stats {
	return carrierfsm.Stats{Shards: []carrierfsm.ShardStats{{Name: "a"}}}
}

// loadFromShard has a machine look for a verification on a store with shards.
func loadFromShard(ctx context.Context, t *testing.T, o *carrierfsm.Observer) {
	t.Helper()
	store, err := sharded.New(t.Context(), sharded.Config{Shards: []sharded.Shard{{Name: "a", Store: memory.New()}}, Create: true})
	require.NoError(t, err)
	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: fsmtest.NewUpstream(), Numbers: budget.None(), Observer: o})
	require.NoError(t, err)
	_, err = m.Get(ctx, "v1")
	require.Error(t, err)
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// table returns the cells of the first table under a heading of the document.
func table(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	_, text, ok := strings.Cut(readFile(t, "../docs/telemetry.md"), "\n"+heading+"\n")
	require.True(t, ok, heading)
	_, text, _ = strings.Cut(text, "\n|")
	for _, line := range strings.Split("|"+text, "\n") {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows = append(rows, strings.Split(strings.Trim(line, "| "), " | "))
	}
	require.Greater(t, len(rows), 2)
	return rows[2:]
}

var quoted = regexp.MustCompile("`([^`]+)`")

// quotedWords returns the words in backticks, sorted.
func quotedWords(cell string) []string {
	list := []string{}
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return list
}

func TestTheDocumentListsTheMetrics(t *testing.T) {
	t.Parallel()
	var want, got []metricRow
	for _, m := range recordEverything(t).collect() {
		require.NotEmpty(t, m.Description)
		want = append(want, describe(m))
	}
	for _, row := range table(t, "## Metrics") {
		d := metricRow{name: quotedWords(row[0])[0], kind: row[1], unit: quotedWords(row[2])[0], attributes: []string{}}
		if len(row) > 4 {
			d.attributes = quotedWords(row[4])
		}
		got = append(got, d)
	}
	sort := cmp.Transformer("sorted", func(list []metricRow) map[string]metricRow {
		byName := make(map[string]metricRow)
		for _, d := range list {
			byName[d.name] = d
		}
		return byName
	})
	require.Len(t, got, len(want))
	require.Empty(t, cmp.Diff(want, got, cmp.AllowUnexported(metricRow{}), sort))
}

func TestTheDocumentListsTheSpans(t *testing.T) {
	t.Parallel()
	want, got := make(map[string][]string), make(map[string][]string)
	f := recordEverything(t)
	for _, s := range f.spans.GetSpans() {
		name := s.Name
		if name == "POST /a/{org}" {
			name = "{method} {url.template}"
		}
		for _, a := range s.Attributes {
			want[name] = append(want[name], string(a.Key))
		}
		slices.Sort(want[name])
	}
	for _, row := range table(t, "## Spans") {
		attributes := quotedWords(row[2])
		if at := slices.Index(attributes, "http.client.request.duration"); at >= 0 { // "those of"
			attributes = slices.Delete(attributes, at, at+1)
			for _, m := range f.collect() {
				if m.Name == "http.client.request.duration" {
					attributes = append(attributes, describe(m).attributes...)
				}
			}
			slices.Sort(attributes)
		}
		got[quoted.FindStringSubmatch(row[0])[1]] = attributes
	}
	require.Empty(t, cmp.Diff(want, got))
}

func TestTheCodeInTheDocumentIsCompiled(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)<!-- code: telemetry/(\\S+) -->\n```go\n(.*?)```").FindAllStringSubmatch(readFile(t, "../docs/telemetry.md"), -1)
	require.Len(t, blocks, 1)
	require.Contains(t, readFile(t, blocks[0][1]), blocks[0][2])
}

// rule is one alert.
type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// alerts reads the rules by a pattern, and compares the result with the file
// read as YAML, so that the pattern misses nothing.
func alerts(t *testing.T) []rule {
	t.Helper()
	const name = "../docs/telemetry/prometheus.yml"
	pattern := regexp.MustCompile(`(?m)^      - alert: (\w+)\n        expr: \|-\n((?:          .*\n)+)        for: (\w+)\n` +
		`        labels:\n          severity: (\w+)\n        annotations:\n          summary: '([^']*)'$`)
	var rules []rule
	for _, m := range pattern.FindAllStringSubmatch(readFile(t, name), -1) {
		expr := strings.TrimSuffix(strings.ReplaceAll("\n"+m[2], "\n          ", "\n"), "\n")[1:]
		rules = append(rules, rule{m[1], expr, m[3], map[string]string{"severity": m[4]}, map[string]string{"summary": m[5]}})
	}
	all, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "carrierfsm", "rules": rules}}})
	require.NoError(t, err)
	require.YAMLEq(t, string(all), readFile(t, name))
	return rules
}

// dashboard has the queries of Grafana's dashboard.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr, LegendFormat string }
	}
}

func TestTheDocumentListsTheAlerts(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, r := range alerts(t) {
		want = append(want, r.Alert)
	}
	for _, row := range table(t, "## Alerts and a dashboard") {
		got = append(got, quotedWords(row[0])...)
	}
	require.Equal(t, want, got)
}
