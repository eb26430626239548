package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// routes adds the routes of the simulated phone: the people with their secrets, and
// the messages that they receive. They exist only with the built-in simulator,
// whose people are invented.
func (s *simulated) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /simulated/phone.js", file("simulated/phone.js"))
	mux.HandleFunc("GET /simulated/phone.css", file("simulated/phone.css"))
	mux.HandleFunc("GET /simulated/people", s.people)
	mux.HandleFunc("GET /simulated/texts", s.texts)
	mux.HandleFunc("POST /simulated/cxxd", jsonOnly(s.textCXXD))
}

// personJSON is one of the simulator's people, with the operator's behaviour.
type personJSON struct {
	Name          string `json:"name"`
	IDCard        string `json:"id_card"`
	Phone         string `json:"phone"`
	Password      string `json:"password"`
	QueryPassword string `json:"query_password,omitempty"`
	NextPassword  string `json:"next_password,omitempty"`
	NewPassword   string `json:"new_password,omitempty"` // for a reset
	Carrier       string `json:"carrier"`                // its key
	Operator      string `json:"operator"`
	Description   string `json:"description"`
}

// resetWithChosenPassword is the Carrier.ResetMethod with a password that the person
// chooses.
const resetWithChosenPassword = 2

func (s *simulated) people(w http.ResponseWriter, _ *http.Request) {
	people := simulator.People()
	list := make([]personJSON, len(people))
	for i, c := range simulator.Carriers() { // People has one for each, in the same order
		p := people[i]
		list[i] = personJSON{
			Name: p.Name, IDCard: p.IDCard, Phone: p.Phone, Password: p.Password,
			Carrier: c.Key, Operator: c.Name, Description: c.Description,
		}
		if c.Next != "" {
			list[i].NextPassword = p.NextPassword
		}
		if c.ResetMethod == resetWithChosenPassword {
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

// person returns the person whose index is in the request.
func person(r *http.Request) (simulator.Person, bool) {
	people := simulator.People()
	i, err := strconv.Atoi(r.URL.Query().Get("person"))
	if err != nil || i < 0 || i >= len(people) {
		return simulator.Person{}, false
	}
	return people[i], true
}

// messageJSON is an SMS that the phone received.
type messageJSON struct {
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
	list := []messageJSON{}
	for _, m := range s.server.Inbox(p.Phone) {
		list = append(list, messageJSON{m.At, m.Code, m.Password})
	}
	write(w, list)
}

// textCXXD simulates that the person texts CXXD to 10001.
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
