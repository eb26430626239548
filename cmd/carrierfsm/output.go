package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// printJSON prints a value as indented JSON.
func (s *session) printJSON(v any) error { return printJSON(s.out, v) }

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// printRows prints rows as a table, or as a JSON list.
func printRows[T any](s *session, header string, rows []T, cells func(T) []any) error {
	if s.json {
		if rows == nil {
			rows = []T{}
		}
		return s.printJSON(rows)
	}
	return printTable(s.out, header, rows, cells)
}

// printTable prints rows as a table; nothing if there are none.
func printTable[T any](out io.Writer, header string, rows []T, cells func(T) []any) error {
	if len(rows) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, strings.ReplaceAll(header, " ", "\t"))
	for _, r := range rows {
		var line []string
		for _, c := range cells(r) {
			line = append(line, cell(c))
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(line, "\t"), "\t"))
	}
	return w.Flush()
}

// cell formats a value of a table.
func cell(v any) string {
	switch v := v.(type) {
	case time.Time:
		return utc(v)
	case bool:
		if v {
			return "yes"
		}
		return "-"
	}
	if text := plain(fmt.Sprint(v)); text != "" {
		return text
	}
	return "-"
}

// utc formats a time in UTC, to the second.
func utc(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// plain replaces what would control a terminal or break a table.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// count says how many there are: "1 verification", "2 verifications".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
