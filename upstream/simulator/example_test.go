package simulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// The simulated aggregator is an http.Handler. Its people have phones, which receive
// the codes.
func Example() {
	s := simulator.New(simulator.Config{})
	defer s.Close()
	server := httptest.NewServer(s)
	defer server.Close()

	s.FaultNext(simulator.ServerError(false)) // before it does anything
	response, err := http.Post(server.URL+"/orgApi/rest/v2/applications/DEMO", "application/json", strings.NewReader("{}"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = response.Body.Close() }()
	fmt.Println(response.StatusCode)
	fmt.Println(len(s.Requests()), "request,", len(s.Inbox(simulator.People()[0].Phone)), "messages")
	// Output:
	// 503
	// 1 request, 0 messages
}
