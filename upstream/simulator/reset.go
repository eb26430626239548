package simulator

import (
	"net/http"
	"strings"
)

// The values of reset_pwd_method.
const (
	resetBySMS      = 1
	resetByChoice   = 2
	typeResendReset = "RESEND_RESET_PWD_CAPTCHA"
)

// reset answers the requests of a password reset: for a code, and the code with an
// optional new password.
func (s *Server) reset(r *http.Request) Answer { return s.withSession(r, request.reset) }

func (r request) reset() Answer {
	switch {
	case !r.isCurrentSource():
		return fatalError(wrongAccount)
	case r.session.Done || r.carrier.Offline || r.locked(),
		r.carrier.ResetMethod != resetBySMS && r.carrier.ResetMethod != resetByChoice:
		return resetFailed.answer()
	}
	// Clients begin with any of three types; what they have in common is that there
	// is no code yet.
	switch code := r.fields.Captcha; {
	case r.fields.Type == typeResendReset, code == "" && (r.fields.Type == "" || r.fields.Type == typeSubmitReset):
		return r.requestResetCode()
	case r.fields.Type == typeSubmitReset:
		return r.submitReset()
	default:
		return fatalError(unknownType)
	}
}

func (r request) locked() bool {
	return r.server.state.account(r.person.Phone).Wrong >= r.server.cfg.WrongPasswords
}

// requestResetCode begins a reset, or sends another code. It cancels the prompt
// that was open.
func (r request) requestResetCode() Answer {
	a := r.session
	if !a.Resetting || r.server.cfg.Now().Sub(a.SentAt) >= r.server.cfg.ResendAfter {
		r.server.sendCode(a)
	}
	a.Resetting, a.Stage = true, 0
	return resetCodeSent.answer()
}

// submitReset sets the new password, if its format and then the code are right.
func (r request) submitReset() Answer {
	a, newPassword, choice := r.session, r.fields.Password, r.carrier.ResetMethod == resetByChoice
	switch {
	case !a.Resetting:
		return fatalError(noCodeAwaited)
	case choice && strings.Trim(newPassword, "0123456789") != "":
		return newPasswordNotDigits.answer()
	case choice && (len(newPassword) < 6 || len(newPassword) > 8):
		return newPasswordLength.answer()
	}
	switch outcome := r.server.useCode(a, r.fields.Captcha); {
	case outcome == codeExpired, outcome == codeRejected && r.carrier.Reissues:
		r.server.sendCode(a)
		return resetCodeReissued.answer()
	case outcome == codeRejected:
		return resetCodeWrong.answer()
	}
	if !choice {
		newPassword = r.server.sendPassword(a)
	}
	r.server.setPassword(a, newPassword)
	return passwordReset.answer()
}

// setPassword replaces the password at the session's website, and sets the count of
// wrong passwords to 0. The caller holds the lock.
func (s *Server) setPassword(a *session, password string) {
	account := s.state.account(a.Phone)
	if account.Hashes == nil {
		account.Hashes = make(map[string]string)
	}
	account.Hashes[a.Website] = s.seed.passwordHash(a.Phone, a.Website, password)
	account.Wrong = 0
	a.Resetting = false
}

// sendPassword sends a new service password to the phone and returns it. The caller
// holds the lock.
func (s *Server) sendPassword(a *session) string {
	a.Sent++
	a.SentAt, a.Used = s.cfg.Now(), true
	s.state.Inboxes[a.Phone] = append(s.state.Inboxes[a.Phone], savedMessage{Token: a.Token, Number: a.Sent, At: a.SentAt, Password: true})
	return s.seed.password(a.Token, a.Sent)
}

// hasPassword implements HasPassword. The caller holds the lock.
func (s *Server) hasPassword(p Person, website, password string) bool {
	if a := s.state.Accounts[p.Phone]; a != nil && a.Hashes[website] != "" {
		return a.Hashes[website] == s.seed.passwordHash(p.Phone, website, password)
	}
	return password == p.passwordAt(website)
}

// HasPassword reports whether a service password is a person's present one at a
// website: the one of People, or the one of the latest reset. It does not count as
// an attempt.
func (s *Server) HasPassword(phone, website, password string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, known := s.person(phone)
	return known && s.hasPassword(p, website, password)
}
