package sendonce_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

// An adapter sends a request once. If its error matches carrierfsm.ErrNotSent, nothing
// was sent; after any other the outcome is unknown.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"path": %q}`, r.URL.Path)
	}))
	client, err := sendonce.New(sendonce.Config{BaseURL: server.URL})
	if err != nil {
		panic(err)
	}
	request := sendonce.Request{Method: http.MethodPost, Path: "/tasks/7", Template: "/tasks/{id}", Body: []byte(`{"code":"500001"}`)}
	response, err := client.Do(context.Background(), request)
	fmt.Println(response.Status, string(response.Body), err)

	server.Close()
	_, err = client.Do(context.Background(), request)
	fmt.Println(errors.Is(err, carrierfsm.ErrNotSent))
	// Output:
	// 200 {"path": "/tasks/7"} <nil>
	// true
}
