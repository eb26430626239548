package main

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/httpapi"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// site has what the endpoints share. It is safe for concurrent use. Any number of
// processes may serve one store: the state in memory is only an optimisation.
type site struct {
	options
	machine    *carrierfsm.Machine
	owner      host
	dispatcher *outbox.Dispatcher
	counters   *figures.Counters
	store      store
	api        *httpapi.API
	keys       keys
	cookies    cookies
	changes    *httpapi.Changes
	simulated  *simulated // nil with a real upstream
	metrics    *metrics
	log        *slog.Logger
}

// routes returns the handler of all endpoints, with the middleware.
func (s *site) routes() http.Handler {
	limits := newLimiter(s.allowance, time.Now, s.refusePage)
	api := http.StripPrefix("/api", s.api).ServeHTTP
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", limits.limit(costRead, s.page))
	for _, name := range []string{"page.js", "screen.js", "page.css", "icon.svg"} {
		mux.HandleFunc("GET /"+name, file(name))
	}
	mux.HandleFunc("GET /logo", s.serveLogo)
	mux.HandleFunc("GET /api/", limits.limit(costRead, ownPageOnly(api)))
	mux.HandleFunc("GET /api/verifications/mine", limits.limit(costRead, ownPageOnly(s.mine)))
	mux.HandleFunc("POST /api/", limits.limit(costAnswer, jsonOnly(api)))
	mux.HandleFunc("POST /api/anew", limits.limit(costAnswer, jsonOnly(s.startOver)))
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", limits.limit(costRead, s.readyz))
	if s.simulated != nil {
		s.simulated.routes(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refusePage(w, r, httpapi.Problem{Status: http.StatusNotFound, Code: "no_endpoint"})
	})
	return withProtection(mux, s.log, s.https)
}
