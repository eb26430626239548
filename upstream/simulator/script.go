package simulator

// scripts are the answers set for each phone number, next one first.
type scripts map[string][]Answer

// take takes the next answer for a number.
func (s scripts) take(phone string) (a Answer, found bool) {
	if len(s[phone]) == 0 {
		return Answer{}, false
	}
	a, s[phone] = s[phone][0], s[phone][1:]
	return a, true
}

// Script sets the answers to the next requests of a person to collect, reset or
// skip, after those set before. Of such a request only the token is looked at, and nothing
// else happens: no attempt is counted, no code is texted or used up.
func (s *Server) Script(phone string, answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collects[phone] = append(s.collects[phone], answers...)
}

// ScriptApplication sets the answers to the next applications for a number, of
// a person or of nobody. No session is opened: a token in such an answer is
// known only if it was given out otherwise.
func (s *Server) ScriptApplication(phone string, answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receipts[phone] = append(s.receipts[phone], answers...)
}
