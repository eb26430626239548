package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/httpapi"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// A host mounts the endpoints, and says whose verification is whose by its own session.
func Example() {
	store := memory.New()
	machine, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream(fsmtest.Accept("chinamobilejs"))})
	if err != nil {
		panic(err)
	}
	defer func() { _ = machine.Close(context.Background()) }()
	session := func(r *http.Request) string { return r.Header.Get("X-Session") } // the host's own
	api, err := httpapi.New(httpapi.Config{
		Machine: machine,
		Authorize: func(r *http.Request, id string) (string, error) {
			if id != "order-"+session(r) {
				return "", carrierfsm.ErrNotFound
			}
			return id, nil
		},
		Begin: func(r *http.Request, _ carrierfsm.Form) (carrierfsm.NewVerification, error) {
			return carrierfsm.NewVerification{ID: "order-" + session(r)}, nil
		},
		Consent: httpapi.Consent{Policy: "2026-11"},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", http.StripPrefix("/api", api))

	ask := func(method, path, body string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Session", "7")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		_, state, _ := strings.Cut(w.Body.String(), `"state":`)
		state, _, _ = strings.Cut(state, ",")
		fmt.Println(w.Code, state)
	}
	ask("POST", "/api/verifications", `{"name":"测试","id_card":"11010519491231002X","phone":"+86 138 0013 8000","consent":"2026-11"}`)
	ask("GET", "/api/verifications/order-7", "")
	ask("GET", "/api/verifications/order-8", "")
	// Output:
	// 201 "awaiting_password"
	// 200 "awaiting_password"
	// 404
}

// The status, the code and the text of an error.
func ExampleProblemOf() {
	p := httpapi.ProblemOf(fmt.Errorf("submit: %w", carrierfsm.ErrTooSoon))
	fmt.Println(p.Status, p.Code, httpapi.English().Problem(p.Code))
	// Output: 429 too_soon It is too soon for another code. Wait a moment.
}
