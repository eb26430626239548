package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// applicationFields are the fields of an application that the server uses. It
// ignores the others, such as contacts and uid.
type applicationFields struct {
	Name, IDCard, Phone string
	Selected            []string // version 3: the websites of selected_website
	SkipMobile          bool     // version 3
}

// apply answers a form with a receipt. It refuses a number without an account; a
// wrong name fails at the end (10009).
func (s *Server) apply(r *http.Request) Answer { return s.handleApplication(r, nil, false) }

// applyV3 is apply with the additional fields of version 3.
func (s *Server) applyV3(r *http.Request) Answer {
	return s.handleApplication(r, version3("申请成功"), true)
}

// version3 returns the fields that version 3 adds to an answer.
func version3(message string) object { return object{"code": 65557, "message": message} }

// handleApplication answers a form; extra are additional fields of the receipt.
// Only version 3 has a selection of data sources.
func (s *Server) handleApplication(r *http.Request, extra object, v3 bool) Answer {
	if r.PathValue("org") != s.cfg.Org {
		return Refusal(unknownOrg)
	}
	sent, ok := decode(r)
	if !ok {
		return Refusal(malformed)
	}
	form, ok := applicationFieldsOf(sent)
	if ok && v3 {
		ok = s.readSelection(&form, sent)
	}
	if !ok {
		return Refusal(malformed)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if scripted, found := s.receipts.take(form.Phone); found {
		return scripted
	}
	receipt, accepted := s.openSession(form)
	if !accepted {
		return Refusal("申请信息有误")
	}
	return Answer{Body: merged(object{"success": true, "data": receipt}, extra)}
}

// applicationFieldsOf reads the person of a form. ok is false if a field has another
// kind of value.
func applicationFieldsOf(sent fields) (form applicationFields, ok bool) {
	info, ok := sent.object("basic_info")
	return form, ok && info.texts(map[string]*string{"name": &form.Name, "id_card_num": &form.IDCard, "cell_phone_num": &form.Phone})
}

// readSelection reads the sources that a form of version 3 selects. An item names
// its source as "website" or as "name", each the website's id or its name. A source
// that is not known is kept as sent. ok is false for a selection that is no list of
// objects.
func (s *Server) readSelection(form *applicationFields, sent fields) (ok bool) {
	if form.SkipMobile, ok = sent.flag("skip_mobile"); !ok {
		return false
	}
	items, ok := sent.list("selected_website")
	for _, item := range items {
		var website, name string
		if !item.texts(map[string]*string{"website": &website, "name": &name}) {
			return false
		}
		form.Selected = append(form.Selected, s.selected(website, name))
	}
	return ok
}

// selected returns the website of an item of a selection, or the text that names no
// source.
func (s *Server) selected(website, name string) string {
	if website == "" {
		website = name
	}
	if c, served := s.carrierNamed(website); served {
		return c.Website
	}
	return website
}

// openSession begins a session for a valid form. The caller holds the lock.
func (s *Server) openSession(form applicationFields) (receipt object, accepted bool) {
	person, known := s.person(form.Phone)
	websites, ok := s.websitesOf(form, person.Website)
	if !known || !ok || form.Name == "" || form.IDCard == "" {
		return nil, false
	}
	carrier, _ := s.carrier(websites[0])
	s.state.Applications++
	a := &session{
		Token: s.seed.token(s.state.Applications), Phone: person.Phone, Website: carrier.Website,
		Mismatch: !person.is(form.Name, form.IDCard), LastUse: s.cfg.Now(),
		Selected: websites[1:],
	}
	s.state.Sessions[a.Token] = a
	return object{"token": a.Token, "cell_phone_num": a.Phone, "datasource": datasource(carrier)}, true
}

// is reports whether a name and the number of an ID card are the person's. The last
// character of a card may be a small x.
func (p Person) is(name, idCard string) bool {
	return name == p.Name && strings.EqualFold(idCard, p.IDCard)
}

// websitesOf returns the sources of a session, without duplicates: the person's own,
// unless the form skips it, then the selected ones. ok is false if one is unknown,
// or there is none. The caller holds the lock.
func (s *Server) websitesOf(form applicationFields, own string) (websites []string, ok bool) {
	all := form.Selected
	if !form.SkipMobile {
		all = append([]string{own}, all...)
	}
	for _, w := range all {
		if _, served := s.carrier(w); !served {
			return nil, false
		}
		if !slices.Contains(websites, w) {
			websites = append(websites, w)
		}
	}
	return websites, len(websites) > 0
}
