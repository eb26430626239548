package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.Around(m)) }

// stand is a console over a machine with a scripted upstream.
type stand struct {
	*fsmtest.Bench
	t       *testing.T
	console *console.Console
	by      console.Operator
}

// newStand makes one whose operator is li.wei, who may act.
func newStand(t *testing.T, cfg carrierfsm.Config, answers ...fsmtest.Answer) *stand {
	t.Helper()
	s := &stand{t: t, Bench: fsmtest.NewWith(t, cfg, answers...), by: console.Operator{Name: "li.wei", Access: console.Act}}
	s.over(s.Machine)
	return s
}

// over puts the console over another machine.
func (s *stand) over(m *carrierfsm.Machine, set ...func(*console.Config)) {
	s.t.Helper()
	cfg := console.Config{
		Machine: m, Now: s.Clock.Now,
		Authorize: func(*http.Request) (console.Operator, error) { return s.by, nil },
	}
	for _, f := range set {
		f(&cfg)
	}
	var err error
	s.console, err = console.New(cfg)
	require.NoError(s.t, err)
}

// get is the page at a path.
func (s *stand) get(path string) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequest(http.MethodGet, "/console/"+path, nil))
}

// page is the text of a page that has to be there.
func (s *stand) page(path string) string {
	s.t.Helper()
	w := s.get(path)
	require.Equal(s.t, http.StatusOK, w.Code, "%s: %s", path, w.Body)
	return w.Body.String()
}

// post sends a form as a page of the console does.
func (s *stand) post(form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/console/act", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(r)
}

func (s *stand) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.console.ServeHTTP(w, r)
	return w
}

// deed is a form that asks for something on v1, as it stands.
func (s *stand) deed(do string, more ...string) url.Values {
	s.t.Helper()
	v, err := s.Machine.Peek(context.Background(), s.ID)
	if err != nil {
		require.NotZero(s.t, v.Step)
	}
	form := url.Values{"do": {do}, "id": {s.ID}, "step": {itoa(v.Step)}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// another creates one more verification and brings it to its password.
func (s *stand) another(id string) carrierfsm.Verification {
	s.t.Helper()
	ctx := context.Background()
	_, err := s.Machine.Create(ctx, carrierfsm.NewVerification{ID: id})
	require.NoError(s.t, err)
	v, err := s.Machine.Submit(ctx, id, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	require.NoError(s.t, err)
	return v
}

const day = 24 * time.Hour
