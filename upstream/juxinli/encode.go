package juxinli

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/carrierfsm/carrierfsm"
)

var (
	errInput = errors.New("this API does not support the input")
	errEmpty = errors.New("the secret of the input is empty")
	errUTF8  = errors.New("a value is not UTF-8")
)

// message has the parts of a Request that are sent for its input.
type message struct {
	path                     string // below /orgApi/rest/v2/messages/
	kind                     string // the API's "type"
	password, captcha, query carrierfsm.Secret
	required                 carrierfsm.Secret // must not be empty, unless noSecret
	noSecret                 bool
}

// The paths of the three calls that relay a person's answers.
const (
	collectPath = "collect/req"
	skipPath    = "collect/skip"
	resetPath   = "reset/req"
)

// messageFor picks the secrets that belong to the input: a code is sent in one
// request only, and a password again only with its codes.
func messageFor(r carrierfsm.Request) (message, error) {
	switch r.Input {
	case carrierfsm.InputPassword:
		return message{path: collectPath, password: r.Password, required: r.Password}, nil
	case carrierfsm.InputCaptcha:
		return message{path: collectPath, kind: "SUBMIT_CAPTCHA", password: r.Password, captcha: r.Captcha, required: r.Captcha}, nil
	case carrierfsm.InputQueryPassword:
		return message{path: collectPath, kind: "SUBMIT_QUERY_PWD", password: r.Password, query: r.QueryPassword, required: r.QueryPassword}, nil
	case carrierfsm.InputResendCaptcha:
		return message{path: collectPath, kind: "RESEND_CAPTCHA", noSecret: true}, nil
	case carrierfsm.InputRequestReset:
		return message{path: resetPath, kind: "RESEND_RESET_PWD_CAPTCHA", noSecret: true}, nil
	case carrierfsm.InputResetCaptcha: // the field "password" takes the new one
		return message{path: resetPath, kind: "SUBMIT_RESET_PWD", password: r.NewPassword, captcha: r.Captcha, required: r.Captcha}, nil
	case carrierfsm.InputSkipSource:
		return message{path: skipPath, noSecret: true}, nil
	default:
		return message{}, errInput
	}
}

// encodeRequest returns the path and the body of a call; the caller overwrites
// the body. Its errors match carrierfsm.ErrNotSent.
func encodeRequest(r carrierfsm.Request) (path string, body []byte, err error) {
	m, err := messageFor(r)
	if err == nil && !m.noSecret && m.required.Empty() {
		err = errEmpty
	}
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
	}
	var e encoder
	e.open('{')
	e.secret("token", r.Token)
	if m.path != skipPath {
		e.text("website", r.Website)
		e.secret("account", r.Account)
		e.secret("password", m.password)
		e.secret("captcha", m.captcha)
		e.text("type", m.kind)
	}
	if m.path == collectPath {
		e.secret("queryPwd", m.query)
	}
	e.close('}')
	body, err = e.finish()
	return m.path, body, err
}

// encodeForm returns the body of an application; the caller overwrites it. Its
// errors match carrierfsm.ErrNotSent.
func encodeForm(f carrierfsm.Form) ([]byte, error) {
	var e encoder
	e.open('{')
	e.key("basic_info")
	e.open('{')
	e.secret("name", f.Name)
	e.secret("id_card_num", f.IDCard)
	e.secret("cell_phone_num", f.Phone)
	e.secret("home_addr", f.HomeAddress)
	e.secret("work_tel", f.WorkPhone)
	e.secret("work_addr", f.WorkAddress)
	e.secret("home_tel", f.HomePhone)
	e.close('}')
	if len(f.Contacts) > 0 {
		e.key("contacts")
		e.open('[')
		for _, c := range f.Contacts {
			e.contact(c)
		}
		e.close(']')
	}
	if len(f.Sources) > 0 {
		e.key("selected_website")
		e.open('[')
		for _, s := range f.Sources {
			e.source(s)
		}
		e.close(']')
	}
	e.close('}')
	return e.finish()
}

// source writes the website under both keys: version 3 reads "website", earlier
// ones "name".
func (e *encoder) source(s carrierfsm.SourceChoice) {
	if s.Category == "" {
		s.Category = "mobile"
	}
	e.next()
	e.open('{')
	e.text("website", s.Name)
	e.text("name", s.Name)
	e.text("category", s.Category)
	e.close('}')
}

func (e *encoder) contact(c carrierfsm.Contact) {
	if c.Relation == "" {
		c.Relation = "1"
	}
	e.next()
	e.open('{')
	e.secret("contact_tel", c.Phone)
	e.secret("contact_name", c.Name)
	e.text("contact_type", c.Relation)
	e.close('}')
}

// encoder writes JSON into one buffer, and overwrites each buffer that became too
// small. encoding/json would leave copies of secrets in strings and in its pool.
type encoder struct {
	out     []byte
	invalid bool // a value was not UTF-8
}

// finish returns the JSON, or an error matching carrierfsm.ErrNotSent if a value
// is not UTF-8 and so can't be sent unchanged.
func (e *encoder) finish() ([]byte, error) {
	if e.invalid {
		clear(e.out)
		return nil, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, errUTF8)
	}
	return e.out, nil
}

func (e *encoder) open(bracket byte)  { e.byte(bracket) }
func (e *encoder) close(bracket byte) { e.byte(bracket) }

// next writes a comma, except at the start of an object or array.
func (e *encoder) next() {
	if last := e.out[len(e.out)-1]; last != '{' && last != '[' {
		e.byte(',')
	}
}

func (e *encoder) key(name string) {
	e.next()
	e.quote([]byte(name))
	e.byte(':')
}

func (e *encoder) text(name, value string) {
	e.key(name)
	e.quote([]byte(value))
}

func (e *encoder) secret(name string, value carrierfsm.Secret) {
	e.key(name)
	value.Use(e.quote)
}

func (e *encoder) byte(b byte) {
	e.grow(1)
	e.out = append(e.out, b)
}

// grow makes room for n more bytes, and overwrites the buffer that it replaces.
func (e *encoder) grow(n int) {
	if cap(e.out)-len(e.out) >= n {
		return
	}
	larger := make([]byte, len(e.out), max(2*cap(e.out), len(e.out)+n, 512))
	copy(larger, e.out)
	clear(e.out)
	e.out = larger
}

// quote writes a JSON string. It escapes what RFC 8259 requires: quotes,
// backslashes and control characters.
func (e *encoder) quote(value []byte) {
	const hex = "0123456789abcdef"
	e.invalid = e.invalid || !utf8.Valid(value)
	e.grow(6*len(value) + 2)
	e.out = append(e.out, '"')
	for _, b := range value {
		switch {
		case b == '"' || b == '\\':
			e.out = append(e.out, '\\', b)
		case b < ' ':
			e.out = append(e.out, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		default:
			e.out = append(e.out, b)
		}
	}
	e.out = append(e.out, '"')
}
