// Package console is a web console for the operators of a Machine: an
// http.Handler that a host mounts behind its own authentication.
//
// It lists verifications by state, carrier and age, shows one with its path
// through the state diagram, overdue verifications, unknown outcomes, parked
// handlers, exact figures with charts, which the store counts, and what operators did.
// Operators with the access Act cancel, expire and erase verifications and replay
// handlers, under their own name and with a reason. No page sends anything to upstream.
//
// It shows the record's columns and what [carrierfsm.Machine.Read] and History
// return: no secret, no token, no unmasked number. A record that the Machine
// can't open is shown by its columns alone. Each page makes a bounded number of
// calls to the store, however many verifications it holds.
package console

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// Config configures a Console. Machine and Authorize are required; every other
// field may be left zero.
type Config struct {
	// Machine holds the verifications to show.
	Machine *carrierfsm.Machine
	// Dispatcher shows how far the handlers are, and replays them. Its store must
	// be the Machine's. It need not be the one whose Run is called, nor have any
	// Handlers. Defaults to none: then no handlers are shown.
	Dispatcher *outbox.Dispatcher
	// Figures read the counts of the Machine's store. Some process has to count: see
	// outbox.Config.Projections. Defaults to none: then no figures are shown.
	Figures *figures.Counters
	// Acts is the Machine's store, for the log of what operators do and look at. An
	// action that can't be logged there is not done. Defaults to none: then only the
	// Logger has it, and no acts are shown.
	Acts acts.Log
	// Authorize returns who makes a request, and what they may do. It may rely on
	// an authentication in front of the Console, or do it here. After an error the
	// request is answered with 401 if there is a Challenge, else with 403; the error
	// is logged. The zero Operator is answered with 403.
	Authorize func(*http.Request) (Operator, error)
	// NumberKey returns the key of a phone number, as budget.Numbers.Key does that the
	// Machine has: operators find a live verification by its number with it. Defaults to
	// none: then numbers are not found.
	NumberKey func(number string) (string, error)
	// Challenge is the header WWW-Authenticate of a 401, with which a browser asks
	// for a name and a password: `Basic realm="operations", charset="UTF-8"`.
	// Defaults to none, for hosts with a login page of their own.
	Challenge string
	// Title stands above each page, to distinguish installations.
	// Defaults to "carrierfsm".
	Title string
	// Now is the clock for ages. Defaults to time.Now.
	Now func() time.Time
	// Logger logs what operators did and which verifications they looked at (info),
	// and what was refused or failed (warn). Defaults to a logger that discards.
	Logger *slog.Logger
}

// Access is what an operator may do.
type Access int

// The kinds of access.
const (
	// None may see nothing. It is the zero value.
	None Access = iota
	// Look may see every page.
	Look
	// Act may also cancel, expire, erase and replay.
	Act
)

// Operator is who makes a request.
type Operator struct {
	// Name is recorded in the history with each action, and in the log of acts with
	// each look: 1 to 64 bytes of printable ASCII without spaces, a login for
	// instance, see [carrierfsm.ByOperator]. Actions under any other name are refused,
	// and with Config.Acts verifications are not shown.
	Name   string
	Access Access
}

// Console is an http.Handler, safe for concurrent use. Mount it under any prefix with
// http.StripPrefix: it serves exactly its own paths, so that what a host allows or
// forbids for a path below the prefix can't be reached by another path.
type Console struct {
	cfg     Config
	routes  map[string]route
	origins *http.CrossOriginProtection
	cached  cache[string, figuresView]
	marks   cache[string, string]
	streams streams
	lookers lookers
	opened  time.Time // by New
	limited int64     // what Stats.Limited was then
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
	console := &Console{cfg: c, origins: http.NewCrossOriginProtection(), opened: c.Now().UTC(), limited: c.Machine.Stats().Limited}
	console.routes = console.routeTable()
	console.routes["language"] = route{method: http.MethodPost, access: Look, serve: console.chooseLanguage}
	return console, nil
}

type route struct {
	method string // GET, which includes HEAD, or POST
	access Access // the least that is required
	serve  func(*request) error
	params []string // that the URL may have; nil: any
}

// routeTable returns all routes by their path below the prefix. All are
// siblings, so that relative links work under any prefix.
func (c *Console) routeTable() map[string]route {
	get := func(serve func(*request) error, params ...string) route {
		return route{http.MethodGet, Look, serve, append([]string{}, params...)}
	}
	asset := func(name, kind string) route { return route{http.MethodGet, Look, c.asset(name, kind), nil} }
	return map[string]route{
		"":             get(c.overview, "window"),
		"list":         get(c.list, listParams...),
		"list.json":    get(c.exportList, listParams...),
		"list.csv":     get(c.exportList, listParams...),
		"attention":    get(c.attention, "due", "id", "after"),
		"verification": get(c.verification, "id", "did"),
		"handlers":     get(c.handlers, "name", "error", "after", "did"),
		"parked.json":  get(c.exportParked, "name", "error", "after"),
		"parked.csv":   get(c.exportParked, "name", "error", "after"),
		"changes":      get(c.changes, "id"),
		"acts":         get(c.acts, actsParams...),
		"acts.json":    get(c.exportActs, actsParams...),
		"acts.csv":     get(c.exportActs, actsParams...),
		"find":         {http.MethodPost, Look, c.find, []string{}},
		"confirm":      {http.MethodGet, Act, c.confirm, []string{"do", "id", "handler", "step"}},
		"replay":       {http.MethodGet, Act, c.confirmReplay, []string{"name", "error", "some", "row"}},
		"replay-many":  {http.MethodPost, Act, c.replayMany, nil},
		"act":          {http.MethodPost, Act, c.act, nil},
		"style.css":    asset("style.css", "text/css; charset=utf-8"),
		"console.js":   asset("console.js", "text/javascript; charset=utf-8"),
		"icon.svg":     asset("icon.svg", "image/svg+xml"),
	}
}

// request is one request with what Authorize returned for it.
type request struct {
	*http.Request
	w        http.ResponseWriter
	operator Operator
	now      time.Time
	page     string // the key in Console.routes
	language *language
}

// timeout bounds the calls of the Machine for one request, and a computation
// that requests share.
const timeout = 10 * time.Second

// ServeHTTP serves one page or does one action.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSecurityHeaders(w.Header())
	operator, err := c.cfg.Authorize(r)
	if err != nil {
		c.cfg.Logger.WarnContext(r.Context(), "console: not authorized", "err", err)
		operator = Operator{}
	}
	q := &request{Request: r, w: w, operator: operator, now: c.cfg.Now().UTC(), page: strings.TrimPrefix(r.URL.Path, "/"), language: languageOf(r)}
	if err != nil && c.cfg.Challenge != "" {
		w.Header().Set("WWW-Authenticate", c.cfg.Challenge)
		c.fail(q, errUnknown)
		return
	}
	if err := c.serve(q); err != nil {
		c.fail(q, err)
	}
}

func (c *Console) serve(q *request) error {
	if q.operator.Access < Look {
		return errForbidden
	}
	c.streams.stopped(q.Context()) // registered now: while a server shuts down it is too late
	route, known := c.routes[q.page]
	switch {
	case !known:
		return errNoPage
	case route.method != q.Method && (q.Method != http.MethodHead || route.method != http.MethodGet):
		q.w.Header().Set("Allow", route.method)
		return errMethod
	case route.access > q.operator.Access:
		return errLookOnly
	case route.method == http.MethodPost:
		if err := c.sameOrigin(q.Request); err != nil {
			return err
		}
	}
	if route.params != nil {
		if err := checkParams(q, route.params); err != nil {
			return err
		}
	}
	return route.serve(q)
}

// setSecurityHeaders forbids frames, foreign scripts and styles, sniffing of
// content types, and caching.
func setSecurityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // no-referrer would make the Origin of a form "null"
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// sameOrigin refuses a form that was sent by a page of another origin, and one
// with neither Sec-Fetch-Site nor Origin: every browser sends one of them.
func (c *Console) sameOrigin(r *http.Request) error {
	if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" || c.origins.Check(r) != nil {
		return errCrossOrigin
	}
	return nil
}
