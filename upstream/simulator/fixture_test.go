package simulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

const (
	applications = "/orgApi/rest/v2/applications/DEMO"
	collectReq   = "/orgApi/rest/v2/messages/collect/req"
	datasources  = "/orgApi/rest/v2/orgs/DEMO/datasources"
)

const jsonType = "application/json;charset=utf-8"

type fields = map[string]any

// fixture is a simulator with an HTTP server and a manual clock.
type fixture struct {
	*simulator.Server
	t    *testing.T
	http *httptest.Server
	mu   sync.Mutex
	now  time.Time
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// response is what a client receives.
type response struct {
	status      int
	contentType string
	location    string
	body        string
}

// send makes one request on a new connection, and follows no redirect.
func (f *fixture) send(ctx context.Context, method, path, contentType, body string) (response, error) {
	r, err := http.NewRequestWithContext(ctx, method, f.http.URL+path, bytes.NewReader([]byte(body)))
	require.NoError(f.t, err)
	r.Header.Set("Content-Type", contentType)
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return response{answer.StatusCode, answer.Header.Get("Content-Type"), answer.Header.Get("Location"), string(text)}, err
}

// post sends JSON and returns the decoded response.
func (f *fixture) post(path string, body any) fields {
	f.t.Helper()
	got, err := f.send(f.t.Context(), http.MethodPost, path, "application/json", encoded(f.t, body))
	require.NoError(f.t, err)
	require.Equal(f.t, http.StatusOK, got.status)
	require.Equal(f.t, jsonType, got.contentType)
	return decoded(f.t, got.body)
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func decoded(t *testing.T, text string) (v fields) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

func form(p simulator.Person) fields {
	return fields{"basic_info": fields{"name": p.Name, "id_card_num": p.IDCard, "cell_phone_num": p.Phone}}
}

// run is one person's verification.
type run struct {
	*fixture
	dialect dialect // of the client; nil: as request returns it
	person  simulator.Person
	token   string
	website string
}

// apply submits the form of the person at a carrier, by the carrier's key.
func (f *fixture) apply(key string) *run {
	f.t.Helper()
	return f.applyAs(personAt(f.t, key))
}

func (f *fixture) applyAs(p simulator.Person) *run {
	f.t.Helper()
	answer := f.post(applications, form(p))
	require.Equal(f.t, true, answer["success"], "%v", answer)
	return &run{f, nil, p, answer["data"].(fields)["token"].(string), p.Website}
}

func personAt(t *testing.T, key string) simulator.Person {
	t.Helper()
	for i, c := range simulator.Carriers() {
		if c.Key == key {
			return simulator.People()[i]
		}
	}
	t.Fatalf("no carrier %q", key)
	return simulator.Person{}
}

// request returns a collect request with one additional field.
func (r *run) request(kind, field, value string) fields {
	return fields{"token": r.token, "website": r.website, "account": r.person.Phone, "type": kind, field: value}
}

func (r *run) collect(kind, field, value string) string {
	r.t.Helper()
	return summarize(r.post(collectReq, r.speak(r.request(kind, field, value))))
}

func (r *run) login(password string) string { return r.collect("", "password", password) }
func (r *run) captcha(code string) string   { return r.collect("SUBMIT_CAPTCHA", "captcha", code) }
func (r *run) resend() string               { return r.collect("RESEND_CAPTCHA", "captcha", "") }
func (r *run) query(password string) string {
	return r.collect("SUBMIT_QUERY_PWD", "queryPwd", password)
}

// code returns the code that the phone received last, or an invalid one.
func (r *run) code() string {
	inbox := r.Inbox(r.person.Phone)
	if len(inbox) == 0 {
		return "none"
	}
	return inbox[len(inbox)-1].Code
}

func (r *run) texts() int { return len(r.Inbox(r.person.Phone)) }

// summarize returns the code of a response, or else the type, then the template,
// "end" for finish, and the next website.
func summarize(answer fields) string {
	data, found := answer["data"].(fields)
	if !found {
		return fmt.Sprint("refused: ", answer["message"])
	}
	out := fmt.Sprint(data["process_code"])
	if data["process_code"] == nil {
		out = fmt.Sprint(data["type"])
	}
	if tpl, found := data["req_msg_tpl"].(fields); found {
		out += fmt.Sprintf(" %v", tpl["type"])
	}
	if data["finish"] == true {
		out += " end"
	}
	if next, found := data["next_datasource"].(fields); found {
		out += fmt.Sprintf(" then %v", next["website"])
	}
	return out
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return newFixtureWith(t, simulator.Config{})
}

func newFixtureWith(t *testing.T, c simulator.Config) *fixture {
	t.Helper()
	f := &fixture{t: t, now: time.Unix(1_900_000_000, 0).UTC()}
	c.Now = f.clock
	f.Server = simulator.New(c)
	f.http = httptest.NewServer(f.Server)
	t.Cleanup(f.http.Close)
	t.Cleanup(f.Close)
	return f
}
