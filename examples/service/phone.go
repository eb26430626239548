package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// routes are those of the simulated phone: whom one can be, what they know, and
// the texts that they get. They exist with the built-in simulator only, whose
// people are invented.
func (s *simulated) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /simulated/phone.js", file("simulated/phone.js"))
	mux.HandleFunc("GET /simulated/phone.css", file("simulated/phone.css"))
	mux.HandleFunc("GET /simulated/people", s.people)
	mux.HandleFunc("GET /simulated/texts", s.texts)
	mux.HandleFunc("POST /simulated/cxxd", jsonOnly(s.textCXXD))
}

// human is somebody whom one can be, and the operator's behaviour.
type human struct {
	Name          string `json:"name"`
	IDCard        string `json:"id_card"`
	Phone         string `json:"phone"`
	Password      string `json:"password"`
	QueryPassword string `json:"query_password,omitempty"`
	NextPassword  string `json:"next_password,omitempty"`
	NewPassword   string `json:"new_password,omitempty"` // to choose in a reset
	Carrier       string `json:"carrier"`                // its key
	Operator      string `json:"operator"`
	Description   string `json:"description"`
}

// chosenPassword is the simulator's ResetMethod where the person chooses.
const chosenPassword = 2

func (s *simulated) people(w http.ResponseWriter, _ *http.Request) {
	people := simulator.People()
	list := make([]human, len(people))
	for i, c := range simulator.Carriers() { // one person for each, in that order
		p := people[i]
		list[i] = human{
			Name: p.Name, IDCard: p.IDCard, Phone: p.Phone, Password: p.Password,
			Carrier: c.Key, Operator: c.Name, Description: c.Description,
		}
		if c.Next != "" {
			list[i].NextPassword = p.NextPassword
		}
		if c.ResetMethod == chosenPassword {
			list[i].NewPassword = p.NewPassword
		}
		for _, ask := range c.Asks {
			if ask == simulator.AskQuery {
				list[i].QueryPassword = p.QueryPassword
			}
		}
	}
	write(w, list)
}

// person is the one whose number in the list the request names.
func person(r *http.Request) (simulator.Person, bool) {
	people := simulator.People()
	i, err := strconv.Atoi(r.URL.Query().Get("person"))
	if err != nil || i < 0 || i >= len(people) {
		return simulator.Person{}, false
	}
	return people[i], true
}

// text is a message that the phone got.
type text struct {
	At       time.Time `json:"at"`
	Code     string    `json:"code"`
	Password bool      `json:"password"` // it is a new service password
}

func (s *simulated) texts(w http.ResponseWriter, r *http.Request) {
	p, ok := person(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	list := []text{}
	for _, m := range s.server.Inbox(p.Phone) {
		list = append(list, text{m.At, m.Code, m.Password})
	}
	write(w, list)
}

// textCXXD is the person texting CXXD to 10001.
func (s *simulated) textCXXD(w http.ResponseWriter, r *http.Request) {
	p, ok := person(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.server.TextCXXD(p.Phone)
	s.save()
	w.WriteHeader(http.StatusNoContent)
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
