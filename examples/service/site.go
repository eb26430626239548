package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// site is what the endpoints share. It is safe for concurrent use, and any
// number of processes may serve one store: what it keeps in memory only makes
// things quicker.
type site struct {
	options
	machine   *carrierfsm.Machine
	keys      keys
	cookies   cookies
	changes   *changes
	carries   *carries
	simulated *simulated // nil with a real upstream
	log       *slog.Logger
}

// routes are all endpoints, with what stands before them.
func (s *site) routes() http.Handler {
	limits := newLimiter(s.allowance, time.Now)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", limits.guard(costLook, s.page))
	for _, name := range []string{"page.js", "screen.js", "page.css", "icon.svg"} {
		mux.HandleFunc("GET /"+name, limits.guard(costLook, file(name)))
	}
	mux.HandleFunc("GET /api/verification", limits.guard(costLook, ownPageOnly(s.look)))
	mux.HandleFunc("POST /api/verification/{input}", limits.guard(costAnswer, jsonOnly(s.take)))
	mux.HandleFunc("POST /api/anew", limits.guard(costAnswer, jsonOnly(s.anew)))
	if s.simulated != nil {
		s.simulated.routes(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, problem{status: http.StatusNotFound, word: "no_page"})
	})
	return guarded(mux, s.log, s.https)
}

// find is the verification of a ticket as it stands; nil where there is none yet.
func (s *site) find(ctx context.Context, t ticket) (*carrierfsm.Verification, error) {
	if t.fresh() {
		return nil, nil //nolint:nilnil // there is none, and nothing is wrong
	}
	v, err := s.machine.Get(ctx, t.id())
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// show answers with the screen of a verification, and a problem if there is one.
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
	if p.word == "password_needed" {
		shown.askPassword(language(r))
	}
	reply(w, r, p, &shown)
}
