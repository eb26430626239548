package simulator

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// Config configures a Server. The zero value is usable.
type Config struct {
	// Org is the institution's account name in the paths. Defaults to "DEMO".
	Org string
	// Carriers are the mobile operators. They must not be changed afterwards.
	// Defaults to Carriers().
	Carriers []Carrier
	// People have accounts with the carriers. They must not be changed
	// afterwards. Defaults to People().
	People []Person
	// CodeLife is how long a code is valid. Defaults to 5 min.
	CodeLife time.Duration
	// TokenLife is how long a token is valid after its last use. Defaults to 10 min.
	TokenLife time.Duration
	// ResendAfter is the shortest time between two codes; an earlier resend has the
	// same answer but sends no code. Defaults to 60 s.
	ResendAfter time.Duration
	// WrongPasswords is how many wrong service passwords lock a number for ever.
	// Defaults to 3.
	WrongPasswords int
	// ClientSecret is the institution's secret for the data calls. Defaults to
	// "simulated-client-secret".
	ClientSecret string
	// Frozen refuses every data call (20003).
	Frozen bool
	// AccessTokenLife is how long an access token for 24 hours is valid, and how
	// long one for an hour is at most. Defaults to 24 h.
	AccessTokenLife time.Duration
	// CollectFor is how long the collection takes after the person's last step.
	// Defaults to 30 s.
	CollectFor time.Duration
	// ReportLag is how long after the collection the report and the raw data are
	// available. Defaults to none.
	ReportLag time.Duration
	// Seed determines tokens and codes. Defaults to a fixed text.
	Seed string
	// Now is the clock. It is called from several goroutines and must not call
	// the Server. Defaults to time.Now.
	Now func() time.Time
}

// Server is the simulated aggregator. It is safe for concurrent use.
type Server struct {
	cfg    Config
	seed   seed
	mux    *http.ServeMux
	closed chan struct{}

	mu       sync.Mutex
	state    state
	arrivals arrivals
	faults   faults
	collects scripts
	receipts scripts
}

// New returns a Server. It starts no goroutine and opens no socket.
func New(c Config) *Server {
	c.Org = orDefault(c.Org, "DEMO")
	c.CodeLife = orDefault(c.CodeLife, 5*time.Minute)
	c.TokenLife = orDefault(c.TokenLife, 10*time.Minute)
	c.ResendAfter = orDefault(c.ResendAfter, time.Minute)
	c.WrongPasswords = orDefault(c.WrongPasswords, 3)
	c.ClientSecret = orDefault(c.ClientSecret, "simulated-client-secret")
	c.AccessTokenLife = orDefault(c.AccessTokenLife, 24*time.Hour)
	c.CollectFor = orDefault(c.CollectFor, 30*time.Second)
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
		cfg: c, seed: seed(orDefault(c.Seed, "carrierfsm simulator")), closed: make(chan struct{}),
		state: newState(), arrivals: newArrivals(), collects: make(scripts), receipts: make(scripts),
	}
	s.mux = s.routes()
	return s
}

// orDefault returns value, or fallback if value is zero.
func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// maxRequest is the largest request body that is read, in bytes.
const maxRequest = 1 << 20

// ServeHTTP answers one request, or breaks it by a planned fault. Faults that reset
// a connection need HTTP/1; otherwise they panic with http.ErrAbortHandler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, fault := s.begin(r)
	if fault.kind == dropBeforeReading {
		resetConnection(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	arrival := s.read(number, body)
	if fault.kind == noFault {
		fault = s.conditionalFault(arrival)
	}
	answer := &recorder{header: make(http.Header)}
	if fault.processed() {
		s.mux.ServeHTTP(answer, withSingleSlashes(withBody(r, body)))
	}
	s.respond(w, r, answer, fault)
}

// begin logs a request and returns the fault for its number.
func (s *Server) begin(r *http.Request) (number int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number = s.arrivals.begin(r.URL.Path, s.cfg.Now())
	return number, s.faults.take(number)
}

// Close ends all present and future waits of slow faults: their connections are
// reset. Otherwise the Server still works. Call it before httptest.Server.Close,
// which waits for running requests; without slow faults it is not needed.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
}
