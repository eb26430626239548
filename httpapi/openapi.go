package httpapi

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI returns the description of the endpoints in OpenAPI 3.1, as /openapi.json
// serves it. The caller may change it.
func OpenAPI() []byte { return append([]byte(nil), openAPI...) }

func description(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
}
