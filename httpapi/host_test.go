package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/httpapi"
)

// host is a host with the endpoints, and one verification: v1.
type host struct {
	*fsmtest.Bench
	t      *testing.T
	api    *httpapi.API
	header map[string]string
	doc    *openAPI // checks the responses, if it is not nil
	done   map[string]bool
}

// source is one where everything is possible.
var source = carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}

const person = `"name":"测试","id_card":"11010519491231002X","phone":"13800138000","consent":"2026-11","sensitive_consent":"2026-11"`

func newHost(t *testing.T, change ...func(*carrierfsm.Config, *httpapi.Config)) *host {
	t.Helper()
	machine := carrierfsm.Config{Now: time.Now, Limits: carrierfsm.Limits{ResendAfter: time.Nanosecond}}
	cfg := httpapi.Config{
		Authorize: func(r *http.Request, id string) (string, error) {
			switch id {
			case "v1", "v2":
				return id, nil
			case "forbidden":
				return "", httpapi.ErrForbidden
			case "broken":
				return "", http.ErrServerClosed
			default:
				return "", carrierfsm.ErrNotFound
			}
		},
		Begin: func(r *http.Request, _ carrierfsm.Form) (carrierfsm.NewVerification, error) {
			id := r.Header.Get("X-Begin")
			if id == "forbidden" {
				return carrierfsm.NewVerification{}, httpapi.ErrForbidden
			}
			return carrierfsm.NewVerification{ID: id, Key: r.Header.Get("X-Key")}, nil
		},
		Consent: agreement, AllowSkip: true,
	}
	for _, f := range change {
		f(&machine, &cfg)
	}
	h := &host{Bench: fsmtest.NewWith(t, machine), t: t, header: make(map[string]string)}
	cfg.Machine = h.Machine
	api, err := httpapi.New(cfg)
	require.NoError(t, err)
	h.api = api
	return h
}

// answer is what an endpoint answered.
type answer struct {
	*httptest.ResponseRecorder
	httpapi.Verification // of a problem too
	problem              httpapi.Problem
}

// ask sends a request. A body that begins with a brace is JSON, another one a form.
func (h *host) ask(method, path, body string) (a answer) {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.HasPrefix(body, "{") {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	for name, value := range h.header {
		r.Header.Set(name, value)
	}
	a.ResponseRecorder = httptest.NewRecorder()
	h.api.ServeHTTP(a, r)
	require.Equal(h.t, "no-store", a.Header().Get("Cache-Control"))
	if a.Header().Get("Content-Type") == "application/problem+json" {
		require.NoError(h.t, json.Unmarshal(a.Body.Bytes(), &a.problem))
		require.Equal(h.t, a.Code, a.problem.Status)
		require.Contains(h.t, append(httpapi.Codes(), ""), a.problem.Code)
		if a.problem.Verification != nil {
			a.Verification = *a.problem.Verification
		}
	} else {
		require.Equal(h.t, "application/json", a.Header().Get("Content-Type"))
		require.NoError(h.t, json.Unmarshal(a.Body.Bytes(), &a.Verification))
	}
	if h.doc != nil {
		h.check(method, path, body, a)
	}
	return a
}

// to brings the verification to a kind of prompt and scripts the next answer.
func (h *host) to(kind carrierfsm.PromptKind, next ...fsmtest.Answer) carrierfsm.Verification {
	h.t.Helper()
	if kind != carrierfsm.PromptApplication {
		h.Upstream.Then(fsmtest.AcceptAt(source))
	}
	v, err := h.To(kind)
	require.NoError(h.t, err)
	h.Upstream.Then(next...)
	return v
}
