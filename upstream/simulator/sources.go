package simulator

import (
	"net/http"
	"slices"
)

// skip leaves the present data source of a session out.
func (s *Server) skip(r *http.Request) Answer { return s.visit(r, visit.skip) }

// skip looks at the token alone: whoever repeats a skip leaves out what came
// after.
func (v visit) skip() Answer {
	if v.session.Done {
		return AlreadyCollected()
	}
	return v.leave()
}

// leave is the end of the present data source: the next one begins, or the
// collection has started.
func (v visit) leave() Answer {
	a := v.session
	a.Behind = append(a.Behind, a.Website)
	a.Stage, a.Resetting = 0, false
	if next, found := v.next(); found {
		a.Website = next.Website
		return collecting.answer().WithNext(next)
	}
	a.Done, a.Through, a.Nothing = true, v.server.cfg.Now(), !a.Got
	return collecting.answer().With("finish", true)
}

// next takes the data source that follows: the carrier's own, then those that
// the form named.
func (v visit) next() (next Carrier, found bool) {
	if next, found = v.server.carrier(v.carrier.Next); found {
		return next, true
	}
	a := v.session
	for !found && len(a.Selected) > 0 {
		next, found = v.server.carrier(a.Selected[0])
		a.Selected = a.Selected[1:]
	}
	return next, found
}

// behind tells whether the request is about a data source of the session that
// is through, or was left out.
func (v visit) behind() bool {
	a := v.session
	return v.sent.Account == a.Phone && v.sent.Website != a.Website && slices.Contains(a.Behind, v.sent.Website)
}
