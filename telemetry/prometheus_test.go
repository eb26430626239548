package telemetry_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// series returns the names that OpenTelemetry's exporter for Prometheus makes of
// the metrics, each with its labels, and the metric of each name.
func series(t *testing.T) (labels map[string][]string, of map[string]string) {
	t.Helper()
	labels, of = make(map[string][]string), make(map[string]string)
	underscores := func(s string) string { return strings.ReplaceAll(s, ".", "_") }
	for _, m := range recordEverything(t).collect() {
		d := describe(m)
		name := underscores(d.name)
		name += map[string]string{"s": "_seconds", "ms": "_milliseconds"}[d.unit]
		names := map[string][]string{name: nil}
		switch m.Data.(type) {
		case metricdata.Sum[int64]:
			names = map[string][]string{name + "_total": nil}
		case metricdata.Histogram[float64]:
			names = map[string][]string{name + "_bucket": {"le"}, name + "_sum": nil, name + "_count": nil}
		}
		for name, further := range names {
			of[name], labels[name] = m.Name, further
			for _, a := range d.attributes {
				labels[name] = append(labels[name], underscores(a))
			}
		}
	}
	return labels, of
}

// labelValues returns the possible values of the labels that have a fixed set.
func labelValues() map[string][]string {
	var states, events []string
	for _, s := range carrierfsm.States() {
		states = append(states, string(s))
	}
	for _, e := range carrierfsm.Edges() {
		events = append(events, string(e.Event))
	}
	return map[string][]string{
		"verification_state": states, "verification_from": states, "verification_to": states, "verification_event": events,
		"verification_outcome": {"accepted", "rejected", "not_sent", "unknown", "refused"},
		"verification_input":   {"apply", "password", "query_password", "captcha", "resend_captcha", "cancel", "request_reset", "reset_captcha", "skip_source"},
		"verification_loop":    {"settle", "deliver"},
		"error_type":           append(telemetry.Classes(), "unknown", "error", "panic", "timeout", "unreadable"),
	}
}

// problems lists the metrics, labels and values in an expression that don't exist.
func problems(t *testing.T, expr string) (list []string) {
	t.Helper()
	labels, _ := series(t)
	selected := selections(expr)
	if len(selected) == 0 {
		list = append(list, "it selects no metric")
	}
	for _, s := range selected {
		known, ok := labels[s.metric]
		if !ok {
			list = append(list, "no metric "+s.metric)
			continue
		}
		for _, label := range s.grouped {
			if !slices.Contains(known, label) {
				list = append(list, s.metric+" has no label "+label)
			}
		}
		for _, m := range s.matchers {
			if !slices.Contains(known, m.label) {
				list = append(list, s.metric+" has no label "+m.label)
			}
			list = append(list, m.problems()...)
		}
	}
	return list
}

func (m matcher) problems() (list []string) {
	possible, few := labelValues()[m.label]
	if !few || m.value == "" {
		return nil
	}
	wanted := []string{m.value}
	if strings.HasSuffix(m.op, "~") {
		wanted = strings.Split(m.value, "|")
	}
	for _, w := range wanted {
		if !slices.Contains(possible, w) {
			list = append(list, m.label+" is never "+w)
		}
	}
	return list
}

func TestTheAlertsAndTheDashboardAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	_, of := series(t)
	for _, r := range alerts(t) {
		require.Empty(t, problems(t, r.Expr), r.Alert)
		for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(r.Annotations["summary"], -1) {
			require.Contains(t, selections(r.Expr)[0].grouped, m[1], "%s names a label that its expression does not have", r.Alert)
		}
	}
	var d dashboard
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "../docs/telemetry/grafana.json")), &d))
	shown := make(map[string]bool)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			require.Empty(t, problems(t, target.Expr), p.Title)
			for _, s := range selections(target.Expr) {
				shown[of[s.metric]] = true
			}
			for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				require.Contains(t, selections(target.Expr)[0].grouped, m[1], "%s names a label that its expression does not have", p.Title)
			}
		}
	}
	for _, metric := range of {
		require.True(t, shown[metric], "%s is on no panel", metric)
	}
	require.Len(t, slices.Collect(maps.Keys(shown)), 12)
}

func TestProblemsAreFoundInWrongExpressions(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		`1`:                                  "it selects no metric",
		`verification_transitions`:           "no metric verification_transitions",
		`verification_state_duration_bucket`: "no metric verification_state_duration_bucket",
		`sum by (verification_id) (verification_transitions_total)`:                "verification_transitions_total has no label verification_id",
		`rate(verification_transitions_total{verification_outcome="unknown"}[5m])`: "verification_transitions_total has no label verification_outcome",
		`verification_transitions_total{verification_to=~"done|faild"}`:            "verification_to is never faild",
		`sum by (le) (verification_unknown_active)`:                                "verification_unknown_active has no label le",
	} {
		require.Equal(t, []string{want}, problems(t, expr), expr)
	}
}
