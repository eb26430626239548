package simulator

import "time"

// session is one application: a token, and how far its person has come.
type session struct {
	Token   string    `json:"token"`
	Phone   string    `json:"phone"`
	Website string    `json:"website"` // of the present data source
	Unlike  bool      `json:"unlike"`  // the form is not the account's
	Stage   int       `json:"stage"`   // 0: the password is awaited; n: the nth ask
	Texts   int       `json:"texts"`   // codes texted so far
	At      time.Time `json:"at"`      // when the latest was
	Spent   bool      `json:"spent"`   // the latest was submitted
	Done    bool      `json:"done"`

	Resetting bool     `json:"resetting,omitempty"` // the code of a reset is awaited
	Selected  []string `json:"selected,omitempty"`  // websites that the form named, still to come
	Behind    []string `json:"behind,omitempty"`    // websites that are through or were left out
	Got       bool     `json:"got,omitempty"`       // one of them at least is through
	Nothing   bool     `json:"nothing,omitempty"`   // it is done, and none of them is

	Through time.Time `json:"through,omitzero"` // when it was done
	LastUse time.Time `json:"last_use"`
}

// use is the session of a token, nil when there is none or it has grown old.
// The caller holds the lock.
func (s *Server) use(token string) *session {
	a, now := s.world.Sessions[token], s.cfg.Now()
	if a == nil || now.Sub(a.LastUse) > s.cfg.TokenLife {
		return nil
	}
	a.LastUse = now
	return a
}

// awaits is what a session asks of the person at this carrier beside the
// service password, which may be given at any time. Empty: nothing.
func (a *session) awaits(c Carrier) Ask {
	if a.Stage < 1 || a.Stage > len(c.Asks) {
		return ""
	}
	return c.Asks[a.Stage-1]
}

// outcome is what became of a code that was submitted.
type outcome int

const (
	wrong outcome = iota
	right
	old
)

// redeem tries a code. The right one is used up by it, even when it is old.
// The caller holds the lock.
func (s *Server) redeem(a *session, code string) outcome {
	if a.Texts == 0 || a.Spent {
		return wrong
	}
	a.Spent = code == s.seed.code(a.Token, a.Texts)
	switch {
	case s.cfg.Now().Sub(a.At) > s.cfg.CodeLife:
		return old
	case a.Spent:
		return right
	default:
		return wrong
	}
}
