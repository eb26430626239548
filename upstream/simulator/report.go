package simulator

import (
	"net/http"
	"time"
)

// report returns the analysed report. It is empty until the collection is complete,
// and stays empty if that failed.
func (s *Server) report(r *http.Request) Answer { return s.dataCall(r, s.reportAnswer) }

// reportByPerson is report for a name, an ID card and a phone number.
func (s *Server) reportByPerson(r *http.Request) Answer { return s.personCall(r, s.reportAnswer) }

func (s *Server) reportAnswer(a *session, c Carrier) Answer {
	if a == nil || !s.reported(a) || a.fails(c) {
		return dataRefusal(reportEmpty, "报告数据为空")
	}
	return dataAnswer(object{"report_data": object{
		"report":        object{"token": a.Token, "version": "simulated", "update_time": dateTime(s.collectedAt(a))},
		"person":        s.basicOf(a),
		"cell_behavior": []object{{"phone_num": a.Phone, "behavior": s.behaviorOf(a, c)}},
	}})
}

// behaviorOf counts the records of each month, as the raw data have them.
func (s *Server) behaviorOf(a *session, c Carrier) []object {
	records := s.recordsOf(a)
	months := make([]object, len(records))
	for i, m := range records {
		var out, seconds int
		for _, call := range m.calls {
			seconds += call.seconds
			if call.outgoing {
				out++
			}
		}
		months[i] = object{
			"cell_mth": m.begin.Format("2006-01"), "cell_phone_num": a.Phone, "cell_operator": c.Website, "cell_operator_zh": c.Name,
			"call_cnt": len(m.calls), "call_out_cnt": out, "call_in_cnt": len(m.calls) - out, "call_time": seconds,
			"sms_cnt": len(m.messages), "total_amount": m.amount,
		}
	}
	return months
}

func (s *Server) basicOf(a *session) object {
	p, _ := s.person(a.Phone)
	return object{"cell_phone": p.Phone, "real_name": p.Name, "idcard": p.IDCard}
}

// collectedAt returns when the collection of a session that is done is complete.
func (s *Server) collectedAt(a *session) time.Time { return a.DoneAt.Add(s.cfg.CollectFor) }

func dateTime(t time.Time) string { return t.UTC().Format(time.DateTime) }
