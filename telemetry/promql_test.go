package telemetry_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// matcher is one condition on a label.
type matcher struct{ label, op, value string }

// selected is a metric as an expression asks for it.
type selected struct {
	metric   string
	matchers []matcher
	grouped  []string // the labels of the groupings around it
}

var (
	ranges    = regexp.MustCompile(`\[[^\]]*\]`)
	groupings = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	selectors = regexp.MustCompile(`\b([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?\s*(\(?)`)
	matchers  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"`)
)

// words of PromQL that are no metric, even without a parenthesis behind them.
var words = []string{"and", "or", "unless", "bool", "offset", "sum", "max", "min", "count", "topk"}

// selections are the metrics that a PromQL expression asks for. It knows what
// our documents make use of.
func selections(expr string) (list []selected) {
	expr = ranges.ReplaceAllString(expr, "")
	var grouped []string
	for _, g := range groupings.FindAllStringSubmatch(expr, -1) {
		for _, label := range strings.Split(g[1], ",") {
			grouped = append(grouped, strings.TrimSpace(label))
		}
	}
	expr = groupings.ReplaceAllString(expr, "")
	for _, m := range selectors.FindAllStringSubmatch(expr, -1) {
		if m[3] == "(" || slices.Contains(words, m[1]) {
			continue // a function
		}
		s := selected{metric: m[1], grouped: grouped}
		for _, c := range matchers.FindAllStringSubmatch(m[2], -1) {
			s.matchers = append(s.matchers, matcher{c[1], c[2], c[3]})
		}
		list = append(list, s)
	}
	return list
}

func TestSelectionsAreFoundInExpressions(t *testing.T) {
	t.Parallel()
	require.Equal(t, []selected{
		{metric: "a_total", matchers: []matcher{{"x", "=~", "b|c"}, {"y", "!=", ""}}, grouped: []string{"le", "x"}},
		{metric: "b_bucket", grouped: []string{"le", "x"}},
		{metric: "c", grouped: []string{"le", "x"}},
	}, selections(`histogram_quantile(0.95, sum by (le, x) (rate(a_total{x=~"b|c", y!=""}[$__rate_interval]))) / max(b_bucket) > 60
unless c offset 5m`))
}
