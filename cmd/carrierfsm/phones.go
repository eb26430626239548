package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// phones serves the API and the phones of the simulated people, and prints each
// message that one of them receives.
type phones struct {
	sim *simulator.Server
	out io.Writer

	mu      sync.Mutex
	printed map[string]int // messages by phone number
}

func newPhones(sim *simulator.Server, out io.Writer) *phones {
	return &phones{sim: sim, out: out, printed: make(map[string]int)}
}

func (p *phones) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /phones/{phone}", p.inbox)
	mux.HandleFunc("POST /phones/{phone}/cxxd", p.textCXXD)
	own := func(w http.ResponseWriter, r *http.Request) bool {
		_, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
		}
		return pattern != ""
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer p.print()
		if !own(w, r) { // the simulator takes paths that a ServeMux would redirect
			p.sim.ServeHTTP(w, r)
		}
	})
}

// message is one that a phone received.
type message struct {
	At       string `json:"at"`
	Code     string `json:"code"`
	Password bool   `json:"password"` // Code is a new service password
}

func (p *phones) inbox(w http.ResponseWriter, r *http.Request) {
	list := []message{}
	for _, m := range p.sim.Inbox(r.PathValue("phone")) {
		list = append(list, message{m.At.UTC().Format("2006-01-02T15:04:05Z"), m.Code, m.Password})
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	_ = json.NewEncoder(w).Encode(list)
}

func (p *phones) textCXXD(w http.ResponseWriter, r *http.Request) {
	p.sim.TextCXXD(r.PathValue("phone"))
	w.WriteHeader(http.StatusNoContent)
}

// print prints the messages that were not printed yet.
func (p *phones) print() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, person := range simulator.People() {
		inbox := p.sim.Inbox(person.Phone)
		for _, m := range inbox[p.printed[person.Phone]:] {
			what := "code"
			if m.Password {
				what = "new password"
			}
			_, _ = fmt.Fprintf(p.out, "%s received the %s %s\n", person.Phone, what, m.Code)
		}
		p.printed[person.Phone] = len(inbox)
	}
}
