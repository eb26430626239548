package simulator

import "slices"

// faults are the planned faults. Those in next and when are removed when they are
// used; those in at need not be, as a number occurs once.
type faults struct {
	at   map[int]Fault // by number
	next []Fault
	when []*condition
}

type condition struct {
	holds func(Arrival) bool
	fault Fault
}

// take returns the fault for a number, or else the next of those without one.
func (p *faults) take(number int) (f Fault) {
	if planned, found := p.at[number]; found {
		return planned
	}
	if len(p.next) > 0 {
		f, p.next = p.next[0], p.next[1:]
	}
	return f
}

// remove removes a condition, and reports whether it was still planned.
func (p *faults) remove(c *condition) bool {
	i := slices.Index(p.when, c)
	if i < 0 {
		return false
	}
	p.when = slices.Delete(slices.Clone(p.when), i, i+1)
	return true
}

// FaultAt breaks the nth of all requests, counted from 1. A second call for the
// same number replaces the fault; a call for a past number has no effect.
func (s *Server) FaultAt(n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.at == nil {
		s.faults.at = make(map[int]Fault)
	}
	s.faults.at[n] = f
}

// FaultNext breaks the next request without a fault by FaultAt. Several calls break
// as many requests, in order.
func (s *Server) FaultNext(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.next = append(s.faults.next, f)
}

// FaultWhen breaks the first request for which the condition holds, of those
// without another fault. The condition is called once for each request, after the
// body was read, on several goroutines, and may call the Server. With
// DropBeforeReading the body is read, but the request has no effect.
func (s *Server) FaultWhen(holds func(Arrival) bool, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.when = append(slices.Clip(s.faults.when), &condition{holds, f})
}

// conditionalFault returns the fault whose condition holds for a request.
func (s *Server) conditionalFault(a Arrival) Fault {
	s.mu.Lock()
	conditions := s.faults.when // replaced, never changed
	s.mu.Unlock()
	for _, c := range conditions {
		if c.holds(a) && s.takeCondition(c) {
			return c.fault
		}
	}
	return Fault{}
}

// takeCondition removes a condition, and reports whether no other request did so
// before.
func (s *Server) takeCondition(c *condition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.remove(c)
}
