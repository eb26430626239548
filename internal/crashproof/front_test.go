package crashproof_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// arrival is one request as it reached upstream.
type arrival struct {
	at     time.Time
	kind   string // an InputKind
	step   int    // of the prompt that it answers; -1 where a request can't tell
	nonce  string // which submission
	secret string // as the person knows it, without the tag
	beside bool   // it carried a secret that does not belong to it
	header bool   // it carried a header that lets net/http repeat it
}

// subject is one verification as upstream knows it: a simulator of its own, so
// that nobody shares a phone, and what arrived.
type subject struct {
	id, phone string
	sim       *simulator.Server
	arrivals  []arrival
}

// The secrets of everybody. What is typed has a tag behind it, which front
// takes off: "246810~3.17" is the right password, for the prompt of step 3.
const (
	rightPassword = "246810"
	rightQuery    = "135790"
	nextPassword  = "864200"
	newPassword   = "975318"
	wrongSecret   = "000000"
)

// front stands before the simulators. It notes what arrives before it does
// anything else, breaks what the dice say, and can go away for a moment.
type front struct {
	url string

	mu     sync.Mutex
	dice   *rand.Rand
	phones map[string]*subject
	tokens map[string]*subject
	alarm  func(id, what string) // told at once of what needs no judge
	calm   bool                  // no faults any more

	server   *http.Server
	listener *awayListener
}

func newFront(seed uint64, alarm func(id, what string)) (*front, error) {
	l, err := newAwayListener()
	if err != nil {
		return nil, err
	}
	f := &front{
		url: "http://" + l.Addr().String(), listener: l, alarm: alarm,
		dice: dice(seed, "front", 0), phones: make(map[string]*subject), tokens: make(map[string]*subject),
	}
	f.server = &http.Server{Handler: f, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}}
	go func() { _ = f.server.Serve(l) }()
	return f, nil
}

type connKey struct{}

func (f *front) close() {
	_ = f.server.Close()
	_ = f.listener.Close()
}

// admit makes a new person known.
func (f *front) admit(id, phone, website string) *subject {
	s := &subject{id: id, phone: phone, sim: simulator.New(simulator.Config{
		Seed: id, ResendAfter: time.Nanosecond, WrongPasswords: 1000,
		People: []simulator.Person{{
			Phone: phone, Name: somebody, IDCard: somebodysCard, Website: website,
			Password: rightPassword, QueryPassword: rightQuery, NextPassword: nextPassword,
		}},
	})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phones[phone] = s
	return s
}

// arrived is what has arrived for a subject.
func (f *front) arrived(s *subject) []arrival {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]arrival(nil), s.arrivals...)
}

func (f *front) soothe() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calm = true
}

// ServeHTTP notes a request, has the simulator act on it, and delivers its
// answer as the dice say.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := arrivedAt(r.Context().Value(connKey{}).(net.Conn)) // a request has a connection of its own
	body, _ := io.ReadAll(r.Body)                            // of one that was cut off, what came
	s, a, plain := f.note(r, body, at)
	if s == nil {
		hangUp(w)
		return
	}
	fate := f.fate()
	if !fate.ignores {
		f.pause(r, fate.before)
		r.Body = io.NopCloser(bytes.NewReader(plain))
		r.ContentLength = int64(len(plain))
		answer := httptest.NewRecorder()
		s.sim.ServeHTTP(answer, r)
		if a.kind == "apply" {
			f.learn(s, answer.Body.Bytes())
		}
		f.pause(r, fate.after)
		if !fate.breaks {
			w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
			return
		}
	}
	switch fate.with {
	case "garbage":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("}{"))
	case "error":
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		hangUp(w)
	}
}

// requestFields are what front reads of either request.
type requestFields struct {
	Basic struct {
		Phone   string `json:"cell_phone_num"`
		Address string `json:"home_addr"`
	} `json:"basic_info"`
	Token    string `json:"token"`
	Password string `json:"password"`
	Captcha  string `json:"captcha"`
	Type     string `json:"type"`
	Query    string `json:"queryPwd"`
}

// beside tells whether a request carries a secret that is not its own: a
// password travels with codes and query passwords, the code of a reset with the
// new password that was chosen beside it, nothing else with anything.
func (in requestFields) beside(a arrival) bool {
	switch a.kind {
	case "password":
		return in.Captcha != "" || in.Query != ""
	case "captcha":
		return in.Query != ""
	case "query_password":
		return in.Captcha != ""
	case "reset_captcha":
		_, step, _ := untag(in.Password)
		return in.Query != "" || in.Password != "" && step != a.step
	default:
		return in.Password != "" || in.Captcha != "" || in.Query != ""
	}
}

// kind is the input that a request relays, with the value that has its tag.
func (in requestFields) kind(path string) (kind, tag string) {
	switch {
	case in.Basic.Phone != "":
		return "apply", in.Basic.Address
	case strings.HasSuffix(path, "/collect/skip"):
		return "skip_source", ""
	case in.Type == "RESEND_RESET_PWD_CAPTCHA":
		return "request_reset", ""
	case in.Type == "SUBMIT_RESET_PWD":
		return "reset_captcha", in.Captcha
	case in.Type == "RESEND_CAPTCHA":
		return "resend_captcha", ""
	case in.Type == "SUBMIT_CAPTCHA":
		return "captcha", in.Captcha
	case in.Type == "SUBMIT_QUERY_PWD":
		return "query_password", in.Query
	default:
		return "password", in.Password
	}
}

// note writes an arrival down and returns the body without tags.
func (f *front) note(r *http.Request, body []byte, at time.Time) (*subject, arrival, []byte) {
	var in requestFields
	_ = json.Unmarshal(body, &in)
	a := arrival{at: at, step: -1, header: r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != ""}
	var tag string
	a.kind, tag = in.kind(r.URL.Path)
	a.secret, a.step, a.nonce = untag(tag)
	a.beside = in.beside(a)
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.tokens[in.Token]
	if a.kind == "apply" {
		s = f.phones[in.Basic.Phone]
	}
	if s == nil {
		return nil, a, nil
	}
	f.sound(s, a)
	s.arrivals = append(s.arrivals, a)
	plain := string(body)
	for _, value := range []string{in.Password, in.Captcha, in.Query} {
		if secret, _, nonce := untag(value); nonce != "" {
			plain = strings.ReplaceAll(plain, value, secret)
		}
	}
	return s, a, []byte(plain)
}

// sound raises the alarm for what is wrong whatever else happens.
func (f *front) sound(s *subject, a arrival) {
	if a.header {
		f.alarm(s.id, "a request carried a header that lets it be repeated")
	}
	for _, earlier := range s.arrivals {
		if a.step >= 0 && earlier.step == a.step {
			f.alarm(s.id, "a second request arrived for one prompt")
		}
	}
}

// learn remembers the token of an application that was accepted.
func (f *front) learn(s *subject, answer []byte) {
	var receipt struct{ Data struct{ Token string } }
	if json.Unmarshal(answer, &receipt) == nil && receipt.Data.Token != "" {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.tokens[receipt.Data.Token] = s
	}
}

// fate is what becomes of one request.
type fate struct {
	ignores       bool // it is read, and nothing comes of it
	breaks        bool // it is acted on, and the answer does not get through
	with          string
	before, after time.Duration
}

func (f *front) fate() fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.dice
	out := fate{before: between(d, 0, 5*time.Millisecond), after: between(d, 0, 5*time.Millisecond)}
	luck, odd := d.IntN(100), d.IntN(3)
	if f.calm {
		return out
	}
	switch {
	case luck < 35:
		out.after = between(d, 10*time.Millisecond, 120*time.Millisecond)
	case luck < 45:
		out.before = between(d, 10*time.Millisecond, 120*time.Millisecond)
	case luck < 48: // longer than anybody waits
		out.after = between(d, callTimeout-50*time.Millisecond, 2*callTimeout)
	case luck < 51:
		out.ignores = true
	case luck < 56:
		out.breaks, out.with = true, []string{"", "garbage", "error"}[odd]
	}
	return out
}

// pause waits, unless the client leaves.
func (f *front) pause(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
