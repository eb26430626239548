package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Arrival is a request that the server received, without its secrets: see
// Server.Secrets.
type Arrival struct {
	// Number counts all requests, from 1.
	Number int
	// At is when the request was received.
	At   time.Time
	Path string
	// Read reports whether the whole body was read. If it was not, because a fault
	// dropped the request or the client gave up, the fields below are not set.
	Read bool
	// Token, Website, Account and Type are fields of the request.
	Token, Website, Account, Type string
	// Password, QueryPassword and Captcha report whether the field was not empty.
	Password, QueryPassword, Captcha bool
}

// Format prints number, path and type, for every verb.
func (a Arrival) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "request %d %s %q", a.Number, a.Path, a.Type)
}

// Secrets are the secret values of a request; empty ones were absent.
type Secrets struct {
	Password, QueryPassword, Captcha string
}

// Format prints "[redacted]", for every verb.
func (Secrets) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// arrivals is the log of all requests.
type arrivals struct {
	list    []Arrival
	secrets []Secrets      // by the index of list
	counts  map[string]int // requests by secret value
}

func newArrivals() arrivals { return arrivals{counts: make(map[string]int)} }

func (l *arrivals) begin(path string, now time.Time) (number int) {
	number = len(l.list) + 1
	l.list = append(l.list, Arrival{Number: number, Path: path, At: now})
	l.secrets = append(l.secrets, Secrets{})
	return number
}

func (l *arrivals) read(number int, f requestFields) Arrival {
	l.secrets[number-1] = Secrets{Password: f.Password, QueryPassword: f.QueryPwd, Captcha: f.Captcha}
	values := []string{f.Password, f.QueryPwd, f.Captcha}
	slices.Sort(values)
	for _, value := range slices.Compact(values) { // a request with the value in several fields counts once
		l.counts[value]++
	}
	a := &l.list[number-1]
	a.Read = true
	a.Token, a.Website, a.Account, a.Type = f.Token, f.Website, f.Account, f.Type
	a.Password, a.QueryPassword, a.Captcha = f.Password != "", f.QueryPwd != "", f.Captcha != ""
	return *a
}

// read logs the fields of a request.
func (s *Server) read(number int, body []byte) Arrival {
	var sent fields
	_ = json.Unmarshal(body, &sent)
	f, _ := requestFieldsOf(sent) // other requests don't have them
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrivals.read(number, f)
}

// Requests returns all requests so far, oldest first. The list is a copy.
func (s *Server) Requests() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.arrivals.list)
}

// Arrivals returns how many requests were read that had this value as a password,
// a query password or a code, whether or not their reply was delivered. It is 0
// for the empty value.
func (s *Server) Arrivals(secret string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret == "" {
		return 0
	}
	return s.arrivals.counts[secret]
}

// Secrets returns the secrets of the request with this number. They are empty if
// the request was not read, or does not exist.
func (s *Server) Secrets(number int) Secrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < 1 || number > len(s.arrivals.secrets) {
		return Secrets{}
	}
	return s.arrivals.secrets[number-1]
}

// LoginAttempts returns how many service passwords a number's carriers have
// checked, right and wrong ones. Requests that a script answered don't count.
func (s *Server) LoginAttempts(phone string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.state.Accounts[phone]; a != nil {
		return a.Tried
	}
	return 0
}
