package simulator

import (
	"net/http"
	"slices"
)

// applicationFields are the fields of an application that the server uses. It
// ignores the others, such as skip_mobile and uid of version 3.
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

// apply answers a form with a receipt. It refuses a number without an account; a
// wrong name fails at the end (10009).
func (s *Server) apply(r *http.Request) Answer { return s.handleApplication(r, nil, false) }

// applyV3 is apply with the additional fields of version 3.
func (s *Server) applyV3(r *http.Request) Answer {
	return s.handleApplication(r, object{"code": 65557, "message": "申请成功"}, true)
}

// handleApplication answers a form; extra are additional fields of the receipt.
// Only version 3 has a selection of data sources.
func (s *Server) handleApplication(r *http.Request, extra object, v3 bool) Answer {
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
	receipt, accepted := s.openSession(form)
	if !accepted {
		return Refusal("申请信息有误")
	}
	return Answer{Body: merged(object{"success": true, "data": receipt}, extra)}
}

// openSession begins a session for a valid form. The caller holds the lock.
func (s *Server) openSession(form applicationFields) (receipt object, accepted bool) {
	info := form.BasicInfo
	person, known := s.person(info.Phone)
	carrier, served := s.carrier(person.Website)
	selected, ok := s.selectedSources(form, person.Website)
	if !known || !served || !ok || info.Name == "" || info.IDCard == "" {
		return nil, false
	}
	s.state.Applications++
	a := &session{
		Token: s.seed.token(s.state.Applications), Phone: person.Phone, Website: person.Website,
		Mismatch: info.Name != person.Name || info.IDCard != person.IDCard, LastUse: s.cfg.Now(),
		Selected: selected,
	}
	s.state.Sessions[a.Token] = a
	return object{"token": a.Token, "cell_phone_num": a.Phone, "datasource": datasource(carrier)}, true
}

// selectedSources returns the websites that a form selects in addition to the
// person's own, without duplicates; ok is false if one is unknown. The caller
// holds the lock.
func (s *Server) selectedSources(form applicationFields, own string) (websites []string, ok bool) {
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
