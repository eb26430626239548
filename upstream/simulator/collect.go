package simulator

import "net/http"

// requestFields are the fields of the requests collect, reset and skip.
type requestFields struct {
	Token, Website, Account, Password, Captcha, Type, QueryPwd string
}

// requestFieldsOf reads the fields, each a text, absent or empty. ok is false if one
// is not a text.
func requestFieldsOf(sent fields) (f requestFields, ok bool) {
	ok = sent.texts(map[string]*string{
		"token": &f.Token, "website": &f.Website, "account": &f.Account, "password": &f.Password,
		"captcha": &f.Captcha, "type": &f.Type, "queryPwd": &f.QueryPwd,
	})
	return f, ok
}

// collect answers a password, a code, a query password or a request for a new code.
func (s *Server) collect(r *http.Request) Answer { return s.withSession(r, request.collect) }

// withSession answers a request for an active session.
func (s *Server) withSession(r *http.Request, answer func(request) Answer) Answer {
	body, ok := decode(r)
	if !ok {
		return Refusal(malformed)
	}
	sent, ok := requestFieldsOf(body)
	if !ok {
		return Refusal(malformed)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.activeSession(sent.Token)
	if a == nil {
		return Refusal("token无效或已过期")
	}
	if scripted, found := s.collects.take(a.Phone); found {
		return scripted
	}
	person, _ := s.person(a.Phone)
	carrier, _ := s.carrier(a.Website)
	return answer(request{s, a, person, carrier, sent})
}

// request is one request with its session and carrier. The server's lock is held.
type request struct {
	server  *Server
	session *session
	person  Person
	carrier Carrier
	fields  requestFields
}

// isCurrentSource reports whether the request names the session's present source.
func (r request) isCurrentSource() bool {
	return r.isAccount() && r.fields.Website == r.session.Website
}

// isAccount reports whether the account is the session's. The steps that follow the
// password need not name it.
func (r request) isAccount() bool {
	switch r.fields.Type {
	case typeSubmitCaptcha, typeResendCaptcha, typeSubmitQuery:
		return r.fields.Account == r.session.Phone || r.fields.Account == ""
	default:
		return r.fields.Account == r.session.Phone
	}
}

func (r request) collect() Answer {
	switch {
	case r.session.Done && (r.isCurrentSource() || r.isPastSource()):
		return AlreadyCollected()
	case r.isPastSource():
		return AlreadyCollected().WithNext(r.carrier)
	case !r.isCurrentSource():
		return fatalError(wrongAccount)
	}
	switch r.fields.Type {
	case "":
		return r.login()
	case typeSubmitCaptcha:
		return r.captcha()
	case typeResendCaptcha:
		return r.resend()
	case typeSubmitQuery:
		return r.query()
	default:
		return fatalError(unknownType)
	}
}

// login checks the service password; the right one restarts the source.
func (r request) login() Answer {
	account := r.server.state.account(r.person.Phone)
	switch {
	case r.carrier.Offline:
		return fatalError("运营商网站维护中,请稍后再试")
	case account.Wrong >= r.server.cfg.WrongPasswords:
		return fatalError("密码错误次数过多,号码已被锁定,请明日再试")
	}
	account.Tried++
	switch {
	case !r.server.hasPassword(r.person, r.carrier.Website, r.fields.Password):
		account.Wrong++
		return passwordWrong.answer()
	case r.carrier.Weak && account.Hashes[r.carrier.Website] == "":
		return passwordWeak.answer()
	}
	r.session.Stage, r.session.Resetting = 0, false
	return r.advance()
}

// advance goes to the next stage: it asks for that, or completes the source.
func (r request) advance() Answer {
	r.session.Stage++
	switch r.session.awaits(r.carrier) {
	case AskCode:
		r.server.sendCode(r.session)
		return codeSent.answer()
	case AskSecondCode:
		r.server.sendCode(r.session)
		return secondCodeSent.answer()
	case AskOwnSMS:
		return cxxdRequested.answer()
	case AskQuery:
		return queryNeeded.answer()
	default:
		return r.completeSource()
	}
}

// completeSource ends the source after its last stage.
func (r request) completeSource() Answer {
	if r.carrier.Unreal || r.session.Mismatch {
		return notVerified.answer()
	}
	r.session.Collected = true
	return r.endSource()
}

func (r request) captcha() Answer {
	ask := r.session.awaits(r.carrier)
	if !ask.isCode() {
		return fatalError(noCodeAwaited)
	}
	outcome := r.server.useCode(r.session, r.fields.Captcha)
	switch {
	case outcome == codeAccepted:
		return r.advance()
	case outcome == codeExpired && ask == AskOwnSMS:
		return cxxdRequestedAgain.answer()
	case outcome == codeExpired, r.carrier.Reissues && ask != AskOwnSMS:
		r.server.sendCode(r.session)
		return codeReissued.answer()
	default:
		return codeWrong.answer()
	}
}

func (r request) resend() Answer {
	switch r.session.awaits(r.carrier) {
	case AskOwnSMS:
		return cxxdRequested.answer()
	case AskCode, AskSecondCode:
		if r.server.cfg.Now().Sub(r.session.SentAt) >= r.server.cfg.ResendAfter {
			r.server.sendCode(r.session)
		}
		return codeSent.answer()
	default:
		return fatalError(noCodeAwaited)
	}
}

func (r request) query() Answer {
	switch {
	case r.session.awaits(r.carrier) != AskQuery:
		return fatalError("当前不需要查询密码")
	case r.fields.QueryPwd != r.person.QueryPassword:
		return queryWrong.answer()
	default:
		return r.advance()
	}
}
