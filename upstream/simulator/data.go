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

// accessToken is an issued access token in the saved state. Its value is derived
// from the seed and its index.
type accessToken struct {
	At        time.Time `json:"at"`
	Permanent bool      `json:"forever"`
	Revoked   bool      `json:"revoked"`
}

// reportToken issues an access token: with "hours" 24 one that expires, with "per"
// one that does not. Earlier tokens stay valid.
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
	s.state.AccessTokens = append(s.state.AccessTokens, accessToken{At: s.cfg.Now(), Permanent: hours == "per"})
	value := s.seed.accessToken(len(s.state.AccessTokens))
	return dataAnswer(object{"note": "获取成功", "access_token": value, "expires_in": hours})
}

// RevokeAccessTokens invalidates all issued access tokens (20007), as upstream may
// do at any time.
func (s *Server) RevokeAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.state.AccessTokens {
		s.state.AccessTokens[i].Revoked = true
	}
}

// AccessTokens returns how many access tokens were issued.
func (s *Server) AccessTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.state.AccessTokens)
}

// jobStatus returns the state of a collection.
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

// report returns the analysed report. It is empty until the collection is complete,
// and stays empty if that failed.
func (s *Server) report(r *http.Request) Answer {
	return s.dataCall(r, func(a *session, c Carrier) Answer {
		if a == nil || !s.reported(a) || a.fails(c) {
			return dataRefusal(reportEmpty, "报告数据为空")
		}
		return dataAnswer(object{"report_data": s.reportOf(a)})
	})
}

// rawData returns the collected data.
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
		"report":        object{"token": a.Token, "version": "simulated", "update_time": a.DoneAt.Add(s.cfg.CollectFor).UTC().Format(time.DateTime)},
		"person":        s.basicOf(a),
		"cell_behavior": []object{},
	}
}

func (s *Server) basicOf(a *session) object {
	p, _ := s.person(a.Phone)
	return object{"cell_phone": p.Phone, "real_name": p.Name, "idcard": p.IDCard}
}

// collected reports whether the collection of a session is complete. The caller
// holds the lock.
func (s *Server) collected(a *session) bool {
	return a.Done && s.cfg.Now().Sub(a.DoneAt) >= s.cfg.CollectFor
}

// reported reports whether the report is available. The caller holds the lock.
func (s *Server) reported(a *session) bool {
	return a.Done && s.cfg.Now().Sub(a.DoneAt) >= s.cfg.CollectFor+s.cfg.ReportLag
}

// fails reports whether the collection finds nothing.
func (a *session) fails(c Carrier) bool { return c.ReportFails || a.CollectedNone }

// dataCall checks the client and calls answer with the session of the token, nil if
// there is none. A token does not expire for data calls.
func (s *Server) dataCall(r *http.Request, answer func(*session, Carrier) Answer) Answer {
	if refused := s.refuseClient(r); refused != nil {
		return *refused
	}
	query := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.validAccessToken(query.Get("access_token")) {
		return dataRefusal(badAccessToken, "access_token无效")
	}
	a := s.state.Sessions[query.Get("token")]
	if a == nil {
		return answer(nil, Carrier{})
	}
	carrier, _ := s.carrier(a.Website)
	return answer(a, carrier)
}

// refuseClient returns the refusal of a client with a wrong secret or a frozen
// institution, and nil for any other.
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

// validAccessToken reports whether an access token is valid. The caller holds the
// lock.
func (s *Server) validAccessToken(value string) bool {
	for i, t := range s.state.AccessTokens {
		if value == s.seed.accessToken(i+1) {
			return !t.Revoked && (t.Permanent || s.cfg.Now().Sub(t.At) < s.cfg.AccessTokenLife)
		}
	}
	return false
}

// dataAnswer returns an answer in the envelope of the data calls, where "success"
// is a string.
func dataAnswer(fields object) Answer {
	return Answer{Body: merged(object{"success": "true", "note": ""}, fields)}
}

func dataRefusal(code int, note string) Answer {
	return Answer{Body: object{"success": "false", "code": code, "note": note}}
}
