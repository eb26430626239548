package simulator

import "net/http"

// rawData returns the collected data.
func (s *Server) rawData(r *http.Request) Answer { return s.dataCall(r, s.rawDataAnswer) }

// rawDataByPerson is rawData for a name, an ID card and a phone number.
func (s *Server) rawDataByPerson(r *http.Request) Answer { return s.personCall(r, s.rawDataAnswer) }

func (s *Server) rawDataAnswer(a *session, c Carrier) Answer {
	members := object{"status": "failed", "error_code": rawDataNone, "error_msg": "没有数据", "transactions": []object{}}
	if a != nil && s.reported(a) && !a.fails(c) {
		members = object{
			"status": "success", "error_code": rawDataOK, "error_msg": "请求用户数据成功",
			"update_time": dateTime(s.collectedAt(a)), "transactions": []object{s.transactionOf(a, c)},
		}
	}
	return dataAnswer(object{"raw_data": object{"members": members}})
}

// transactionOf returns what was collected from one data source: who the number
// belongs to, its calls and messages, and in "transactions" its monthly bills.
func (s *Server) transactionOf(a *session, c Carrier) object {
	at := dateTime(s.collectedAt(a))
	calls, messages, bills := []object{}, []object{}, []object{}
	for _, m := range s.recordsOf(a) {
		for _, r := range m.calls {
			calls = append(calls, object{
				"update_time": at, "start_time": dateTime(r.at), "cell_phone": a.Phone, "other_cell_phone": r.other, "place": "南京",
				"init_type": direction(r.outgoing, "主叫", "被叫"), "call_type": "本地", "use_time": r.seconds, "subtotal": r.amount,
			})
		}
		for _, r := range m.messages {
			messages = append(messages, object{
				"update_time": at, "start_time": dateTime(r.at), "cell_phone": a.Phone, "other_cell_phone": r.other, "place": "南京",
				"init_type": direction(r.outgoing, "发送", "接收"), "subtotal": r.amount,
			})
		}
		bills = append(bills, object{
			"update_time": at, "bill_cycle": dateTime(m.begin), "cell_phone": a.Phone, "plan_amt": planAmount, "total_amt": m.amount, "pay_amt": m.amount,
		})
	}
	basic := s.basicOf(a)
	basic["update_time"], basic["reg_time"] = at, "2014-05-13 16:53:20"
	return object{
		"token": a.Token, "version": "1", "datasource": c.Website, "update_time": at,
		"basic": basic, "calls": calls, "smses": messages, "nets": []object{}, "transactions": bills,
	}
}

func direction(outgoing bool, out, in string) string {
	if outgoing {
		return out
	}
	return in
}
