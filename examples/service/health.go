package main

import "net/http"

// healthz says that the process serves requests. A probe of liveness that asked the
// store too would restart all replicas when the store is away.
func healthz(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// readyz says whether this replica can do its work. The reason is for the log: anyone
// can ask.
func (s *site) readyz(w http.ResponseWriter, r *http.Request) {
	err := s.machine.Ready(r.Context())
	if err == nil {
		err = s.dispatcher.Ready(r.Context())
	}
	if err != nil {
		s.log.WarnContext(r.Context(), "not ready", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
