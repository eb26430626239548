package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// ticket identifies a browser: a random value, and after the form was submitted,
// also the keyed hash of its phone number.
//
// The verification's id is a hash of the ticket. So every replica can compute the id
// without storing the ticket, also after a restart; and an id that is read in a log,
// in the history or in the console does not allow anybody to act on it.
//
// The random part is issued before the form, and the rest is derived from the
// number. So a form that is sent twice, by two clicks or because the first response
// was lost, gets the same verification. A form with a corrected number gets another
// one, as it must: a verification's Key belongs to its number.
//
// The ticket is sent in a cookie and never in a URL: proxies log URLs, browsers keep
// them in their history, and people share them. HttpOnly hides it from scripts,
// SameSite=Strict from other sites. A host that sends a link to a person would put
// the ticket into the fragment, which browsers do not send to servers, and let the
// page exchange it for the cookie.
type ticket struct {
	random, number string
}

// newTicket returns a ticket with 256 random bits.
func newTicket() ticket {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails, by its contract
	return ticket{random: base64.RawURLEncoding.EncodeToString(b)}
}

// isNew reports whether the ticket has no verification yet.
func (t ticket) isNew() bool { return t.number == "" }

func (t ticket) id() string {
	h := sha256.Sum256([]byte("carrierfsm service " + t.String()))
	return base64.RawURLEncoding.EncodeToString(h[:24])
}

// String returns the cookie's value.
func (t ticket) String() string {
	if t.isNew() {
		return t.random
	}
	return t.random + "." + t.number
}

// cookies reads and writes the ticket's cookie; httpapi has that of the carried password.
type cookies struct {
	https bool
}

const ticketCookie = "ticket"

// ticket returns the ticket of a request; ok is false if it has none.
func (c cookies) ticket(r *http.Request) (t ticket, ok bool) {
	value := c.get(r, ticketCookie)
	t.random, t.number, _ = strings.Cut(value, ".")
	return t, len(t.random) == 43 && len(t.number) <= 24
}

func (c cookies) get(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.name(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// set sets a cookie; an empty value deletes it.
func (c cookies) set(w http.ResponseWriter, name, value string, life time.Duration) {
	cookie := &http.Cookie{ //nolint:gosec // Secure with HTTPS
		Name: c.name(name), Value: value, Path: "/", MaxAge: max(1, int(life.Seconds())),
		HttpOnly: true, Secure: c.https, SameSite: http.SameSiteStrictMode,
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// name adds the prefix __Host- with HTTPS, so that sibling domains can't set the
// cookie.
func (c cookies) name(name string) string {
	if c.https {
		return "__Host-" + name
	}
	return name
}
