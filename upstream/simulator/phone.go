package simulator

import "time"

// Message is an SMS that a phone received.
type Message struct {
	// At is when it was received, Code what it contains.
	At   time.Time
	Code string
	// Password reports whether Code is a new service password, from a reset.
	Password bool
}

// Inbox returns what a phone received, oldest first. The list is a copy.
func (s *Server) Inbox(phone string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	texts := s.state.Inboxes[phone]
	list := make([]Message, len(texts))
	for i, t := range texts {
		list[i] = Message{At: t.At, Code: s.seed.code(t.Token, t.Number), Password: t.Password}
		if t.Password {
			list[i].Code = s.seed.password(t.Token, t.Number)
		}
	}
	return list
}

// TextCXXD simulates that the person texts CXXD to 10001 from the phone: a carrier
// that waits for it sends a code. Otherwise it has no effect.
func (s *Server) TextCXXD(phone string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.state.Sessions {
		carrier, _ := s.carrier(a.Website)
		if a.Phone == phone && a.awaits(carrier) == AskOwnSMS {
			s.sendCode(a)
		}
	}
}

// sendCode sends the next code. The caller holds the lock.
func (s *Server) sendCode(a *session) {
	a.Sent++
	a.SentAt, a.Used = s.cfg.Now(), false
	s.state.Inboxes[a.Phone] = append(s.state.Inboxes[a.Phone], savedMessage{Token: a.Token, Number: a.Sent, At: a.SentAt})
}
