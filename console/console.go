// Package console is the operators' view of a Machine: an http.Handler that a
// host mounts behind its own authentication.
//
// It lists verifications by state, carrier and age, shows one with its way
// through the state diagram, what is overdue or unknown, parked handlers, and
// figures over a bounded sample. Operators who may act cancel, expire and erase
// verifications and have handlers called again, each under their own name.
// Nothing can be sent to upstream from here.
//
// It shows columns, and what [carrierfsm.Machine.Peek] and History tell: no
// secret, no token, no whole number. A record that the Machine can't open is
// shown by its columns alone. Each page makes a bounded number of calls to the
// store, however many verifications that has.
package console

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Config is what a Console is made of. Machine and Authorize are required;
// every other field may be left zero.
type Config struct {
	// Machine is whose verifications are shown.
	Machine *carrierfsm.Machine
	// Authorize tells who makes a request, and what they may do. The host's own
	// authentication has looked at it by then, or does so here. With an error, and
	// with the zero Operator, nothing is shown but that; the error is logged.
	Authorize func(*http.Request) (Operator, error)
	// Title stands above each page, to tell one installation from another.
	// Defaults to "carrierfsm".
	Title string
	// Now is the clock by which ages are told. Defaults to time.Now.
	Now func() time.Time
	// Logger is told what operators did (info), and what was refused or failed
	// (warn). Defaults to silence.
	Logger *slog.Logger
}

// Access is what an operator may do.
type Access int

// The kinds of access. The zero value is none.
const (
	// None sees nothing.
	None Access = iota
	// Look sees everything that is shown.
	Look
	// Act also cancels, expires, erases and replays.
	Act
)

// Operator is who makes a request.
type Operator struct {
	// Name goes into the history of what they do: 1 to 64 bytes of printable
	// ASCII without spaces, a login for instance, see [carrierfsm.ByOperator].
	// With any other name they can only look.
	Name string
	// Access is what they may do.
	Access Access
}

// Console is an http.Handler, safe for concurrent use. It may be mounted under
// any prefix that ends in a slash, with http.StripPrefix or without.
type Console struct {
	cfg     Config
	routes  map[string]route
	origins *http.CrossOriginProtection
	surveys cache[time.Duration, carrierfsm.Survey]
}

var _ http.Handler = (*Console)(nil)

// New returns a Console. It refuses a Config without Machine or Authorize,
// with an error that matches carrierfsm.ErrInvalid.
func New(c Config) (*Console, error) {
	if c.Machine == nil || c.Authorize == nil {
		return nil, fmt.Errorf("%w: console.Config needs a Machine and a function Authorize", carrierfsm.ErrInvalid)
	}
	if c.Title == "" {
		c.Title = "carrierfsm"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	console := &Console{cfg: c, origins: http.NewCrossOriginProtection()}
	console.routes = console.table()
	return console, nil
}

// route is what one name serves.
type route struct {
	method string // GET, for which HEAD does too, or POST
	access Access // that it takes
	serve  func(*request) error
}

// table is all routes by the last segment of their path. All stand beside each
// other, so that relative links work under any prefix.
func (c *Console) table() map[string]route {
	return map[string]route{
		"":             {http.MethodGet, Look, c.overview},
		"list":         {http.MethodGet, Look, c.list},
		"attention":    {http.MethodGet, Look, c.attention},
		"verification": {http.MethodGet, Look, c.verification},
		"handlers":     {http.MethodGet, Look, c.handlers},
		"confirm":      {http.MethodGet, Act, c.confirm},
		"act":          {http.MethodPost, Act, c.act},
		"style.css":    {http.MethodGet, Look, c.asset("style.css", "text/css; charset=utf-8")},
		"console.js":   {http.MethodGet, Look, c.asset("console.js", "text/javascript; charset=utf-8")},
		"icon.svg":     {http.MethodGet, Look, c.asset("icon.svg", "image/svg+xml")},
	}
}

// request is one request of an operator who is known.
type request struct {
	*http.Request
	w    http.ResponseWriter
	by   Operator
	now  time.Time
	page string // its route
}

// ServeHTTP serves one page or does one action.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	by, err := c.cfg.Authorize(r)
	if err != nil {
		c.cfg.Logger.WarnContext(r.Context(), "console: not authorized", "err", err)
		by = Operator{}
	}
	q := &request{Request: r, w: w, by: by, now: c.cfg.Now().UTC(), page: r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]}
	if err := c.serve(q); err != nil {
		c.fail(q, err)
	}
}

func (c *Console) serve(q *request) error {
	if q.by.Access < Look {
		return errForbidden
	}
	route, known := c.routes[q.page]
	switch {
	case !known:
		return errNoPage
	case route.method != q.Method && (q.Method != http.MethodHead || route.method != http.MethodGet):
		q.w.Header().Set("Allow", route.method)
		return errMethod
	case route.access > q.by.Access:
		return errLookOnly
	case route.method == http.MethodPost:
		if err := c.sameOrigin(q.Request); err != nil {
			return err
		}
	}
	return route.serve(q)
}

// protect sets what keeps a browser from doing more with a page than show it.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // so that a form's Origin is told
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// sameOrigin refuses a form that was sent by a page of another site, and one
// that does not tell where it comes from, as every browser does.
func (c *Console) sameOrigin(r *http.Request) error {
	if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" || c.origins.Check(r) != nil {
		return errCrossOrigin
	}
	return nil
}
