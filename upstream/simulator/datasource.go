package simulator

import (
	"net/http"
	"time"
)

const unknownOrg = "机构不存在"

// datasources lists every carrier.
func (s *Server) datasources(r *http.Request) Answer { return s.listDatasources(r, nil) }

// datasourcesV3 is datasources with the additional fields of version 3.
func (s *Server) datasourcesV3(r *http.Request) Answer {
	return s.listDatasources(r, version3("查询成功"))
}

// listDatasources lists every carrier; extra are additional fields.
func (s *Server) listDatasources(r *http.Request, extra object) Answer {
	if r.PathValue("org") != s.cfg.Org {
		return Refusal(unknownOrg)
	}
	list := make([]object, len(s.cfg.Carriers))
	for i, c := range s.cfg.Carriers {
		list[i] = datasource(c)
	}
	return Answer{Body: merged(object{"success": true, "data": list}, extra)}
}

// datasource returns a carrier in upstream's form.
func datasource(c Carrier) object {
	return object{
		"id": "simulated-" + c.Website, "website": c.Website, "name": c.Name,
		"category": "mobile", "category_name": "移动运营商",
		"create_time": calendar(time.Unix(1_400_000_000, 0)), "update_time": calendar(time.Unix(1_700_000_000, 0)),
		"offline_times": 0, "status": flag(!c.Offline), "website_code": 12,
		"reset_pwd_method": c.ResetMethod, "sms_required": flag(len(c.Asks) > 0),
		"required_captcha_user_identified": 0, "reset_pwd_frozen_time": 0,
	}
}

func flag(on bool) int {
	if on {
		return 1
	}
	return 0
}

func calendar(t time.Time) object {
	t = t.UTC()
	return object{
		"year": t.Year(), "month": int(t.Month()), "dayOfMonth": t.Day(),
		"hourOfDay": t.Hour(), "minute": t.Minute(), "second": t.Second(),
	}
}
