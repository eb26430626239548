package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/carrierfsm/carrierfsm"
)

// maxBody is far larger than any input.
const maxBody = 64 << 10

// body has the members of a request's body that were not taken yet. Its bytes are not
// copied into strings, which can't be overwritten; wipe overwrites them.
type body struct {
	raw     []byte
	members map[string]member
	decoded [][]byte
}

// member is a value: a text, or else JSON.
type member struct {
	text []byte
	json []byte
}

// malformed is the error of a body. It does not quote the body.
func malformed(what string) error {
	return fmt.Errorf("%w: the body %s", carrierfsm.ErrInvalid, what)
}

// readBody reads a body of JSON, or of a form.
func readBody(r *http.Request) (*body, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	parse := map[string]func(*body) error{
		"application/json": (*body).parseJSON, "application/x-www-form-urlencoded": (*body).parseForm,
	}[kind]
	if parse == nil {
		return nil, &Problem{Status: http.StatusUnsupportedMediaType, Code: codeMediaType}
	}
	raw, err := readAll(http.MaxBytesReader(nil, r.Body, maxBody), r.ContentLength)
	b := &body{raw: raw, members: make(map[string]member)}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		b.wipe()
		return nil, &Problem{Status: http.StatusRequestEntityTooLarge, Code: codeTooLarge}
	}
	switch {
	case err != nil:
		err = malformed("can't be read")
	case !utf8.Valid(raw):
		err = malformed("is not UTF-8")
	default:
		err = parse(b)
	}
	if err != nil {
		b.wipe()
		return nil, err
	}
	return b, nil
}

// readAll is io.ReadAll, but it overwrites the buffers that it leaves. size is how much is
// expected; less than zero is unknown.
func readAll(r io.Reader, size int64) ([]byte, error) {
	buffer := make([]byte, 0, min(max(size, 511), maxBody)+1)
	for {
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if errors.Is(err, io.EOF) {
			return buffer, nil
		}
		if err != nil {
			return buffer, err
		}
		if len(buffer) == cap(buffer) {
			larger := append(make([]byte, 0, 2*cap(buffer)), buffer...)
			clear(buffer)
			buffer = larger
		}
	}
}

// wipe overwrites the body, and what was decoded of it.
func (b *body) wipe() {
	clear(b.raw[:cap(b.raw)])
	for _, text := range b.decoded {
		clear(text)
	}
}

func (b *body) add(name string, m member) error {
	if _, twice := b.members[name]; twice {
		return malformed("has a member twice")
	}
	b.members[name] = m
	return nil
}

func (b *body) parseJSON() error {
	return b.parseObject(b.raw)
}

func (b *body) parseObject(doc []byte) error {
	if !json.Valid(doc) {
		return malformed("is no JSON")
	}
	return eachMember(doc, func(name, value []byte) error {
		m := member{json: value}
		if value[0] == '"' {
			text, err := unquote(value)
			if err != nil {
				return err
			}
			b.decoded, m.text = append(b.decoded, text), text
		}
		key, err := unquote(name)
		if err != nil {
			return err
		}
		return b.add(string(key), m)
	})
}

// parseForm parses application/x-www-form-urlencoded.
func (b *body) parseForm() error {
	for pair := range bytes.SplitSeq(b.raw, []byte("&")) {
		if len(pair) == 0 {
			continue
		}
		name, value, _ := bytes.Cut(pair, []byte("="))
		key, err := unescape(name)
		if err != nil {
			return err
		}
		text, err := unescape(value)
		if err != nil {
			return err
		}
		b.decoded = append(b.decoded, text)
		if err := b.add(string(key), member{text: text, json: text}); err != nil {
			return err
		}
	}
	return nil
}

// take removes a member and returns it.
func (b *body) take(name string) (m member, found bool) {
	m, found = b.members[name]
	delete(b.members, name)
	return m, found
}

// text takes a text that is no secret.
func (b *body) text(name string) (string, error) {
	m, found := b.take(name)
	if found && m.text == nil {
		return "", malformed("has a member that is no text")
	}
	return string(m.text), nil
}

// step takes the step of a prompt.
func (b *body) step(required bool) (int, error) {
	m, found := b.take("step")
	if !found && !required {
		return 0, nil
	}
	step, err := strconv.Atoi(string(m.json))
	if err != nil || step < 0 {
		return 0, malformed("has no step, or one that is no number")
	}
	return step, nil
}

// list takes an array of objects and calls f for each, with its members.
func (b *body) list(name string, f func(*body) error) error {
	m, found := b.take(name)
	if !found {
		return nil
	}
	if len(m.json) == 0 || m.json[0] != '[' {
		return malformed("has a member that is no list")
	}
	return eachElement(m.json, func(value []byte) error {
		item := &body{members: make(map[string]member)}
		defer func() { b.decoded = append(b.decoded, item.decoded...) }()
		if err := item.parseObject(value); err != nil {
			return err
		}
		if err := f(item); err != nil {
			return err
		}
		return item.empty()
	})
}

// empty refuses members that were not taken.
func (b *body) empty() error {
	if len(b.members) > 0 {
		return malformed("has a member that is not known here")
	}
	return nil
}
