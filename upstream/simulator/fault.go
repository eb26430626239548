package simulator

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault breaks the delivery of one answer.
type Fault struct {
	kind  faultKind
	acted bool // the request was processed first
	wait  time.Duration
	to    string
}

type faultKind int

const (
	none faultKind = iota
	dropBeforeReading
	dropAfterReading
	slowHeader
	slowBody
	truncated
	garbage
	serverError
	redirect
	resetMidway
	oversized
	html
	unseenCode
)

// DropBeforeReading hangs up before the request is read: nothing was acted on.
func DropBeforeReading() Fault { return Fault{kind: dropBeforeReading} }

// DropAfterReading processes the request and hangs up: the reply is lost.
func DropAfterReading() Fault { return Fault{kind: dropAfterReading, acted: true} }

// SlowHeader processes the request and waits before it says anything.
func SlowHeader(wait time.Duration) Fault { return Fault{kind: slowHeader, acted: true, wait: wait} }

// SlowBody processes the request and waits in the middle of the reply.
func SlowBody(wait time.Duration) Fault { return Fault{kind: slowBody, acted: true, wait: wait} }

// Truncated processes the request and cuts the JSON in half.
func Truncated() Fault { return Fault{kind: truncated, acted: true} }

// Garbage processes the request and answers 200 with what is no JSON.
func Garbage() Fault { return Fault{kind: garbage, acted: true} }

// ServerError answers 503. acted tells whether the request is processed first.
func ServerError(acted bool) Fault { return Fault{kind: serverError, acted: acted} }

// Redirect processes the request and answers 307 to another address.
func Redirect(to string) Fault { return Fault{kind: redirect, acted: true, to: to} }

// Reset processes the request and resets the connection in the middle of the reply.
func Reset() Fault { return Fault{kind: resetMidway, acted: true} }

// Oversized processes the request and answers with more than 4 MiB of JSON.
func Oversized() Fault { return Fault{kind: oversized, acted: true} }

// HTML processes the request and answers 200 with a web page.
func HTML() Fault { return Fault{kind: html, acted: true} }

// UnseenCode processes the request and answers with a process_code that no
// document lists, and nothing else to go by.
func UnseenCode() Fault { return Fault{kind: unseenCode, acted: true} }

type plannedFault struct {
	at    int
	fault Fault
}

// FaultAt breaks the nth request, counted from 1 over all that the server gets.
func (s *Server) FaultAt(n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, plannedFault{at: n, fault: f})
}

// FaultNext breaks the next request.
func (s *Server) FaultNext(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, plannedFault{at: len(s.requests) + 1, fault: f})
}

// deliver delivers an answer, broken as planned.
func (f Fault) deliver(w http.ResponseWriter, r *http.Request, a *recorder) {
	switch f.kind {
	case dropAfterReading:
		hangUp(w)
	case slowHeader:
		pause(r, f.wait)
		a.copyTo(w)
	case slowBody, resetMidway:
		f.halfway(w, r, a)
	case truncated:
		a.body = a.body[:len(a.body)/2]
		a.copyTo(w)
	case garbage:
		a.body = []byte("}{ this is no JSON")
		a.copyTo(w)
	case serverError:
		w.WriteHeader(http.StatusServiceUnavailable)
	case redirect:
		http.Redirect(w, r, f.to, http.StatusTemporaryRedirect)
	case oversized:
		send(w, object{"success": true, "data": object{"content": strings.Repeat("x", 5<<20)}})
	case html:
		w.Header().Set("Content-Type", "text/html;charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>502 Bad Gateway</title>"))
	case unseenCode:
		says(w, "19999", "CONTROL", "")
	default:
		a.copyTo(w)
	}
}

// halfway sends half of the body, then waits or resets the connection.
func (f Fault) halfway(w http.ResponseWriter, r *http.Request, a *recorder) {
	w.Header().Set("Content-Type", a.header.Get("Content-Type"))
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	half := len(a.body) / 2
	_, _ = w.Write(a.body[:half])
	_ = http.NewResponseController(w).Flush()
	if f.kind == resetMidway {
		hangUp(w)
		return
	}
	pause(r, f.wait)
	_, _ = w.Write(a.body[half:])
}

func (r *recorder) copyTo(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(or(r.status, http.StatusOK))
	_, _ = w.Write(r.body)
}

// pause waits, unless the client goes away first.
func pause(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// hangUp resets the connection without a word.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // not HTTP/1: the server knows another way
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
