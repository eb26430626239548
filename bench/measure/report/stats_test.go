package report_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/report"
)

func TestAFigureIsTheMedianWithItsRange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		values []float64
		want   report.Figure
	}{
		{"one", []float64{7}, report.Figure{Median: 7, Low: 7, High: 7}},
		{"an odd number, in any order", []float64{9, 1, 5}, report.Figure{Median: 5, Low: 1, High: 9}},
		{"an even number", []float64{4, 1, 2, 9}, report.Figure{Median: 3, Low: 1, High: 9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, report.FigureOf(c.values))
		})
	}
	require.True(t, math.IsNaN(report.FigureOf(nil).Median))
	require.Equal(t, "–", report.FigureOf(nil).String())
}

func TestFigureOfDoesNotSortItsArgument(t *testing.T) {
	t.Parallel()
	values := []float64{3, 1, 2}
	report.FigureOf(values)
	require.Equal(t, []float64{3, 1, 2}, values)
}

func TestARatioIsOfMediansAndItsRangeOfRounds(t *testing.T) {
	t.Parallel()
	over, under := []float64{10, 40, 30}, []float64{10, 20, 5}
	require.Equal(t, report.Figure{Median: 3, Low: 1, High: 6}, report.Ratio(over, under))
	require.True(t, math.IsNaN(report.Ratio(over, nil).Median))
}

func TestNumbersHaveThreeSignificantDigits(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{
		0: "0.00", 0.00187: "0.0019", 0.123: "0.12", 1.005: "1.00", 12.34: "12.3", 123.4: "123", 9999: "9999", 12345: "12,345", 1234567: "1,234,567", -20_000: "-20,000",
	} {
		require.Equal(t, want, report.Number(value))
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	found := func(v float64) report.Figure { return report.FigureOf([]float64{v}) }
	for _, c := range []struct {
		target report.Target
		want   string
	}{
		{report.Target{Found: found(0.90), Least: 0.9}, "pass"},
		{report.Target{Found: found(0.80), Least: 0.9}, "near miss"},
		{report.Target{Found: found(0.50), Least: 0.9}, "**miss**"},
		{report.Target{Found: found(10), Most: 10}, "pass"},
		{report.Target{Found: found(-3), Most: 10}, "pass"},
		{report.Target{Found: found(11), Most: 10}, "near miss"},
		{report.Target{Found: found(12), Most: 10}, "**miss**"},
		{report.Target{Found: found(1.05), Least: 0.9, Most: 1.1}, "pass"},
		{report.Target{Found: found(0.80), Least: 0.9, Most: 1.1}, "near miss"},
		{report.Target{Found: found(1.30), Least: 0.9, Most: 1.1}, "**miss**"},
		{report.Target{Found: report.FigureOf(nil), Most: 10}, "not measured"},
		{report.Target{Found: found(1)}, "not measured"},
	} {
		require.Equal(t, c.want, c.target.Verdict(), "%+v", c.target)
	}
}
