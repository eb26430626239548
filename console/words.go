package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// clock tells times as they are seen at one moment.
type clock struct{ Moment time.Time }

func (q *request) clock() clock { return clock{q.now} }

// Ago is how long ago a time was, or how far it lies ahead; empty for the zero time.
func (c clock) Ago(t time.Time) string {
	switch d := c.Moment.Sub(t); {
	case t.IsZero():
		return ""
	case d < 0:
		return "in " + lasting(-d)
	default:
		return lasting(d) + " ago"
	}
}

// Past tells whether a time that is set has passed.
func (c clock) Past(t time.Time) bool { return !t.IsZero() && !c.Moment.Before(t) }

// words are what templates can say.
var words = template.FuncMap{
	"when":    when,
	"machine": func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"lasting": lasting,
	"plain":   plain,
	"percent": percent,
	"list":    func(values ...any) []any { return values },
	"why":     why,
	"mark":    mark,
}

// when is a time in UTC, to the second.
func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// plain is one of the library's names as people write: awaiting_password, awaiting password.
func plain(name any) string { return strings.ReplaceAll(fmt.Sprint(name), "_", " ") }

// lasting is a duration in its one or two largest units.
func lasting(d time.Duration) string {
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

// percent is a share, empty where the whole is nothing.
func percent(part, whole int) string {
	switch {
	case whole <= 0:
		return ""
	case part > 0 && part*200 < whole:
		return "<1 %"
	default:
		return fmt.Sprintf("%d %%", (part*100+whole/2)/whole)
	}
}
