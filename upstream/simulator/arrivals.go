package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Arrival is a request that reached the server. It holds no secret: see
// Server.Secrets.
type Arrival struct {
	// Number counts all requests, from 1.
	Number int
	// At is when, Path where to.
	At   time.Time
	Path string
	// Read tells that the body was read whole; the fields below are set then.
	// It is false for one that a fault dropped before, or whose client gave up.
	Read bool
	// Token, Website, Account and Type are the request's.
	Token, Website, Account, Type string
	// Password, QueryPassword and Captcha tell whether they were filled in.
	Password, QueryPassword, Captcha bool
}

// Format prints number, path and type, for every verb.
func (a Arrival) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "request %d %s %q", a.Number, a.Path, a.Type)
}

// Secrets are the values that a request carried, empty where it carried none.
type Secrets struct {
	Password, QueryPassword, Captcha string
}

// Format prints "[redacted]", for every verb.
func (Secrets) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// arrivals is the log of all requests.
type arrivals struct {
	list    []Arrival
	secrets []Secrets      // beside list
	seen    map[string]int // requests by secret value
}

func newArrivals() arrivals { return arrivals{seen: make(map[string]int)} }

func (l *arrivals) begin(path string, now time.Time) (number int) {
	number = len(l.list) + 1
	l.list = append(l.list, Arrival{Number: number, Path: path, At: now})
	l.secrets = append(l.secrets, Secrets{})
	return number
}

func (l *arrivals) read(number int, f collectFields) Arrival {
	l.secrets[number-1] = Secrets{Password: f.Password, QueryPassword: f.QueryPwd, Captcha: f.Captcha}
	values := []string{f.Password, f.QueryPwd, f.Captcha}
	slices.Sort(values)
	for _, value := range slices.Compact(values) { // a request counts once, however often it has the value
		l.seen[value]++
	}
	a := &l.list[number-1]
	a.Read = true
	a.Token, a.Website, a.Account, a.Type = f.Token, f.Website, f.Account, f.Type
	a.Password, a.QueryPassword, a.Captcha = f.Password != "", f.QueryPwd != "", f.Captcha != ""
	return *a
}

// read logs what a request carried.
func (s *Server) read(number int, body []byte) Arrival {
	var f collectFields
	_ = json.Unmarshal(body, &f) // what is no collect request has none of the fields
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrivals.read(number, f)
}

// Requests is every request so far, oldest first. The list is the caller's.
func (s *Server) Requests() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.arrivals.list)
}

// Arrivals is how many requests carried this value as a password, a query
// password or a code, and were read, whatever became of the reply. It is 0 for
// the empty value.
func (s *Server) Arrivals(secret string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret == "" {
		return 0
	}
	return s.arrivals.seen[secret]
}

// Secrets is what the request of this number carried. It is empty for a
// request that was not read, and for one that there was not.
func (s *Server) Secrets(number int) Secrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < 1 || number > len(s.arrivals.secrets) {
		return Secrets{}
	}
	return s.arrivals.secrets[number-1]
}

// LoginAttempts is how many service passwords a number's carriers have tried,
// right and wrong ones. What a script answered is not among them.
func (s *Server) LoginAttempts(phone string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.world.Accounts[phone]; a != nil {
		return a.Tried
	}
	return 0
}
