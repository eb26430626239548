package simulator

import (
	"net/http"
	"slices"
)

// applicationFields are the fields of an application that are looked at. The
// others, skip_mobile and uid of v3 among them, are accepted and not used.
type applicationFields struct {
	BasicInfo struct {
		Name   string `json:"name"`
		IDCard string `json:"id_card_num"`
		Phone  string `json:"cell_phone_num"`
	} `json:"basic_info"`
	Selected []struct {
		Name string `json:"name"`
	} `json:"selected_website"` // v3
}

// apply takes a form and answers with a receipt. A number that nobody has is
// refused; a name that is not the account's is found out later (10009).
func (s *Server) apply(r *http.Request) Answer { return s.receive(r, nil, false) }

// applyV3 is apply with what v3 has on top of the receipt.
func (s *Server) applyV3(r *http.Request) Answer {
	return s.receive(r, object{"code": 65557, "message": "申请成功"}, true)
}

// receive takes a form; onTop are further fields of an accepted one's receipt.
// Only v3 knows of a selection of data sources.
func (s *Server) receive(r *http.Request, onTop object, v3 bool) Answer {
	var form applicationFields
	switch {
	case r.PathValue("org") != s.cfg.Org:
		return Refusal(unknownOrg)
	case !decode(r, &form):
		return Refusal(malformed)
	}
	if !v3 {
		form.Selected = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if scripted, found := s.receipts.take(form.BasicInfo.Phone); found {
		return scripted
	}
	receipt, accepted := s.open(form)
	if !accepted {
		return Refusal("申请信息有误")
	}
	return Answer{Body: merged(object{"success": true, "data": receipt}, onTop)}
}

// open begins a session for a form that is in order. The caller holds the lock.
func (s *Server) open(form applicationFields) (receipt object, accepted bool) {
	info := form.BasicInfo
	person, known := s.person(info.Phone)
	carrier, served := s.carrier(person.Website)
	selected, chosen := s.selected(form, person.Website)
	if !known || !served || !chosen || info.Name == "" || info.IDCard == "" {
		return nil, false
	}
	s.world.Applications++
	a := &session{
		Token: s.seed.token(s.world.Applications), Phone: person.Phone, Website: person.Website,
		Unlike: info.Name != person.Name || info.IDCard != person.IDCard, LastUse: s.cfg.Now(),
		Selected: selected,
	}
	s.world.Sessions[a.Token] = a
	return object{"token": a.Token, "cell_phone_num": a.Phone, "datasource": datasource(carrier)}, true
}

// selected are the websites of the data sources that a form names beside the
// person's own, each once; ok is false where one of them is none. The caller
// holds the lock.
func (s *Server) selected(form applicationFields, own string) (websites []string, ok bool) {
	for _, w := range form.Selected {
		carrier, served := s.carrierNamed(w.Name)
		if !served {
			return nil, false
		}
		if carrier.Website != own && !slices.Contains(websites, carrier.Website) {
			websites = append(websites, carrier.Website)
		}
	}
	return websites, true
}
