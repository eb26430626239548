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

// arrival is one request that has reached the upstream.
type arrival struct {
	at            time.Time
	kind          string // an InputKind
	step          int    // of the prompt that it answers; -1: the request has no tag
	nonce         string // which submission
	secret        string // without its tag
	foreignSecret bool   // it had a secret that does not belong to it
	header        bool   // it had a header with which net/http may repeat it
}

// subject is one verification at the upstream: it has its own simulator and its
// arrivals.
type subject struct {
	id, phone string
	sim       *simulator.Server
	arrivals  []arrival
}

// The secrets of all people. A submitted one has a tag, which the proxy removes:
// "246810~3.17" is the right password for the prompt of step 3.
const (
	rightPassword = "246810"
	rightQuery    = "135790"
	nextPassword  = "864200"
	newPassword   = "975318"
	wrongSecret   = "000000"
)

// proxy is the upstream of the replicas, in front of the simulators. It records each
// arrival before anything else, injects random faults and can stop listening.
type proxy struct {
	url string

	mu        sync.Mutex
	random    *rand.Rand
	subjects  map[string]*subject
	spent     spent
	tokens    map[string]*subject
	alarm     func(id, what string) // is called at once for a violation that is obvious
	faultless bool                  // no more faults

	server   *http.Server
	listener *pausableListener
}

func newProxy(seed uint64, alarm func(id, what string)) (*proxy, error) {
	l, err := newPausableListener()
	if err != nil {
		return nil, err
	}
	p := &proxy{
		url: "http://" + l.Addr().String(), listener: l, alarm: alarm,
		random: newRand(seed, "proxy", 0), subjects: make(map[string]*subject), spent: make(spent), tokens: make(map[string]*subject),
	}
	p.server = &http.Server{Handler: p, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}}
	go func() { _ = p.server.Serve(l) }()
	return p, nil
}

type connKey struct{}

func (p *proxy) close() {
	_ = p.server.Close()
	_ = p.listener.Close()
}

// admit adds the simulator of a verification.
func (p *proxy) admit(id, phone, website string) *subject {
	s := &subject{id: id, phone: phone, sim: simulator.New(simulator.Config{
		Seed: id, ResendAfter: time.Nanosecond, WrongPasswords: 1000,
		People: []simulator.Person{{
			Phone: phone, Name: personName, IDCard: personIDCard, Website: website,
			Password: rightPassword, QueryPassword: rightQuery, NextPassword: nextPassword,
		}},
	})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subjects[id] = s
	return s
}

// arrived returns the arrivals of a subject.
func (p *proxy) arrived(s *subject) []arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]arrival(nil), s.arrivals...)
}

func (p *proxy) stopFaults() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faultless = true
}

// ServeHTTP records a request, passes it to its simulator and returns the answer, with a
// random fault.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := arrivedAt(r.Context().Value(connKey{}).(net.Conn)) // each request has its own connection
	body, _ := io.ReadAll(r.Body)                            // what has arrived, if it was cut off
	s, a, plain := p.record(r, body, at)
	if s == nil {
		hangUp(w)
		return
	}
	fault := p.fault()
	if !fault.ignores {
		p.pause(r, fault.before)
		r.Body = io.NopCloser(bytes.NewReader(plain))
		r.ContentLength = int64(len(plain))
		answer := httptest.NewRecorder()
		s.sim.ServeHTTP(answer, r)
		p.mu.Lock()
		p.spent.add(s.phone, a.kind, answer.Body.Bytes())
		p.mu.Unlock()
		if a.kind == "apply" {
			p.learn(s, answer.Body.Bytes())
		}
		p.pause(r, fault.after)
		if !fault.breaks {
			w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
			return
		}
	}
	switch fault.with {
	case "garbage":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("}{"))
	case "error":
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		hangUp(w)
	}
}

// requestFields are the fields of requests that the proxy reads.
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

// foreignSecret reports whether a request has a secret that does not belong to it. A
// password belongs to codes and query passwords, a new password to the code of its
// reset.
func (in requestFields) foreignSecret(a arrival) bool {
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

// kind returns the input that a request relays, and the value that has the tag.
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

// record records an arrival and returns the body without tags.
func (p *proxy) record(r *http.Request, body []byte, at time.Time) (*subject, arrival, []byte) {
	var in requestFields
	_ = json.Unmarshal(body, &in)
	a := arrival{at: at, step: -1, header: r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != ""}
	var tag string
	a.kind, tag = in.kind(r.URL.Path)
	a.secret, a.step, a.nonce = untag(tag)
	a.foreignSecret = in.foreignSecret(a)
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.tokens[in.Token]
	if a.kind == "apply" {
		s = p.subjects[a.secret] // two people share the number
	}
	if s == nil {
		return nil, a, nil
	}
	p.sound(s, a)
	s.arrivals = append(s.arrivals, a)
	plain := string(body)
	for _, value := range []string{in.Password, in.Captcha, in.Query} {
		if secret, _, nonce := untag(value); nonce != "" {
			plain = strings.ReplaceAll(plain, value, secret)
		}
	}
	return s, a, []byte(plain)
}

// sound raises the alarm for what is a violation in any case.
func (p *proxy) sound(s *subject, a arrival) {
	if a.header {
		p.alarm(s.id, "a request had a header with which it may be repeated")
	}
	for _, earlier := range s.arrivals {
		if a.step >= 0 && earlier.step == a.step {
			p.alarm(s.id, "a second request arrived for one prompt")
		}
	}
}

// learn maps the token of an accepted application to its subject.
func (p *proxy) learn(s *subject, answer []byte) {
	var receipt struct{ Data struct{ Token string } }
	if json.Unmarshal(answer, &receipt) == nil && receipt.Data.Token != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tokens[receipt.Data.Token] = s
	}
}

// fault is what happens to one request.
type fault struct {
	ignores       bool // it is read, and has no effect
	breaks        bool // it takes effect, and its answer is lost
	with          string
	before, after time.Duration
}

func (p *proxy) fault() fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.random
	out := fault{before: between(d, 0, 5*time.Millisecond), after: between(d, 0, 5*time.Millisecond)}
	luck, odd := d.IntN(100), d.IntN(3)
	if p.faultless {
		return out
	}
	switch {
	case luck < 35:
		out.after = between(d, 10*time.Millisecond, 120*time.Millisecond)
	case luck < 45:
		out.before = between(d, 10*time.Millisecond, 120*time.Millisecond)
	case luck < 48: // longer than the timeout of a call
		out.after = between(d, callTimeout-50*time.Millisecond, 2*callTimeout)
	case luck < 51:
		out.ignores = true
	case luck < 56:
		out.breaks, out.with = true, []string{"", "garbage", "error"}[odd]
	}
	return out
}

// pause waits, or until the client has left.
func (p *proxy) pause(r *http.Request, d time.Duration) {
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
