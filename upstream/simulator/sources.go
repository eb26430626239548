package simulator

import (
	"net/http"
	"slices"
)

// skip skips the present data source of a session.
func (s *Server) skip(r *http.Request) Answer { return s.withSession(r, request.skip) }

// skip uses only the token, so a repeated skip skips the next source.
func (r request) skip() Answer {
	if r.session.Done {
		return AlreadyCollected()
	}
	return r.endSource()
}

// endSource begins the next data source, or the collection if there is none.
func (r request) endSource() Answer {
	a := r.session
	a.Past = append(a.Past, a.Website)
	a.Stage, a.Resetting = 0, false
	if next, found := r.next(); found {
		a.Website = next.Website
		return collecting.answer().WithNext(next)
	}
	a.Done, a.DoneAt, a.CollectedNone = true, r.server.cfg.Now(), !a.Collected
	return collecting.answer().With("finish", true)
}

// next removes and returns the following data source: the carrier's own, then those
// that the form selected.
func (r request) next() (next Carrier, found bool) {
	if next, found = r.server.carrier(r.carrier.Next); found {
		return next, true
	}
	a := r.session
	for !found && len(a.Selected) > 0 {
		next, found = r.server.carrier(a.Selected[0])
		a.Selected = a.Selected[1:]
	}
	return next, found
}

// isPastSource reports whether the request names a data source of the session that
// was completed or skipped.
func (r request) isPastSource() bool {
	a := r.session
	return r.isAccount() && r.fields.Website != a.Website && slices.Contains(a.Past, r.fields.Website)
}
