package juxinli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Document is a report or the raw data of a person, as upstream sent it. All of
// it is personal data: formatters, loggers and encoders print it redacted, and
// only JSON and WriteTo return it. This package keeps no copy. The zero Document
// is empty.
type Document struct {
	text func() json.RawMessage // a closure, so that reflection does not reach the text
}

func documentOf(text json.RawMessage) Document {
	return Document{func() json.RawMessage { return text }}
}

// JSON returns the document's JSON value, nil for an empty one. It is not a copy.
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

// LogValue makes slog print "[redacted]".
func (Document) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]", so a document is never encoded by accident as
// part of another value.
func (Document) MarshalText() ([]byte, error) { return []byte(redacted), nil }
