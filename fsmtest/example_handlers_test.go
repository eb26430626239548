package fsmtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// service is a host with one HTTP handler.
type service struct{ machine *carrierfsm.Machine }

// postCode submits the code that a person typed, and responds with what to ask next.
func (s service) postCode(w http.ResponseWriter, r *http.Request) {
	v, err := s.machine.Get(r.Context(), r.PathValue("id"))
	if err == nil && v.Prompt != nil {
		v, err = s.machine.Submit(r.Context(), v.ID, carrierfsm.Captcha{Step: v.Prompt.Step, Code: carrierfsm.NewSecret(r.FormValue("code"))})
	}
	if err != nil || v.Prompt == nil {
		http.Error(w, "it can't be answered now", http.StatusConflict)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ask": v.Prompt.Kind, "because": v.Prompt.Reason, "left": v.Prompt.AttemptsLeft})
}

// A host's test of its HTTP handler: the upstream's answers are a script, and
// everything else is real. Call it from a Test function of your own.
func Example_handlers() {
	testAWrongCodeIsAskedForAgain := func(t *testing.T) {
		b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"), fsmtest.Code("10004"))
		b.Must(b.Apply())
		b.Must(b.Password("246810"))
		r := httptest.NewRequest(http.MethodPost, "/verifications/v1/code", strings.NewReader("code=500001"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetPathValue("id", b.ID)
		w := httptest.NewRecorder()
		service{b.Machine}.postCode(w, r)
		if got := w.Body.String(); got != `{"ask":"captcha","because":"captcha_rejected","left":2}`+"\n" {
			t.Fatal(w.Code, got)
		}
	}
	fmt.Println("passed:", passes(testAWrongCodeIsAskedForAgain))
	// Output: passed: true
}
