// Package report turns samples into docs/benchmarks.md and
// docs/benchmarks-raw.md.
package report

import (
	"fmt"
	"math"
	"slices"
)

// Figure is a median with the lowest and the highest value.
type Figure struct{ Median, Low, High float64 }

// FigureOf returns the Figure of values, which has only NaN if there are none.
func FigureOf(values []float64) Figure {
	if len(values) == 0 {
		return Figure{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return Figure{median, sorted[0], sorted[len(sorted)-1]}
}

// Ratio returns the ratio of two medians, with the lowest and the highest ratio of a
// single round, in which the two were measured shortly after one another.
func Ratio(over, under []float64) Figure {
	n := min(len(over), len(under))
	rounds := make([]float64, n)
	for i := range n {
		rounds[i] = over[i] / under[i]
	}
	f := FigureOf(rounds)
	f.Median = FigureOf(over).Median / FigureOf(under).Median
	return f
}

// String returns the median, and the range in parentheses.
func (f Figure) String() string {
	if math.IsNaN(f.Median) {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s)", number(f.Median), number(f.Low), number(f.High))
}

// number formats v with three significant digits, or with all digits before the
// decimal point; numbers below 1 with two decimals, or with two significant digits.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case a >= 10_000:
		return thousands(v)
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 0.01 || a == 0:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.2g", v)
	}
}

func thousands(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	out := digits
	for _, g := range groups {
		out += "," + g
	}
	return out
}
