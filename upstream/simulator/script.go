package simulator

// scripts are the answers set for each phone number, next one first.
type scripts map[string][]Answer

// take removes and returns the next answer for a number.
func (s scripts) take(phone string) (a Answer, found bool) {
	if len(s[phone]) == 0 {
		return Answer{}, false
	}
	a, s[phone] = s[phone][0], s[phone][1:]
	return a, true
}

// Script adds answers to the next requests collect, reset or skip of a person. A
// scripted request needs a valid token and has no effect: no attempt is counted, no
// code is sent or used up.
func (s *Server) Script(phone string, answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collects[phone] = append(s.collects[phone], answers...)
}

// ScriptApplication adds answers to the next applications for a number, which need
// not be a person's. No session is opened, so a token in such an answer is unknown
// unless it is that of another application.
func (s *Server) ScriptApplication(phone string, answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receipts[phone] = append(s.receipts[phone], answers...)
}
