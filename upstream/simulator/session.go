package simulator

import "time"

// session is one application with its progress.
type session struct {
	Token    string    `json:"token"`
	Phone    string    `json:"phone"`
	Website  string    `json:"website"` // of the present data source
	Mismatch bool      `json:"unlike"`  // name or ID card of the form is not the account's
	Stage    int       `json:"stage"`   // 0: the password is awaited; n: the nth of Carrier.Asks
	Sent     int       `json:"texts"`   // messages sent so far
	SentAt   time.Time `json:"at"`      // when the latest was sent
	Used     bool      `json:"spent"`   // the latest code was submitted
	Done     bool      `json:"done"`

	Resetting     bool     `json:"resetting,omitempty"` // the code of a reset is awaited
	Selected      []string `json:"selected,omitempty"`  // websites that the form selected and that are still to come
	Past          []string `json:"behind,omitempty"`    // websites that were completed or skipped
	Collected     bool     `json:"got,omitempty"`       // at least one was completed
	CollectedNone bool     `json:"nothing,omitempty"`   // done, and all were skipped

	DoneAt  time.Time `json:"through,omitzero"` // when it was done
	LastUse time.Time `json:"last_use"`
}

// activeSession returns the session of a token and extends its life; nil if there is
// none or it has expired. The caller holds the lock.
func (s *Server) activeSession(token string) *session {
	a, now := s.state.Sessions[token], s.cfg.Now()
	if a == nil || now.Sub(a.LastUse) > s.cfg.TokenLife {
		return nil
	}
	a.LastUse = now
	return a
}

// awaits returns what the session waits for at this carrier, in addition to the
// service password, which is always accepted. Empty: nothing.
func (a *session) awaits(c Carrier) Ask {
	if a.Stage < 1 || a.Stage > len(c.Asks) {
		return ""
	}
	return c.Asks[a.Stage-1]
}

// outcome is the result of submitting a code.
type outcome int

const (
	codeRejected outcome = iota
	codeAccepted
	codeExpired
)

// useCode checks a code. The right one is used up, even if it has expired. The
// caller holds the lock.
func (s *Server) useCode(a *session, code string) outcome {
	if a.Sent == 0 || a.Used {
		return codeRejected
	}
	a.Used = code == s.seed.code(a.Token, a.Sent)
	switch {
	case s.cfg.Now().Sub(a.SentAt) > s.cfg.CodeLife:
		return codeExpired
	case a.Used:
		return codeAccepted
	default:
		return codeRejected
	}
}
