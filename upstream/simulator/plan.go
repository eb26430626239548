package simulator

import "slices"

// faults are those that are planned. A number comes once, so those tied to
// one stay; the others go when they happen.
type faults struct {
	at   map[int]Fault // by number
	next []Fault
	when []*condition
}

type condition struct {
	holds func(Arrival) bool
	fault Fault
}

// take takes what is planned for a number: by it, or for whatever comes next.
func (p *faults) take(number int) (f Fault) {
	if planned, found := p.at[number]; found {
		return planned
	}
	if len(p.next) > 0 {
		f, p.next = p.next[0], p.next[1:]
	}
	return f
}

// drop takes a condition out and tells whether it was still there.
func (p *faults) drop(c *condition) bool {
	i := slices.Index(p.when, c)
	if i < 0 {
		return false
	}
	p.when = slices.Delete(slices.Clone(p.when), i, i+1)
	return true
}

// FaultAt breaks the nth request, counted from 1 over all that the server
// gets. Of two for one number the latter holds; one for a number that is past
// never happens.
func (s *Server) FaultAt(n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.at == nil {
		s.faults.at = make(map[int]Fault)
	}
	s.faults.at[n] = f
}

// FaultNext breaks the next request that FaultAt names no fault for. Called
// again before that, it breaks the one after.
func (s *Server) FaultNext(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.next = append(s.faults.next, f)
}

// FaultWhen breaks the first request that the condition holds for, of those
// that no other fault breaks. The condition is asked once for each, after the
// body was read, by several goroutines, and may call the Server. So
// DropBeforeReading here drops after reading, yet nothing is acted on.
func (s *Server) FaultWhen(holds func(Arrival) bool, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.when = append(slices.Clip(s.faults.when), &condition{holds, f})
}

// faultWhen takes the fault whose condition holds for a request.
func (s *Server) faultWhen(a Arrival) Fault {
	s.mu.Lock()
	conditions := s.faults.when // never changed in place
	s.mu.Unlock()
	for _, c := range conditions {
		if c.holds(a) && s.claim(c) {
			return c.fault
		}
	}
	return Fault{}
}

// claim tells whether a condition is this request's alone.
func (s *Server) claim(c *condition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.drop(c)
}
