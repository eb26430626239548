package simulator

import (
	"bytes"
	"io"
	"net/http"
)

// object is a JSON object to send.
type object = map[string]any

const jsonType = "application/json;charset=utf-8"

// withBody returns the request with a body that was read already.
func withBody(r *http.Request, body []byte) *http.Request {
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r
}

// recorder is a ResponseWriter that keeps the response in memory, so that a fault
// can change it.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.body = append(r.body, b...)
	return len(b), nil
}

func (r *recorder) copyTo(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(orDefault(r.status, http.StatusOK))
	_, _ = w.Write(r.body)
}
