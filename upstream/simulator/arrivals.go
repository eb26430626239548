package simulator

import (
	"fmt"
	"slices"
	"time"
)

// Arrival is a request that reached the server. It prints without secrets,
// and holds none.
type Arrival struct {
	// Number counts all requests, from 1.
	Number int
	// At is when, Path where to.
	At   time.Time
	Path string
	// Read tells that the body was read whole; the fields below are set then.
	Read bool
	// Token, Website, Account and Type are the request's.
	Token, Website, Account, Type string
	// Password, QueryPassword and Captcha tell whether they were filled in.
	Password, QueryPassword, Captcha bool
}

// Format prints number, path and type.
func (a Arrival) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "request %d %s %q", a.Number, a.Path, a.Type)
}

// Requests is every request so far, oldest first.
func (s *Server) Requests() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Arrivals is how many requests carried this value as a password, a query
// password or a code, and were read, whatever became of the reply.
func (s *Server) Arrivals(secret string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets[secret]
}

func (s *Server) arrive(number int, in incoming) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := in.fields
	a := &s.requests[number-1]
	a.Read = true
	a.Token, a.Website, a.Account, a.Type = f.Token, f.Website, f.Account, f.Type
	a.Password, a.QueryPassword, a.Captcha = f.Password != "", f.QueryPwd != "", f.Captcha != ""
	values := []string{f.Password, f.QueryPwd, f.Captcha}
	slices.Sort(values)
	for _, value := range slices.Compact(values) {
		if value != "" {
			s.secrets[value]++
		}
	}
}
