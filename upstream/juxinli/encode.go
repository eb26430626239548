package juxinli

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/carrierfsm/carrierfsm"
)

var (
	errInput = errors.New("this API has no request for the input")
	errEmpty = errors.New("the secret that the input means is empty")
	errUTF8  = errors.New("a value is not UTF-8")
)

// relayed is what of a request goes out for its input.
type relayed struct {
	path                     string // behind /orgApi/rest/v2/messages/
	kind                     string // the API's "type"
	password, captcha, query carrierfsm.Secret
	needs                    carrierfsm.Secret // the one without which there is nothing to relay
	bare                     bool              // no secret belongs to it
}

// The three calls that a person's answers lead to.
const (
	collectPath = "collect/req"
	skipPath    = "collect/skip"
	resetPath   = "reset/req"
)

// meant picks the secrets that belong to the input: a code goes out in one
// request only, and a password again only with its codes.
func meant(r carrierfsm.Request) (relayed, error) {
	switch r.Input {
	case carrierfsm.InputPassword:
		return relayed{path: collectPath, password: r.Password, needs: r.Password}, nil
	case carrierfsm.InputCaptcha:
		return relayed{path: collectPath, kind: "SUBMIT_CAPTCHA", password: r.Password, captcha: r.Captcha, needs: r.Captcha}, nil
	case carrierfsm.InputQueryPassword:
		return relayed{path: collectPath, kind: "SUBMIT_QUERY_PWD", password: r.Password, query: r.QueryPassword, needs: r.QueryPassword}, nil
	case carrierfsm.InputResendCaptcha:
		return relayed{path: collectPath, kind: "RESEND_CAPTCHA", bare: true}, nil
	case carrierfsm.InputRequestReset:
		return relayed{path: resetPath, kind: "RESEND_RESET_PWD_CAPTCHA", bare: true}, nil
	case carrierfsm.InputResetCaptcha: // the field of the password takes the new one
		return relayed{path: resetPath, kind: "SUBMIT_RESET_PWD", password: r.NewPassword, captcha: r.Captcha, needs: r.Captcha}, nil
	case carrierfsm.InputSkipSource:
		return relayed{path: skipPath, bare: true}, nil
	default:
		return relayed{}, errInput
	}
}

// encodeRequest makes the body of a call, which the caller overwrites, and
// tells where to send it. Its errors match carrierfsm.ErrNotSent.
func encodeRequest(r carrierfsm.Request) (path string, body []byte, err error) {
	m, err := meant(r)
	if err == nil && !m.bare && m.needs.Empty() {
		err = errEmpty
	}
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
	}
	var e encoder
	e.open('{')
	e.text("token", r.Token)
	if m.path != skipPath {
		e.text("website", r.Website)
		e.text("account", r.Account)
		e.secret("password", m.password)
		e.secret("captcha", m.captcha)
		e.text("type", m.kind)
	}
	if m.path == collectPath {
		e.secret("queryPwd", m.query)
	}
	e.close('}')
	body, err = e.done()
	return m.path, body, err
}

// encodeForm makes the body of an application, which the caller overwrites.
// Its errors match carrierfsm.ErrNotSent.
func encodeForm(f carrierfsm.Form) ([]byte, error) {
	var e encoder
	e.open('{')
	e.key("basic_info")
	e.open('{')
	e.text("name", f.Name)
	e.text("id_card_num", f.IDCard)
	e.text("cell_phone_num", f.Phone)
	e.text("home_addr", f.HomeAddress)
	e.text("work_tel", f.WorkPhone)
	e.text("work_addr", f.WorkAddress)
	e.text("home_tel", f.HomePhone)
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
	return e.done()
}

func (e *encoder) source(s carrierfsm.SourceChoice) {
	if s.Category == "" {
		s.Category = "mobile"
	}
	e.next()
	e.open('{')
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
	e.text("contact_tel", c.Phone)
	e.text("contact_name", c.Name)
	e.text("contact_type", c.Relation)
	e.close('}')
}

// encoder writes JSON into one buffer. encoding/json would leave copies of the
// values behind, in strings and in a pool of its own; this leaves none but the
// buffer: one that has become too small is overwritten.
type encoder struct {
	out []byte
	bad bool // a value was not UTF-8
}

// done returns what was written, or an error matching carrierfsm.ErrNotSent: a
// value that can't be sent as it is must not be sent as something else.
func (e *encoder) done() ([]byte, error) {
	if e.bad {
		clear(e.out)
		return nil, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, errUTF8)
	}
	return e.out, nil
}

func (e *encoder) open(bracket byte)  { e.byte(bracket) }
func (e *encoder) close(bracket byte) { e.byte(bracket) }

// next writes a comma unless something begins here.
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
	e.room(1)
	e.out = append(e.out, b)
}

// room sees that n more bytes fit without leaving a copy behind.
func (e *encoder) room(n int) {
	if cap(e.out)-len(e.out) >= n {
		return
	}
	larger := make([]byte, len(e.out), max(2*cap(e.out), len(e.out)+n, 512))
	copy(larger, e.out)
	clear(e.out)
	e.out = larger
}

// quote writes a JSON string. It escapes what RFC 8259 asks for: quotes,
// backslashes and control characters.
func (e *encoder) quote(value []byte) {
	const hex = "0123456789abcdef"
	e.bad = e.bad || !utf8.Valid(value)
	e.room(6*len(value) + 2)
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
