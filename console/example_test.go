package console_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// staff stands for the host's own authentication: it returns who makes a request,
// and their role.
func staff(r *http.Request) (console.Operator, error) {
	login, password, _ := r.BasicAuth()
	switch {
	case login == "li.wei" && password == "example":
		return console.Operator{Name: login, Access: console.Act}, nil
	case login == "auditor" && password == "example":
		return console.Operator{Name: login, Access: console.Look}, nil
	default:
		return console.Operator{}, errors.New("another name or password")
	}
}

// The host mounts the console under any prefix, behind its own authentication.
func Example() {
	store := memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()})
	if err != nil {
		panic(err)
	}
	handlers, err := outbox.New(m, store, outbox.Config{}) // shows and replays those of every process
	if err != nil {
		panic(err)
	}
	counters, err := figures.New(figures.Config{Store: store}) // reads what the dispatcher that runs has counted
	if err != nil {
		panic(err)
	}
	operators, err := console.New(console.Config{
		Machine: m, Dispatcher: handlers, Figures: counters, Acts: store, Authorize: staff, Title: "Verifications, staging",
		Challenge: `Basic realm="Verifications, staging", charset="UTF-8"`, // a browser asks for a name and a password
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ops/", http.StripPrefix("/ops", operators))

	r := httptest.NewRequest(http.MethodGet, "/ops/", nil)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println("a stranger:", w.Code, w.Header().Get("WWW-Authenticate"))

	r.SetBasicAuth("auditor", "example")
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println("an auditor:", w.Code)
	// Output:
	// a stranger: 401 Basic realm="Verifications, staging", charset="UTF-8"
	// an auditor: 200
}
