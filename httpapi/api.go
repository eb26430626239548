package httpapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm"
)

// Config configures an API.
type Config struct {
	// Machine runs the verifications. It is required.
	Machine *carrierfsm.Machine
	// Authorize says which verification a request for an id is about, and whether it may
	// see and answer it. It usually returns the id it is given; it may also stand for an
	// alias like "mine" with the one of the session. Its error is answered as ProblemOf
	// says: return carrierfsm.ErrNotFound for another's id. It is required.
	Authorize func(r *http.Request, id string) (string, error)
	// Begin says what a form creates: an id, a key for its number, a reference. If it
	// returns the id of a verification that exists, the form is submitted to that one, so
	// a form that is sent twice has one verification if the id is derived from the
	// session. It is called before anything is created and must not keep the form. Its
	// error is answered as ProblemOf says. It is required.
	Begin func(r *http.Request, form carrierfsm.Form) (carrierfsm.NewVerification, error)
	// Began is called with what Begin returned, once the verification exists and before
	// the response; its ID is set. It may set headers, and record in the session that the
	// verification is its own. It is not called for a form that is refused and creates
	// nothing, nor if the process dies while upstream is asked. May be nil.
	Began func(w http.ResponseWriter, r *http.Request, n carrierfsm.NewVerification) error
	// Consent is what a form has to agree to. Its Policy is required.
	Consent Consent
	// Changes wakes the requests that wait for a change. Defaults to one that only the
	// submissions of this API wake; others are found within a second.
	Changes *Changes
	// Wait is the longest that a request waits, for a change or for the outcome of a
	// submission, which is "pending" after that. Defaults to 25 s: proxies close a
	// connection that is idle for 60.
	Wait time.Duration
	// AllowSkip lets persons skip a data source. To skip the only one ends in done with
	// nothing verified.
	AllowSkip bool
	// PlainHTTP says that clients do not use HTTPS. The cookie is then sent over HTTP too.
	PlainHTTP bool
	// Protection refuses requests that the pages of other sites make. Defaults to
	// http.NewCrossOriginProtection().
	Protection *http.CrossOriginProtection
	// Logger gets what is answered with a status of 500 or more, without anything
	// personal. Defaults to none.
	Logger *slog.Logger
}

// API is an http.Handler for verifications. It keeps the sealed password of a
// verification (Prompt.Carry) in a cookie of the client. It is safe for concurrent use.
type API struct {
	Config
	carries *carries
	handler http.Handler
}

// pollInterval is how often a waiting request polls, for changes by other replicas and
// by deadlines.
const pollInterval = time.Second

// New returns an API. Its error says which field is missing or invalid.
func New(cfg Config) (*API, error) {
	switch {
	case cfg.Machine == nil:
		return nil, errors.New("httpapi: Config.Machine is nil")
	case cfg.Authorize == nil:
		return nil, errors.New("httpapi: Config.Authorize is nil")
	case cfg.Begin == nil:
		return nil, errors.New("httpapi: Config.Begin is nil")
	case cfg.Consent.Policy == "":
		return nil, errors.New("httpapi: Config.Consent.Policy is empty")
	case cfg.Wait < 0:
		return nil, errors.New("httpapi: Config.Wait is negative")
	case cfg.Consent.isSeparate():
		if err := cfg.Consent.Check(); err != nil {
			return nil, err
		}
	}
	if cfg.Changes == nil {
		cfg.Changes = NewChanges()
	}
	if cfg.Protection == nil {
		cfg.Protection = http.NewCrossOriginProtection()
		cfg.Protection.SetDenyHandler(http.HandlerFunc(crossOrigin))
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Wait = cmp.Or(cfg.Wait, 25*time.Second)
	cfg.Consent.Channel = cmp.Or(cfg.Consent.Channel, "web")
	a := &API{Config: cfg, carries: newCarries(time.Now)}
	a.handler = cfg.Protection.Handler(a.routes())
	return a, nil
}

func crossOrigin(w http.ResponseWriter, r *http.Request) {
	WriteProblem(w, r, Problem{Status: http.StatusForbidden, Code: codeCrossOrigin})
}

// ServeHTTP answers a request. Mount it with http.StripPrefix.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	a.handler.ServeHTTP(w, r)
}

func (a *API) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/verifications", only(http.MethodPost, a.create))
	mux.HandleFunc("/verifications/new", only(http.MethodGet, a.unborn))
	mux.HandleFunc("/verifications/{id}", only(http.MethodGet, a.get))
	mux.HandleFunc("/verifications/{id}/{input}", only(http.MethodPost, a.submit))
	mux.HandleFunc("/openapi.json", only(http.MethodGet, description))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, r, Problem{Status: http.StatusNotFound, Code: codeNoEndpoint})
	})
	return mux
}

// only refuses other methods than one. HEAD is a GET.
func only(method string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method && (r.Method != http.MethodHead || method != http.MethodGet) {
			w.Header().Set("Allow", method)
			WriteProblem(w, r, Problem{Status: http.StatusMethodNotAllowed, Code: codeMethod})
			return
		}
		next(w, r)
	}
}

// create creates a verification of a form and submits the form.
func (a *API) create(w http.ResponseWriter, r *http.Request) {
	in, err := a.decodeApplication(r)
	if err != nil {
		a.refuse(w, r, nil, err)
		return
	}
	if err := in.Form.Check(); err != nil { // what would be refused creates nothing
		destroy(in.Form)
		a.refuse(w, r, nil, err)
		return
	}
	n, err := a.Begin(r, in.Form)
	if err == nil && n.ID == "" {
		n.ID, err = newID()
	}
	if err != nil {
		destroy(in.Form)
		a.refuse(w, r, nil, err)
		return
	}
	v, created, err := a.begin(r.Context(), n, in)
	if v.ID != "" { // it exists
		w.Header().Set("Location", "verifications/"+n.ID)
		if a.Began != nil {
			if e := a.Began(w, r, n); e != nil {
				a.refuse(w, r, nil, e)
				return
			}
		}
	}
	if err == nil {
		if limited, e := a.Machine.Get(r.Context(), n.ID); e == nil { // the number's budget for passwords may be used up
			v = limited
		}
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	a.respondSubmission(w, r, v, status, err)
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}

// decodeApplication decodes a form, whose step may be absent.
func (a *API) decodeApplication(r *http.Request) (apply carrierfsm.Apply, err error) {
	b, err := readBody(r)
	if err != nil {
		return apply, err
	}
	defer b.wipe()
	in, err := b.input(carrierfsm.InputApply, false, a.Consent)
	if err != nil {
		return apply, err
	}
	apply, _ = in.(carrierfsm.Apply)
	return apply, nil
}

// unborn responds with what to show before there is a verification.
func (a *API) unborn(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, a.view(r, unborn(), time.Now()))
}

// get responds with a verification. With the parameter "seen" it waits, at most Wait,
// until the tag is another.
func (a *API) get(w http.ResponseWriter, r *http.Request) {
	id, err := a.Authorize(r, r.PathValue("id"))
	if err != nil {
		a.refuse(w, r, nil, err)
		return
	}
	v, err := a.watch(r.Context(), id, r.URL.Query().Get("seen"))
	if err != nil {
		a.refuse(w, r, nil, err)
		return
	}
	a.respond(w, r, &v, http.StatusOK)
}

// submit submits an input.
func (a *API) submit(w http.ResponseWriter, r *http.Request) {
	kind := carrierfsm.InputKind(r.PathValue("input"))
	if !slices.Contains(Kinds(), kind) {
		WriteProblem(w, r, Problem{Status: http.StatusNotFound, Code: codeNoEndpoint})
		return
	}
	id, err := a.Authorize(r, r.PathValue("id"))
	if err == nil && kind == carrierfsm.InputSkipSource && !a.AllowSkip {
		err = ErrForbidden
	}
	if err != nil {
		a.refuse(w, r, nil, err)
		return
	}
	in, err := Decode(r, kind, a.Consent)
	if err != nil {
		a.refuse(w, r, a.present(r, id), err)
		return
	}
	v, err := a.await(r.Context(), id, a.submission(id, a.withCarry(r, in)))
	if err == nil && kind == carrierfsm.InputResendCaptcha {
		a.respond(w, r, &v, http.StatusOK, func(s *Screen) { Language(r).showResent(s, &v) })
		return
	}
	a.respondSubmission(w, r, v, http.StatusOK, err)
}

// present returns a verification; nil if it can't be read.
func (a *API) present(r *http.Request, id string) *carrierfsm.Verification {
	v, err := a.Machine.Get(r.Context(), id)
	if err != nil {
		return nil
	}
	return &v
}

// respondSubmission responds to a submission: with the verification, or with a problem.
func (a *API) respondSubmission(w http.ResponseWriter, r *http.Request, v carrierfsm.Verification, status int, err error) {
	switch {
	case err == nil:
		a.respond(w, r, &v, status)
	case v.ID == "":
		a.refuse(w, r, nil, err)
	case errors.Is(err, carrierfsm.ErrPending):
		a.respond(w, r, &v, http.StatusAccepted)
	default:
		a.refuse(w, r, &v, err)
	}
}

// respond responds with a verification, whose screen may be changed before.
func (a *API) respond(w http.ResponseWriter, r *http.Request, v *carrierfsm.Verification, status int, change ...func(*Screen)) {
	now := time.Now()
	a.setCarry(w, r, v, now)
	j := a.view(r, v, now)
	for _, f := range change {
		f(j.Screen)
	}
	writeJSON(w, status, j)
}

// refuse responds with a problem, and the verification if it is not nil.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, v *carrierfsm.Verification, err error) {
	p := ProblemOf(err)
	if p.Status >= http.StatusInternalServerError {
		a.Logger.WarnContext(r.Context(), "request failed", "route", r.Pattern, "code", p.Code, "error", err)
	}
	if v != nil {
		now := time.Now()
		a.setCarry(w, r, v, now)
		j := a.view(r, v, now)
		if errors.Is(err, carrierfsm.ErrPasswordNeeded) {
			Language(r).askPassword(j.Screen)
		}
		if errors.Is(err, carrierfsm.ErrTooSoon) && v.Prompt != nil && v.Prompt.Resend != nil {
			p.RetryAfter = max(1, secondsUntil(v.Prompt.Resend.At, now))
		}
		p.Verification = &j
	}
	WriteProblem(w, r, p)
}

// view returns a verification with its screen.
func (a *API) view(r *http.Request, v *carrierfsm.Verification, now time.Time) Verification {
	j, s := View(v, now), Language(r).Screen(v, now, a.Consent)
	j.Screen = &s
	if j.Prompt != nil && !a.AllowSkip {
		j.Prompt.Skip = false
	}
	return j
}

// WriteProblem responds with a problem, in the request's language. A RetryAfter is a
// header too.
func WriteProblem(w http.ResponseWriter, r *http.Request, p Problem) {
	words := Language(r)
	p.Title = cmp.Or(p.Title, words.problem(p, time.Now()))
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	writeBody(w, p.Status, p)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	writeBody(w, status, v)
}

func writeBody(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(true)
	_ = encoder.Encode(v) // the client may be gone
}
