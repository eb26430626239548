package simulator

import "net/http"

// collectFields are the fields of a collect request.
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
func (s *Server) collect(r *http.Request) Answer {
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
	if sent.Website != a.Website || sent.Account != a.Phone {
		return fatal("账号与申请信息不一致")
	}
	person, _ := s.person(a.Phone)
	carrier, _ := s.carrier(a.Website)
	return visit{s, a, person, carrier, sent}.answer()
}

// visit is one collect request in front of its carrier. The server's lock is held.
type visit struct {
	server  *Server
	session *session
	person  Person
	carrier Carrier
	sent    collectFields
}

func (v visit) answer() Answer {
	if v.session.Done {
		return AlreadyCollected()
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
		return fatal("请求类型错误")
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
	case v.sent.Password != v.person.passwordAt(v.carrier.Website):
		account.Wrong++
		return passwordWrong.answer()
	case v.carrier.Weak:
		return passwordWeak.answer()
	}
	v.session.Stage = 0
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
	if next, found := v.server.carrier(v.carrier.Next); found {
		v.session.Website, v.session.Stage = next.Website, 0
		return collecting.answer().WithNext(next)
	}
	v.session.Done, v.session.Through = true, v.server.cfg.Now()
	return collecting.answer().With("finish", true)
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
