package console

import (
	"fmt"
	"strings"
)

// chart is a bar chart of one number over time, beside a line of the time before. Its
// coordinates are those of the viewBox of chartWidth × chartHeight.
type chart struct {
	Name, Title   string
	Sum, Old      int64
	Top           int64 // the value at the upper end
	Bars          []bar
	Line          string // the points of the line
	Width, Height int
}

// bar is one step of time.
type bar struct{ X, Y, Width, Height float64 }

const (
	chartWidth, chartHeight = 480, 96
	barGap                  = 1.0
)

// series are the charts of the overview.
var series = []struct {
	name, title string
	of          func(*sums) int64
}{
	{"started", "Started", func(s *sums) int64 { return s.Started }},
	{"done", "Done", func(s *sums) int64 { return s.Done }},
	{"failed", "Failed", func(s *sums) int64 { return s.Failed }},
	{"unknown", "Without a usable reply", func(s *sums) int64 { return s.Unknown }},
}

// newChart draws a series.
func newChart(s struct {
	name, title string
	of          func(*sums) int64
}, times []timeRow,
) chart {
	c := chart{Name: s.name, Title: s.title, Top: 1, Width: chartWidth, Height: chartHeight}
	for _, t := range times {
		c.Sum += s.of(t.Now)
		c.Old += s.of(t.Old)
		c.Top = max(c.Top, s.of(t.Now), s.of(t.Old))
	}
	c.Top = roundUp(c.Top)
	width := float64(chartWidth) / float64(max(len(times), 1))
	height := func(n int64) float64 { return chartHeight * float64(n) / float64(c.Top) }
	var points []string
	for i, t := range times {
		h, x := height(s.of(t.Now)), float64(i)*width
		if h > 0 {
			c.Bars = append(c.Bars, bar{x, chartHeight - h, max(1, width-barGap), h})
		}
		y := chartHeight - height(s.of(t.Old))
		points = append(points, fmt.Sprintf("%.1f,%.1f %.1f,%.1f", x, y, x+width, y))
	}
	c.Line = strings.Join(points, " ")
	return c
}

// roundUp returns the next of 1, 2, 5, 10, 20, 50 …
func roundUp(n int64) int64 {
	for unit := int64(1); ; unit *= 10 {
		for _, k := range []int64{1, 2, 5} {
			if k*unit >= n {
				return k * unit
			}
		}
	}
}
