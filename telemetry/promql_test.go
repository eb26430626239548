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

// selection is a metric with the conditions of a PromQL expression.
type selection struct {
	metric   string
	matchers []matcher
	grouped  []string // the labels of all groupings in the expression
}

var (
	ranges    = regexp.MustCompile(`\[[^\]]*\]`)
	groupings = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	selectors = regexp.MustCompile(`\b([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?\s*(\(?)`)
	matchers  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"`)
)

// keywords are the names in PromQL that are no metrics, even if no parenthesis
// follows.
var keywords = []string{"and", "or", "unless", "bool", "offset", "sum", "max", "min", "count", "topk"}

// selections returns the metrics in a PromQL expression. It understands as much
// of the language as our documents use.
func selections(expr string) (list []selection) {
	expr = ranges.ReplaceAllString(expr, "")
	var grouped []string
	for _, g := range groupings.FindAllStringSubmatch(expr, -1) {
		for _, label := range strings.Split(g[1], ",") {
			grouped = append(grouped, strings.TrimSpace(label))
		}
	}
	expr = groupings.ReplaceAllString(expr, "")
	for _, m := range selectors.FindAllStringSubmatch(expr, -1) {
		if m[3] == "(" || slices.Contains(keywords, m[1]) {
			continue // a function
		}
		s := selection{metric: m[1], grouped: grouped}
		for _, c := range matchers.FindAllStringSubmatch(m[2], -1) {
			s.matchers = append(s.matchers, matcher{c[1], c[2], c[3]})
		}
		list = append(list, s)
	}
	return list
}

func TestSelectionsAreFoundInExpressions(t *testing.T) {
	t.Parallel()
	require.Equal(t, []selection{
		{metric: "a_total", matchers: []matcher{{"x", "=~", "b|c"}, {"y", "!=", ""}}, grouped: []string{"le", "x"}},
		{metric: "b_bucket", grouped: []string{"le", "x"}},
		{metric: "c", grouped: []string{"le", "x"}},
	}, selections(`histogram_quantile(0.95, sum by (le, x) (rate(a_total{x=~"b|c", y!=""}[$__rate_interval]))) / max(b_bucket) > 60
unless c offset 5m`))
}
