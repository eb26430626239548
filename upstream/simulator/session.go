package simulator

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// session is one application: a token, and how far its person has come.
type session struct {
	Token   string    `json:"token"`
	Phone   string    `json:"phone"`
	Website string    `json:"website"`
	Unlike  bool      `json:"unlike"` // the form is not the account's
	Stage   int       `json:"stage"`  // 0: the password is awaited; n: the nth ask
	Texts   int       `json:"texts"`  // codes texted so far
	At      time.Time `json:"at"`     // when the latest was
	Spent   bool      `json:"spent"`  // the latest was submitted
	Done    bool      `json:"done"`
	LastUse time.Time `json:"last_use"`
}

type incomingKey struct{}

func withIncoming(ctx context.Context, in incoming) context.Context {
	return context.WithValue(ctx, incomingKey{}, in)
}

func incomingOf(r *http.Request) incoming {
	in, _ := r.Context().Value(incomingKey{}).(incoming)
	return in
}

func (s *Server) datasources(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("org") != s.cfg.Org {
		refuse(w, "机构不存在")
		return
	}
	list := make([]object, len(s.cfg.Carriers))
	for i, c := range s.cfg.Carriers {
		list[i] = source(c)
	}
	send(w, object{"success": true, "data": list})
}

// applications takes a form. A number that nobody has, or that has no
// operator, is refused; a name that is not the account's is found out later (10009).
func (s *Server) applications(w http.ResponseWriter, r *http.Request) {
	in := incomingOf(r)
	var form applicationFields
	switch {
	case r.PathValue("org") != s.cfg.Org:
		refuse(w, "机构不存在")
		return
	case !in.json || json.Unmarshal(in.body, &form) != nil:
		refuse(w, "请求格式错误")
		return
	}
	info := form.BasicInfo
	s.mu.Lock()
	defer s.mu.Unlock()
	person, known := s.person(info.Phone)
	carrier, served := s.carrier(person.Website)
	if !known || !served || info.Name == "" || info.ID == "" {
		refuse(w, "申请信息有误")
		return
	}
	s.world.Applications++
	a := &session{
		Token: s.token(s.world.Applications), Phone: person.Phone, Website: person.Website,
		Unlike: info.Name != person.Name || info.ID != person.IDCard, LastUse: s.cfg.Now(),
	}
	s.world.Sessions[a.Token] = a
	receipt := object{"success": true, "data": object{
		"token": a.Token, "cell_phone_num": a.Phone, "datasource": source(carrier),
	}}
	if r.PathValue("version") == "v3" {
		receipt["code"], receipt["message"] = 65557, "申请成功"
	}
	send(w, receipt)
}

// notYet stands where skip and reset will.
func (s *Server) notYet(w http.ResponseWriter, _ *http.Request) {
	refuse(w, "模拟器尚不支持此接口")
}

// collect takes a password, a code, a query password or a request for another code.
func (s *Server) collect(w http.ResponseWriter, r *http.Request) {
	in := incomingOf(r)
	if !in.json {
		refuse(w, "请求格式错误")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	a := s.world.Sessions[in.fields.Token]
	if a == nil || now.Sub(a.LastUse) > s.cfg.TokenLife {
		refuse(w, "token无效或已过期")
		return
	}
	a.LastUse = now
	if answer, scripted := s.scripted(a.Phone); scripted {
		answer.send(w)
		return
	}
	if in.fields.Website != a.Website || in.fields.Account != a.Phone {
		says(w, "30000", "ERROR", "账号与申请信息不一致")
		return
	}
	s.step(w, a, in.fields)
}

func (s *Server) step(w http.ResponseWriter, a *session, f collectFields) {
	if a.Done {
		says(w, "", "ERROR", "当前网站已经采集完成,请不要重复采集")
		return
	}
	switch f.Type {
	case "":
		s.login(w, a, f.Password)
	case "SUBMIT_CAPTCHA":
		s.captcha(w, a, f.Captcha)
	case "RESEND_CAPTCHA":
		s.resend(w, a)
	case "SUBMIT_QUERY_PWD":
		s.query(w, a, f.QueryPwd)
	default:
		says(w, "30000", "ERROR", "请求类型错误")
	}
}

// login takes the service password; it always begins the source anew.
func (s *Server) login(w http.ResponseWriter, a *session, password string) {
	person, _ := s.person(a.Phone)
	carrier, _ := s.carrier(a.Website)
	switch {
	case s.world.Wrong[a.Phone] >= s.cfg.WrongPasswords:
		says(w, "30000", "ERROR", "密码错误次数过多，号码已被锁定，请明日再试")
	case password != person.passwordAt(a.Website):
		s.world.Wrong[a.Phone]++
		says(w, "10003", "CONTROL", "密码错误")
	case carrier.Weak:
		says(w, "10007", "CONTROL", "简单密码或初始密码无法登录")
	default:
		a.Stage = 1
		s.ask(w, a, carrier)
	}
}

// ask asks for what the present stage wants, or ends the source.
func (s *Server) ask(w http.ResponseWriter, a *session, c Carrier) {
	if a.Stage > len(c.Asks) {
		s.through(w, a, c)
		return
	}
	switch c.Asks[a.Stage-1] {
	case AskOwnSMS:
		asks(w, "10017", "SUBMIT_CAPTCHA", "请用本机发送CXXD至10001获取查询详单的验证码")
	case AskQuery:
		asks(w, "10022", "SUBMIT_QUERY_PWD", "输入查询密码")
	case AskSecondCode:
		s.text(a)
		asks(w, "10001", "SUBMIT_CAPTCHA", "再次输入短信验证码")
	default:
		s.text(a)
		asks(w, "10002", "SUBMIT_CAPTCHA", "输入动态密码")
	}
}

// through ends a source: the next one begins, or the collection has started.
func (s *Server) through(w http.ResponseWriter, a *session, c Carrier) {
	if c.Unreal || a.Unlike {
		says(w, "10009", "CONTROL", "验证信息错误，号码未实名或与申请人不符")
		return
	}
	data := object{"type": "CONTROL", "content": "开始采集行为数据", "process_code": 10008, "finish": true}
	if next, found := s.carrier(c.Next); found {
		a.Website, a.Stage = next.Website, 0
		data["finish"], data["next_datasource"] = false, source(next)
	} else {
		a.Done = true
	}
	send(w, object{"success": true, "data": data})
}

func (s *Server) captcha(w http.ResponseWriter, a *session, code string) {
	carrier, _ := s.carrier(a.Website)
	if a.Stage == 0 || a.Stage > len(carrier.Asks) || carrier.Asks[a.Stage-1] == AskQuery {
		says(w, "30000", "ERROR", "当前不需要短信验证码")
		return
	}
	right := code != "" && a.Texts > 0 && code == s.code(a.Token, a.Texts) && !a.Spent
	old := s.cfg.Now().Sub(a.At) > s.cfg.CodeLife
	a.Spent = a.Spent || right
	own := carrier.Asks[a.Stage-1] == AskOwnSMS
	switch {
	case right && !old:
		a.Stage++
		s.ask(w, a, carrier)
	case own && old:
		asks(w, "10018", "SUBMIT_CAPTCHA", "短信码失效请用本机发送CXXD至10001获取查询详单的验证码")
	case carrier.Reissues || old:
		s.text(a)
		asks(w, "10006", "SUBMIT_CAPTCHA", "短信验证码失效系统已自动重新下发")
	default:
		asks(w, "10004", "SUBMIT_CAPTCHA", "短信验证码错误")
	}
}

func (s *Server) resend(w http.ResponseWriter, a *session) {
	carrier, _ := s.carrier(a.Website)
	if a.Stage == 0 || a.Stage > len(carrier.Asks) || carrier.Asks[a.Stage-1] == AskQuery || carrier.Asks[a.Stage-1] == AskOwnSMS {
		says(w, "30000", "ERROR", "当前不需要短信验证码")
		return
	}
	if s.cfg.Now().Sub(a.At) >= s.cfg.ResendAfter || a.Spent {
		s.text(a)
	}
	asks(w, "10002", "SUBMIT_CAPTCHA", "输入动态密码")
}

func (s *Server) query(w http.ResponseWriter, a *session, password string) {
	person, _ := s.person(a.Phone)
	carrier, _ := s.carrier(a.Website)
	switch {
	case a.Stage == 0 || a.Stage > len(carrier.Asks) || carrier.Asks[a.Stage-1] != AskQuery:
		says(w, "30000", "ERROR", "当前不需要查询密码")
	case password != person.QueryPassword:
		asks(w, "10023", "SUBMIT_QUERY_PWD", "查询密码错误")
	default:
		a.Stage++
		s.ask(w, a, carrier)
	}
}

// says answers with a code and no next step; an empty code is left out.
func says(w http.ResponseWriter, code, kind, content string) {
	send(w, object{"success": true, "data": reply(code, kind, content)})
}

// asks answers with a code and what to send next.
func asks(w http.ResponseWriter, code, template, content string) {
	data := reply(code, "CONTROL", content)
	data["req_msg_tpl"] = object{"type": template, "method": "AUTO"}
	send(w, object{"success": true, "data": data})
}

func reply(code, kind, content string) object {
	data := object{"type": kind, "content": content, "finish": false}
	if code = strings.TrimSpace(code); code != "" {
		data["process_code"] = json.Number(code)
	}
	return data
}
