package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/http"
	"sync"
	"time"
)

// Config is what a Server is made of. The zero value is usable.
type Config struct {
	// Org is the institution's account name in the paths. Defaults to "DEMO".
	Org string
	// Carriers are the operators. Defaults to Carriers().
	Carriers []Carrier
	// People have accounts with the operators. Defaults to People().
	People []Person
	// CodeLife is how long a texted code is good. Defaults to 5 min.
	CodeLife time.Duration
	// TokenLife is how long a token lives after its last use. Defaults to 10 min.
	TokenLife time.Duration
	// ResendAfter is how soon another code is texted; before it a resend is
	// answered as if one had been. Defaults to 60 s.
	ResendAfter time.Duration
	// WrongPasswords is how many wrong service passwords lock a number for the
	// rest of the server's life. Defaults to 3.
	WrongPasswords int
	// Seed makes tokens and codes differ between servers; the same seed makes
	// the same ones. Defaults to a fixed text.
	Seed string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Server is the simulated aggregator. It is safe for concurrent use.
type Server struct {
	cfg   Config
	mux   *http.ServeMux
	mu    sync.Mutex
	world world

	requests []Arrival
	secrets  map[string]int
	faults   []plannedFault
	scripts  map[string][]Answer // by phone
}

// world is what Save keeps.
type world struct {
	Applications int                 `json:"applications"`
	Sessions     map[string]*session `json:"sessions"`
	Wrong        map[string]int      `json:"wrong_passwords"`
	Inboxes      map[string][]text   `json:"inboxes"`
}

// New returns a Server.
func New(c Config) *Server {
	c.Org = or(c.Org, "DEMO")
	c.Seed = or(c.Seed, "carrierfsm simulator")
	c.CodeLife = or(c.CodeLife, 5*time.Minute)
	c.TokenLife = or(c.TokenLife, 10*time.Minute)
	c.ResendAfter = or(c.ResendAfter, time.Minute)
	c.WrongPasswords = or(c.WrongPasswords, 3)
	if c.Carriers == nil {
		c.Carriers = Carriers()
	}
	if c.People == nil {
		c.People = People()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{
		cfg: c, mux: http.NewServeMux(), secrets: make(map[string]int), scripts: make(map[string][]Answer),
		world: world{Sessions: make(map[string]*session), Wrong: make(map[string]int), Inboxes: make(map[string][]text)},
	}
	s.mux.HandleFunc("GET /orgApi/rest/v2/orgs/{org}/datasources", s.datasources)
	s.mux.HandleFunc("POST /orgApi/rest/{version}/applications/{org}", s.applications)
	s.mux.HandleFunc("POST /orgApi/rest/v2/messages/collect/req", s.collect)
	s.mux.HandleFunc("POST /orgApi/rest/v2/messages/collect/skip", s.notYet)
	s.mux.HandleFunc("POST /orgApi/rest/v2/messages/reset/req", s.notYet)
	return s
}

// or is the value, or the standard in the place of zero.
func or[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// maxRequest is the largest request body that is read.
const maxRequest = 1 << 20

// ServeHTTP answers one request, or breaks it as planned.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, fault := s.begin(r)
	if fault.kind == dropBeforeReading {
		hangUp(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	request := parse(r, body)
	s.arrive(number, request)
	if fault.kind == serverError && !fault.acted {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	answer := &recorder{header: make(http.Header)}
	s.mux.ServeHTTP(answer, request.WithBody(r))
	fault.deliver(w, r, answer)
}

// begin counts a request and takes the fault that is planned for it.
func (s *Server) begin(r *http.Request) (number int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number = len(s.requests) + 1
	s.requests = append(s.requests, Arrival{Number: number, Path: r.URL.Path, At: s.cfg.Now()})
	for i, planned := range s.faults {
		if planned.at == number {
			s.faults = append(s.faults[:i], s.faults[i+1:]...)
			return number, planned.fault
		}
	}
	return number, Fault{}
}

// code is the nth code that is texted for a token.
func (s *Server) code(token string, n int) string {
	sum := s.mac("code", token, n)
	digits := binary.BigEndian.Uint32(sum) % 1_000_000
	return string(appendDigits(nil, digits))
}

// token names the nth application.
func (s *Server) token(n int) string { return hex.EncodeToString(s.mac("token", "", n)[:16]) }

func (s *Server) mac(what, of string, n int) []byte {
	h := hmac.New(sha256.New, []byte(s.cfg.Seed))
	_, _ = h.Write([]byte(what + " " + of + " "))
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return h.Sum(nil)
}

// appendDigits writes n with six digits.
func appendDigits(b []byte, n uint32) []byte {
	for unit := uint32(100_000); unit > 0; unit /= 10 {
		b = append(b, '0'+byte(n/unit%10))
	}
	return b
}
