package simulator

import "net/http"

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

// jobStatus returns the state of a collection.
func (s *Server) jobStatus(r *http.Request) Answer {
	return s.dataCall(r, func(a *session, c Carrier) Answer {
		if a == nil || !a.Done {
			return dataRefusal(statusQueryFailed, "状态查询失败")
		}
		status, detail := "抓取中", "COLLECT_RUNNING"
		switch {
		case !s.collected(a):
		case a.fails(c):
			status, detail = "抓取失败", "COLLECT_FAIL"
		default:
			status, detail = "完成", "COLLECT_SUCCESS"
		}
		data := object{"status": status}
		if c.StateInDetails {
			data = object{"details": []object{{"website": c.Website, "websiteStatus": detail}}}
		}
		return dataAnswer(object{"code": statusQueryOK, "note": "状态查询成功", "data": data})
	})
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
	return s.dataCallFor(r, answer, func() *session { return s.state.Sessions[r.URL.Query().Get("token")] })
}

// personCall is dataCall with the person's name, ID card and phone number in place of
// the token. Of several applications it takes the one that was collected last.
func (s *Server) personCall(r *http.Request, answer func(*session, Carrier) Answer) Answer {
	query := r.URL.Query()
	return s.dataCallFor(r, answer, func() *session {
		p, known := s.person(query.Get("phone"))
		if !known || !p.is(query.Get("name"), query.Get("idcard")) {
			return nil
		}
		return s.latestReported(p.Phone)
	})
}

// latestReported returns the session of a phone number whose report is available, of
// several the one that was done last; nil if there is none. The caller holds the
// lock.
func (s *Server) latestReported(phone string) (latest *session) {
	for _, a := range s.state.Sessions {
		carrier, _ := s.carrier(a.Website)
		if a.Phone != phone || !s.reported(a) || a.fails(carrier) {
			continue
		}
		if latest == nil || a.DoneAt.After(latest.DoneAt) || a.DoneAt.Equal(latest.DoneAt) && a.Token > latest.Token {
			latest = a
		}
	}
	return latest
}

// dataCallFor checks the client and calls answer with the session that find returns.
func (s *Server) dataCallFor(r *http.Request, answer func(*session, Carrier) Answer, find func() *session) Answer {
	if refused := s.refuseClient(r); refused != nil {
		return *refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.validAccessToken(r.URL.Query().Get("access_token")) {
		return dataRefusal(badAccessToken, "access_token无效")
	}
	a := find()
	if a == nil {
		return answer(nil, Carrier{})
	}
	carrier, _ := s.carrier(a.Website)
	return answer(a, carrier)
}

// dataAnswer returns an answer in the envelope of the data calls, where "success"
// is a string.
func dataAnswer(fields object) Answer {
	return Answer{Body: merged(object{"success": "true", "note": ""}, fields)}
}

func dataRefusal(code int, note string) Answer {
	return Answer{Body: object{"success": "false", "code": code, "note": note}}
}
