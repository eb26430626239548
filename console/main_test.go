package console_test

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.Around(m)) }

// fixture is a console of a machine with a scripted upstream.
type fixture struct {
	*fsmtest.Bench
	t        *testing.T
	console  *console.Console
	handlers *outbox.Dispatcher // nil if the store is no outbox.Store
	counters *figures.Counters  // nil if the store is no figures.Store
	operator console.Operator
	started  int // verifications that traffic has begun
}

// newFixture returns a fixture whose operator is li.wei, with the access Act.
func newFixture(t *testing.T, cfg carrierfsm.Config, answers ...fsmtest.Answer) *fixture {
	t.Helper()
	s := &fixture{t: t, Bench: fsmtest.NewWith(t, cfg, answers...), operator: console.Operator{Name: "li.wei", Access: console.Act}}
	if store, ok := s.Store.(figures.Store); ok {
		var err error
		s.counters, err = figures.New(figures.Config{Store: store, Now: s.Clock.Now})
		require.NoError(t, err)
	}
	if _, ok := s.Store.(outbox.Store); ok {
		s.setHandlers(nil)
	}
	s.setConsole(s.Machine)
	return s
}

// setHandlers replaces the handlers that s.handlers calls.
func (s *fixture) setHandlers(handlers map[string]outbox.Handler) {
	s.t.Helper()
	cfg := outbox.Config{Handlers: handlers}
	if s.counters != nil {
		cfg.Projections = []outbox.Projection{s.counters}
	}
	s.handlers = s.Dispatcher(cfg)
	s.setConsole(s.Machine)
}

// count has the dispatcher count what happened; handlers may fail.
func (s *fixture) count() {
	_, _ = s.handlers.Deliver(context.Background())
}

// setConsole replaces the console by one of m.
func (s *fixture) setConsole(m *carrierfsm.Machine, set ...func(*console.Config)) {
	s.t.Helper()
	cfg := console.Config{
		Machine: m, Dispatcher: s.handlers, Now: s.Clock.Now,
		Authorize: func(*http.Request) (console.Operator, error) { return s.operator, nil },
	}
	cfg.Figures = s.counters
	if log, ok := s.Store.(acts.Log); ok {
		cfg.Acts = log
	}
	for _, f := range set {
		f(&cfg)
	}
	var err error
	s.console, err = console.New(cfg)
	require.NoError(s.t, err)
}

// get requests a page.
func (s *fixture) get(path string) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequest(http.MethodGet, "/console/"+path, nil))
}

// page returns the body of a page, which must have status 200.
func (s *fixture) page(path string) string {
	s.t.Helper()
	w := s.get(path)
	require.Equal(s.t, http.StatusOK, w.Code, "%s: %s", path, w.Body)
	return w.Body.String()
}

// post submits a form as a page of the console does.
func (s *fixture) post(form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/console/act", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(r)
}

func (s *fixture) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	http.StripPrefix("/console", s.console).ServeHTTP(w, r)
	return w
}

// action returns the form of an action on s.ID at its present step.
func (s *fixture) action(do string, more ...string) url.Values {
	s.t.Helper()
	v, err := s.Machine.Read(context.Background(), s.ID)
	if err != nil {
		require.NotZero(s.t, v.Step)
	}
	form := url.Values{"do": {do}, "id": {s.ID}, "step": {itoa(v.Step)}, "reason": {"asked for"}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// addVerification creates a verification and takes it to the password prompt.
func (s *fixture) addVerification(id string) carrierfsm.Verification {
	s.t.Helper()
	ctx := context.Background()
	_, err := s.Machine.Create(ctx, carrierfsm.NewVerification{ID: id})
	require.NoError(s.t, err)
	v, err := s.Machine.Submit(ctx, id, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	require.NoError(s.t, err)
	return v
}

const day = 24 * time.Hour

func itoa(n int) string { return strconv.Itoa(n) }

// visibleText returns the text of a page without markup and pictures.
func visibleText(page string) string {
	page = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(page)), " ")
}

// listed returns the verifications on a page, and the link to the next page.
func (s *fixture) listed(path string) (ids []string, next string) {
	s.t.Helper()
	page := s.page(path)
	for _, m := range rowID.FindAllStringSubmatch(page, -1) {
		ids = append(ids, html.UnescapeString(m[1]))
	}
	if m := nextLink.FindStringSubmatch(page); m != nil {
		next = html.UnescapeString(m[1])
	}
	return ids, next
}

// put stores a record.
func (s *fixture) put(id string, ago time.Duration, change func(*carrierfsm.Record)) {
	s.t.Helper()
	at := s.Clock.Now().Add(-ago)
	r := carrierfsm.Record{ID: id, State: carrierfsm.Created, Version: 1, Table: 1, Created: at, Updated: at, Body: []byte(`{"ask":"application"}`)}
	if change != nil {
		change(&r)
	}
	require.NoError(s.t, s.Store.Create(context.Background(), r))
}

var (
	rowID    = regexp.MustCompile(`<th scope="row"><a class="id" href="[^"]*">([^<]*)</a>`)
	nextLink = regexp.MustCompile(`<a rel="next" href="([^"]*)">`)
)
