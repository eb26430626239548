package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// ticket is how a browser is known again: an unguessable value, and once a form
// was handed in, the keyed hash of its phone number behind it.
//
// The verification's id is a hash of the ticket. So nothing has to be stored to
// find the one by the other, on any replica and after a restart; and whoever
// reads an id, in a log, in the history, in the console, can't act with it.
//
// The random part is given out before the form comes, and the rest follows from
// the number: a form that is sent twice, by two clicks or because the answer to
// the first was lost on its way, names the same verification both times. A
// number that is corrected after the form was refused names another one, as it
// has to, because the id carries its number's Key.
//
// It travels in a cookie and never in an address: addresses are logged by
// proxies, kept in histories and shared. HttpOnly keeps it from scripts,
// SameSite=Strict from other sites. A host that sends persons a link puts the
// ticket behind a # and lets the page exchange it for the cookie: what is
// behind a # is not sent to servers.
type ticket struct {
	random, number string
}

// newTicket makes one with 256 random bits.
func newTicket() ticket {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails, by its contract
	return ticket{random: base64.RawURLEncoding.EncodeToString(b)}
}

// fresh tells whether there is no verification of this ticket yet.
func (t ticket) fresh() bool { return t.number == "" }

func (t ticket) id() string {
	h := sha256.Sum256([]byte("carrierfsm service " + t.String()))
	return base64.RawURLEncoding.EncodeToString(h[:24])
}

// String is what the cookie holds.
func (t ticket) String() string {
	if t.fresh() {
		return t.random
	}
	return t.random + "." + t.number
}

// cookies reads and writes the two cookies: the ticket, and the carried
// password. Both belong to the browser's session of a few minutes.
type cookies struct {
	https bool
}

// What the cookies are called, and how long one can be in a browser.
const (
	ticketCookie = "ticket"
	carryCookie  = "carry"
	maxCookie    = 4000
)

// ticket is the request's; ok is false where it has none.
func (c cookies) ticket(r *http.Request) (t ticket, ok bool) {
	value := c.get(r, ticketCookie)
	t.random, t.number, _ = strings.Cut(value, ".")
	return t, len(t.random) == 43 && len(t.number) <= 24
}

// carry is the sealed password that the browser holds for us: see Prompt.Carry.
// In a cookie no script can read it, a reload keeps it, and every tab has it.
func (c cookies) carry(r *http.Request) string { return c.get(r, carryCookie) }

func (c cookies) get(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.name(name))
	if err != nil || len(cookie.Value) > maxCookie {
		return ""
	}
	return cookie.Value
}

// set gives the browser a cookie; an empty value takes it away.
func (c cookies) set(w http.ResponseWriter, name, value string, life time.Duration) {
	cookie := &http.Cookie{ //nolint:gosec // Secure wherever the browser comes by HTTPS
		Name: c.name(name), Value: value, Path: "/", MaxAge: max(1, int(life.Seconds())),
		HttpOnly: true, Secure: c.https, SameSite: http.SameSiteStrictMode,
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// name has a prefix that keeps neighbouring domains from setting the cookie;
// browsers take it by HTTPS only.
func (c cookies) name(name string) string {
	if c.https {
		return "__Host-" + name
	}
	return name
}
