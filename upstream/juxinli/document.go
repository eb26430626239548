package juxinli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Document is a report or the raw data of a person, as upstream sent it. It is
// personal data from end to end: it prints redacted everywhere, encoders
// included, and is only had by JSON or WriteTo. This package keeps no copy.
// The zero Document is empty.
type Document struct {
	text func() json.RawMessage // a closure, so that no printer finds the text
}

func documentOf(text json.RawMessage) Document {
	return Document{func() json.RawMessage { return text }}
}

// JSON is the document's JSON value, nil for an empty one. It is the
// document's own memory, not a copy.
func (d Document) JSON() json.RawMessage {
	if d.text == nil {
		return nil
	}
	return d.text()
}

// WriteTo writes the JSON. It returns the writer's error.
func (d Document) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(d.JSON())
	return int64(n), err
}

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb and flag.
func (Document) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue is what slog shows.
func (Document) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]": a document goes on by JSON or WriteTo, and
// not by being part of something that is encoded.
func (Document) MarshalText() ([]byte, error) { return []byte(redacted), nil }
