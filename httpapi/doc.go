// Package httpapi serves verifications over HTTP: to a host's own page, to its app, or
// to a mini program. A host mounts one handler and says who may see which
// verification:
//
//	api, err := httpapi.New(httpapi.Config{
//		Machine:   machine,
//		Authorize: authorize, // may this request see this id?
//		Begin:     begin,     // what a form creates: id, key and reference
//		Consent:   httpapi.Consent{Policy: "2026-11", Documents: documents},
//	})
//	mux.Handle("/api/", http.StripPrefix("/api", api))
//
// The endpoints, with {input} one of the kinds of carrierfsm.Input:
//
//	POST /verifications                 creates a verification of a form, and applies
//	GET  /verifications/new             what to show before there is one
//	GET  /verifications/{id}            a verification; ?seen={tag} waits for a change
//	POST /verifications/{id}/{input}    submits an input
//	GET  /openapi.json                  their description in OpenAPI 3.1
//
// A response is a Verification, or a Problem (RFC 9457) with the status and the code
// of the error and, where the request may see it, the present verification. Neither
// contains a secret or a number other than the masked one.
//
// Each part can be used alone: ProblemOf gives an error its status and code, View and
// Words turn a verification into JSON and into what a person reads in Chinese or
// English, Decode reads an input from a request, and Changes reports that a
// verification changed.
package httpapi
