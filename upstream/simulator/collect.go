package simulator

import "net/http"

// collectFields are the fields of a collect request, and of those beside it.
type collectFields struct {
	Token    string `json:"token"`
	Website  string `json:"website"`
	Account  string `json:"account"`
	Password string `json:"password"`
	Captcha  string `json:"captcha"`
	Type     string `json:"type"`
	QueryPwd string `json:"queryPwd"`
}

// collect takes a password, a code, a query password or a request for another code.
func (s *Server) collect(r *http.Request) Answer { return s.visit(r, visit.collect) }

// visit takes one request about a session that is under way.
func (s *Server) visit(r *http.Request, answer func(visit) Answer) Answer {
	var sent collectFields
	if !decode(r, &sent) {
		return Refusal(malformed)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.use(sent.Token)
	if a == nil {
		return Refusal("token无效或已过期")
	}
	if scripted, found := s.collects.take(a.Phone); found {
		return scripted
	}
	person, _ := s.person(a.Phone)
	carrier, _ := s.carrier(a.Website)
	return answer(visit{s, a, person, carrier, sent})
}

// visit is one request in front of its carrier. The server's lock is held.
type visit struct {
	server  *Server
	session *session
	person  Person
	carrier Carrier
	sent    collectFields
}

// theirs tells whether the request is about the session's present data source.
func (v visit) theirs() bool {
	return v.sent.Website == v.session.Website && v.sent.Account == v.session.Phone
}

func (v visit) collect() Answer {
	switch {
	case v.session.Done && (v.theirs() || v.behind()):
		return AlreadyCollected()
	case v.behind():
		return AlreadyCollected().WithNext(v.carrier)
	case !v.theirs():
		return fatal(notTheirData)
	}
	switch v.sent.Type {
	case "":
		return v.login()
	case submitCaptcha:
		return v.captcha()
	case "RESEND_CAPTCHA":
		return v.resend()
	case submitQuery:
		return v.query()
	default:
		return fatal(unknownType)
	}
}

// login takes the service password; the right one begins the source anew.
func (v visit) login() Answer {
	account := v.server.world.account(v.person.Phone)
	switch {
	case v.carrier.Offline:
		return fatal("运营商网站维护中,请稍后再试")
	case account.Wrong >= v.server.cfg.WrongPasswords:
		return fatal("密码错误次数过多,号码已被锁定,请明日再试")
	}
	account.Tried++
	switch {
	case !v.server.fits(v.person, v.carrier.Website, v.sent.Password):
		account.Wrong++
		return passwordWrong.answer()
	case v.carrier.Weak && account.Renewed[v.carrier.Website] == "":
		return passwordWeak.answer()
	}
	v.session.Stage, v.session.Resetting = 0, false
	return v.advance()
}

// advance goes to the next stage: it asks for what is wanted there, or ends the source.
func (v visit) advance() Answer {
	v.session.Stage++
	switch v.session.awaits(v.carrier) {
	case AskCode:
		v.server.text(v.session)
		return codeSent.answer()
	case AskSecondCode:
		v.server.text(v.session)
		return secondCodeSent.answer()
	case AskOwnSMS:
		return textCXXD.answer()
	case AskQuery:
		return queryNeeded.answer()
	default:
		return v.through()
	}
}

// through ends a source: the next one begins, or the collection has started.
func (v visit) through() Answer {
	if v.carrier.Unreal || v.session.Unlike {
		return notTheirs.answer()
	}
	v.session.Got = true
	return v.leave()
}

func (v visit) captcha() Answer {
	ask := v.session.awaits(v.carrier)
	if !ask.isCode() {
		return fatal(noCodeAwaited)
	}
	outcome := v.server.redeem(v.session, v.sent.Captcha)
	switch {
	case outcome == right:
		return v.advance()
	case outcome == old && ask == AskOwnSMS:
		return textCXXDAgain.answer()
	case outcome == old, v.carrier.Reissues && ask != AskOwnSMS:
		v.server.text(v.session)
		return codeReissued.answer()
	default:
		return codeWrong.answer()
	}
}

func (v visit) resend() Answer {
	switch v.session.awaits(v.carrier) {
	case AskOwnSMS:
		return textCXXD.answer()
	case AskCode, AskSecondCode:
		if v.server.cfg.Now().Sub(v.session.At) >= v.server.cfg.ResendAfter {
			v.server.text(v.session)
		}
		return codeSent.answer()
	default:
		return fatal(noCodeAwaited)
	}
}

func (v visit) query() Answer {
	switch {
	case v.session.awaits(v.carrier) != AskQuery:
		return fatal("当前不需要查询密码")
	case v.sent.QueryPwd != v.person.QueryPassword:
		return queryWrong.answer()
	default:
		return v.advance()
	}
}
