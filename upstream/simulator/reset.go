package simulator

import (
	"net/http"
	"strings"
)

// The methods of a reset, as reset_pwd_method has them.
const (
	resetBySMS     = 1
	resetByChoice  = 2
	resendForReset = "RESEND_RESET_PWD_CAPTCHA"
)

// reset takes the steps of a password reset: a request for a code, and the
// code, perhaps with a new password.
func (s *Server) reset(r *http.Request) Answer { return s.visit(r, visit.reset) }

func (v visit) reset() Answer {
	switch {
	case !v.theirs():
		return fatal(notTheirData)
	case v.session.Done || v.carrier.Offline || v.locked(),
		v.carrier.ResetMethod != resetBySMS && v.carrier.ResetMethod != resetByChoice:
		return resetFailed.answer()
	}
	switch v.sent.Type {
	case resendForReset:
		return v.textForReset()
	case submitReset:
		return v.renew()
	default:
		return fatal(unknownType)
	}
}

func (v visit) locked() bool {
	return v.server.world.account(v.person.Phone).Wrong >= v.server.cfg.WrongPasswords
}

// textForReset begins a reset, or texts another code. What was awaited of the
// person before is given up.
func (v visit) textForReset() Answer {
	a := v.session
	if !a.Resetting || v.server.cfg.Now().Sub(a.At) >= v.server.cfg.ResendAfter {
		v.server.text(a)
	}
	a.Resetting, a.Stage = true, 0
	return resetCodeSent.answer()
}

// renew sets the new password, once its form and then the code are right.
func (v visit) renew() Answer {
	a, chosen, choice := v.session, v.sent.Password, v.carrier.ResetMethod == resetByChoice
	switch {
	case !a.Resetting:
		return fatal(noCodeAwaited)
	case choice && strings.Trim(chosen, "0123456789") != "":
		return newPasswordNoPIN.answer()
	case choice && (len(chosen) < 6 || len(chosen) > 8):
		return newPasswordLength.answer()
	}
	switch outcome := v.server.redeem(a, v.sent.Captcha); {
	case outcome == old, outcome == wrong && v.carrier.Reissues:
		v.server.text(a)
		return resetCodeReissued.answer()
	case outcome == wrong:
		return resetCodeWrong.answer()
	}
	if !choice {
		chosen = v.server.textPassword(a)
	}
	v.server.renew(a, chosen)
	return passwordReset.answer()
}

// renew puts a new password in the place of the old one, and lets the tries
// begin anew. The caller holds the lock.
func (s *Server) renew(a *session, password string) {
	account := s.world.account(a.Phone)
	if account.Renewed == nil {
		account.Renewed = make(map[string]string)
	}
	account.Renewed[a.Website] = s.seed.imprint(a.Phone, a.Website, password)
	account.Wrong = 0
	a.Resetting = false
}

// textPassword texts a new service password and returns it. The caller holds
// the lock.
func (s *Server) textPassword(a *session) string {
	a.Texts++
	a.At, a.Spent = s.cfg.Now(), true
	s.world.Inboxes[a.Phone] = append(s.world.Inboxes[a.Phone], text{Token: a.Token, Number: a.Texts, At: a.At, Password: true})
	return s.seed.password(a.Token, a.Texts)
}

// fits tells whether a password is the person's present one at a website. The
// caller holds the lock.
func (s *Server) fits(p Person, website, password string) bool {
	if a := s.world.Accounts[p.Phone]; a != nil && a.Renewed[website] != "" {
		return a.Renewed[website] == s.seed.imprint(p.Phone, website, password)
	}
	return password == p.passwordAt(website)
}

// Fits tells whether a service password is a person's present one at a website:
// the one of People, or the one of the latest reset. It is no attempt.
func (s *Server) Fits(phone, website, password string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, known := s.person(phone)
	return known && s.fits(p, website, password)
}
