package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// site has what the endpoints share. It is safe for concurrent use. Any number of
// processes may serve one store: the state in memory is only an optimisation.
type site struct {
	options
	machine    *carrierfsm.Machine
	dispatcher *outbox.Dispatcher
	store      survey.Surveyor
	keys       keys
	cookies    cookies
	changes    *changes
	carries    *carries
	simulated  *simulated // nil with a real upstream
	log        *slog.Logger
}

// routes returns the handler of all endpoints, with the middleware.
func (s *site) routes() http.Handler {
	limits := newLimiter(s.allowance, time.Now)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", limits.limit(costRead, s.page))
	for _, name := range []string{"page.js", "screen.js", "page.css", "icon.svg"} {
		mux.HandleFunc("GET /"+name, limits.limit(costRead, file(name)))
	}
	mux.HandleFunc("GET /api/verification", limits.limit(costRead, ownPageOnly(s.getScreen)))
	mux.HandleFunc("POST /api/verification/{input}", limits.limit(costAnswer, jsonOnly(s.postInput)))
	mux.HandleFunc("POST /api/anew", limits.limit(costAnswer, jsonOnly(s.startOver)))
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", limits.limit(costRead, s.readyz))
	if s.simulated != nil {
		s.simulated.routes(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, problem{status: http.StatusNotFound, code: "no_page"})
	})
	return withProtection(mux, s.log, s.https)
}

// load returns the verification of a ticket; nil if there is none yet.
func (s *site) load(ctx context.Context, t ticket) (*carrierfsm.Verification, error) {
	if t.isNew() {
		return nil, nil //nolint:nilnil // none yet is no error
	}
	v, err := s.machine.Get(ctx, t.id())
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// show responds with the screen of a verification, and a problem if there is one.
func (s *site) show(w http.ResponseWriter, r *http.Request, v *carrierfsm.Verification, p problem) {
	now := time.Now()
	if v != nil {
		if carry := s.carries.take(v.ID); carry != "" {
			s.cookies.set(w, carryCookie, carry, v.Deadline.Sub(now))
		}
		if v.State.Terminal() && s.cookies.carry(r) != "" {
			s.cookies.set(w, carryCookie, "", 0)
		}
	}
	shown := language(r).screen(v, now)
	if p.code == "password_needed" {
		shown.askPassword(language(r))
	}
	writeResponse(w, r, p, &shown)
}
