package simulator

import "time"

// Message is an SMS that a phone received.
type Message struct {
	// At is when, Code what it says to type.
	At   time.Time
	Code string
	// Password tells that Code is a new service password, from a reset.
	Password bool
}

// Inbox is what a phone received, oldest first. The list is the caller's.
func (s *Server) Inbox(phone string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	texts := s.world.Inboxes[phone]
	list := make([]Message, len(texts))
	for i, t := range texts {
		list[i] = Message{At: t.At, Code: s.seed.code(t.Token, t.Number), Password: t.Password}
		if t.Password {
			list[i].Code = s.seed.password(t.Token, t.Number)
		}
	}
	return list
}

// TextCXXD is the person texting CXXD to 10001 from the phone: a carrier that
// waits for it answers with a code. Where none waits, nothing happens.
func (s *Server) TextCXXD(phone string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.world.Sessions {
		carrier, _ := s.carrier(a.Website)
		if a.Phone == phone && a.awaits(carrier) == AskOwnSMS {
			s.text(a)
		}
	}
}

// text sends the next code. The caller holds the lock.
func (s *Server) text(a *session) {
	a.Texts++
	a.At, a.Spent = s.cfg.Now(), false
	s.world.Inboxes[a.Phone] = append(s.world.Inboxes[a.Phone], text{Token: a.Token, Number: a.Texts, At: a.At})
}
