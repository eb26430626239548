package simulator

import (
	"net/http"
	"time"
)

// The codes of the data calls.
const (
	badClientSecret   = 20001
	orgFrozen         = 20003
	badAccessToken    = 20007
	statusQueryFailed = 20032
	reportEmpty       = 20033
	statusQueryOK     = 30015
	rawDataOK         = 31200
	rawDataNone       = 31204
)

// accessToken is one that was given out, as Save keeps it: without its value,
// which follows from the seed and its place in the list.
type accessToken struct {
	At      time.Time `json:"at"`
	Forever bool      `json:"forever"`
	Revoked bool      `json:"revoked"`
}

// reportToken gives out an access token: for "hours" 24 one that expires, for
// "per" one that does not. Tokens given out before stay good.
func (s *Server) reportToken(r *http.Request) Answer {
	query := r.URL.Query()
	if query.Get("org_name") != s.cfg.Org {
		return dataRefusal(badClientSecret, "client_secret不正确")
	}
	if refused := s.refuseClient(r); refused != nil {
		return *refused
	}
	hours := query.Get("hours")
	if hours != "24" && hours != "per" {
		return dataRefusal(badAccessToken, "hours参数错误")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.AccessTokens = append(s.world.AccessTokens, accessToken{At: s.cfg.Now(), Forever: hours == "per"})
	value := s.seed.accessToken(len(s.world.AccessTokens))
	return dataAnswer(object{"note": "获取成功", "access_token": value, "expires_in": hours})
}

// RevokeAccessTokens makes all access tokens that were given out invalid
// (20007), as upstream may do at any time.
func (s *Server) RevokeAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.world.AccessTokens {
		s.world.AccessTokens[i].Revoked = true
	}
}

// AccessTokens is how many access tokens were given out.
func (s *Server) AccessTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.world.AccessTokens)
}

// jobStatus tells how far the collection behind a token is.
func (s *Server) jobStatus(r *http.Request) Answer {
	return s.dataCall(r, func(a *session, c Carrier) Answer {
		if a == nil || !a.Done {
			return dataRefusal(statusQueryFailed, "状态查询失败")
		}
		status := "抓取中"
		switch {
		case !s.collected(a):
		case a.fails(c):
			status = "抓取失败"
		default:
			status = "完成"
		}
		return dataAnswer(object{"code": statusQueryOK, "note": "状态查询成功", "data": object{"status": status}})
	})
}

// report is the analysed report. It is empty until the collection is through,
// and for ever where that failed.
func (s *Server) report(r *http.Request) Answer {
	return s.dataCall(r, func(a *session, c Carrier) Answer {
		if a == nil || !s.reported(a) || a.fails(c) {
			return dataRefusal(reportEmpty, "报告数据为空")
		}
		return dataAnswer(object{"report_data": s.reportOf(a)})
	})
}

// rawData is what was collected, as it is.
func (s *Server) rawData(r *http.Request) Answer {
	return s.dataCall(r, func(a *session, c Carrier) Answer {
		members := object{"status": "failed", "error_code": rawDataNone, "error_msg": "没有数据", "transactions": []object{}}
		if a != nil && s.reported(a) && !a.fails(c) {
			members = object{
				"status": "success", "error_code": rawDataOK, "error_msg": "请求用户数据成功",
				"transactions": []object{{"datasource": c.Website, "basic": s.basicOf(a), "calls": []object{}}},
			}
		}
		return dataAnswer(object{"raw_data": object{"members": members}})
	})
}

func (s *Server) reportOf(a *session) object {
	return object{
		"report":        object{"token": a.Token, "version": "simulated", "update_time": a.Through.Add(s.cfg.CollectFor).UTC().Format(time.DateTime)},
		"person":        s.basicOf(a),
		"cell_behavior": []object{},
	}
}

func (s *Server) basicOf(a *session) object {
	p, _ := s.person(a.Phone)
	return object{"cell_phone": p.Phone, "real_name": p.Name, "idcard": p.IDCard}
}

// collected tells whether the collection that a session began is through. The
// caller holds the lock.
func (s *Server) collected(a *session) bool {
	return a.Done && s.cfg.Now().Sub(a.Through) >= s.cfg.CollectFor
}

// reported tells whether what was collected is there. The caller holds the lock.
func (s *Server) reported(a *session) bool {
	return a.Done && s.cfg.Now().Sub(a.Through) >= s.cfg.CollectFor+s.cfg.ReportLag
}

// fails tells whether the collection brings nothing.
func (a *session) fails(c Carrier) bool { return c.ReportFails || a.Nothing }

// dataCall checks who asks and answers for the session of the token, nil where
// there is none. Unlike in a collection a token never grows old here.
func (s *Server) dataCall(r *http.Request, answer func(*session, Carrier) Answer) Answer {
	if refused := s.refuseClient(r); refused != nil {
		return *refused
	}
	query := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.grants(query.Get("access_token")) {
		return dataRefusal(badAccessToken, "access_token无效")
	}
	a := s.world.Sessions[query.Get("token")]
	if a == nil {
		return answer(nil, Carrier{})
	}
	carrier, _ := s.carrier(a.Website)
	return answer(a, carrier)
}

// refuseClient is the refusal of a client without the secret, or of one whose
// institution is frozen; nil where there is nothing to refuse.
func (s *Server) refuseClient(r *http.Request) *Answer {
	var refusal Answer
	switch {
	case r.URL.Query().Get("client_secret") != s.cfg.ClientSecret:
		refusal = dataRefusal(badClientSecret, "client_secret不正确")
	case s.cfg.Frozen:
		refusal = dataRefusal(orgFrozen, "机构已被冻结")
	default:
		return nil
	}
	return &refusal
}

// grants tells whether an access token is good. The caller holds the lock.
func (s *Server) grants(value string) bool {
	for i, t := range s.world.AccessTokens {
		if value == s.seed.accessToken(i+1) {
			return !t.Revoked && (t.Forever || s.cfg.Now().Sub(t.At) < s.cfg.AccessTokenLife)
		}
	}
	return false
}

// dataAnswer is an answer in the envelope of the data calls, in which "success"
// is a string.
func dataAnswer(fields object) Answer {
	return Answer{Body: merged(object{"success": "true", "note": ""}, fields)}
}

func dataRefusal(code int, note string) Answer {
	return Answer{Body: object{"success": "false", "code": code, "note": note}}
}
