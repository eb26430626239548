package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/store/figures"
)

// clock formats times relative to the time of the request.
type clock struct {
	Moment   time.Time
	language *language
}

func (q *request) clock() clock { return clock{q.now, q.language} }

// Ago returns "5 min ago" or "in 5 min"; empty for the zero time.
func (c clock) Ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return c.language.ago(c.Moment.Sub(t))
}

// Since returns "5 min".
func (c clock) Since(t time.Time) string { return formatDuration(max(0, c.Moment.Sub(t))) }

// Past reports whether a time is set and has passed.
func (c clock) Past(t time.Time) bool { return !t.IsZero() && !c.Moment.Before(t) }

// templateFuncs are the functions of the templates.
var templateFuncs = template.FuncMap{
	"utc":          utc,
	"rfc3339":      func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"duration":     formatDuration,
	"humanize":     humanize,
	"percent":      percent,
	"quantile":     quantile,
	"hourMinute":   func(t time.Time) string { return t.UTC().Format("Jan 2 15:04") },
	"list":         func(values ...any) []any { return values },
	"parkedReason": parkedReason,
	"pageKey":      formatPageKey,
}

// utc formats a time in UTC, to the second.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// humanize replaces the underscores of a state, event or kind with spaces.
func humanize(name any) string { return strings.ReplaceAll(fmt.Sprint(name), "_", " ") }

// formatDuration formats a duration in its one or two largest units.
func formatDuration(d time.Duration) string {
	d = d.Abs()
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units[:3] {
		if d < u.size {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.size, u.name)
		if rest := d % u.size / units[i+1].size; rest > 0 {
			text += fmt.Sprintf(" %d %s", rest, units[i+1].name)
		}
		return text
	}
	if d > 0 && d < time.Second {
		return fmt.Sprintf("%d ms", max(1, d.Milliseconds()))
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// quantile formats a quantile of a histogram.
func quantile(h *figures.Histogram, percent int) string {
	d := h.Quantile(percent)
	if figures.Longest(d) {
		return "> " + formatDuration(d)
	}
	return formatDuration(d)
}

// percent formats part of whole; empty if whole is not positive.
func percent(part, whole int64) string {
	switch {
	case whole <= 0:
		return ""
	case part > 0 && part*200 < whole:
		return "<1 %"
	default:
		return fmt.Sprintf("%d %%", (part*100+whole/2)/whole)
	}
}
