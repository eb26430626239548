package console

import (
	"net/http"
	"regexp"
	"slices"
)

// paramError is that a parameter is not known, or has no valid value. It has the name, and
// never the value, which may be a person's number.
type paramError struct {
	name    string
	unknown bool
}

func (e paramError) Error() string {
	if e.unknown {
		return "console: an unknown parameter"
	}
	return "console: the parameter " + e.name + " has no valid value"
}

func (paramError) Unwrap() error { return errBadRequest }

func badParam(name string) error { return paramError{name: name} }

// checkParams returns an error for a parameter that a page does not have.
func checkParams(q *request, known []string) error {
	for name := range q.URL.Query() {
		if !slices.Contains(known, name) {
			return paramError{name, true}
		}
	}
	return nil
}

// paramName matches the names that are shown: what else stands in their place may be a
// number.
var paramName = regexp.MustCompile(`^[A-Za-z_]{1,40}$`)

// page returns the page of the error.
func (e paramError) page() errorPage {
	switch {
	case !e.unknown:
		return errorPage{http.StatusBadRequest, "Invalid request", "The parameter “" + e.name + "” has no valid value."}
	case paramName.MatchString(e.name):
		return errorPage{http.StatusBadRequest, "Unknown parameter", "This page has no parameter “" + e.name + "”."}
	default:
		return errorPage{http.StatusBadRequest, "Unknown parameter", "This page does not have one of the parameters."}
	}
}
