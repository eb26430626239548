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

// bench is a simulator behind a real server, and a clock that stands still.
type bench struct {
	*simulator.Server
	t    *testing.T
	http *httptest.Server
	mu   sync.Mutex
	now  time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchOf(t, simulator.Config{})
}

func newBenchOf(t *testing.T, c simulator.Config) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Unix(1_900_000_000, 0).UTC()}
	c.Now = b.clock
	b.Server = simulator.New(c)
	b.http = httptest.NewServer(b.Server)
	t.Cleanup(b.http.Close)
	t.Cleanup(b.Close)
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// seen is what a client gets for a request.
type seen struct {
	status      int
	contentType string
	location    string
	body        string
}

// send makes one request on a connection of its own, as a client that follows
// no redirect.
func (b *bench) send(ctx context.Context, method, path, contentType, body string) (seen, error) {
	r, err := http.NewRequestWithContext(ctx, method, b.http.URL+path, bytes.NewReader([]byte(body)))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", contentType)
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return seen{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return seen{answer.StatusCode, answer.Header.Get("Content-Type"), answer.Header.Get("Location"), string(text)}, err
}

// post sends JSON and returns the decoded answer.
func (b *bench) post(path string, body any) fields {
	b.t.Helper()
	got, err := b.send(b.t.Context(), http.MethodPost, path, "application/json", encoded(b.t, body))
	require.NoError(b.t, err)
	require.Equal(b.t, http.StatusOK, got.status)
	require.Equal(b.t, jsonType, got.contentType)
	return decoded(b.t, got.body)
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

// talk is one person's collection.
type talk struct {
	*bench
	person  simulator.Person
	token   string
	website string
}

// apply hands in the form of the person at a carrier, by the carrier's key.
func (b *bench) apply(key string) *talk {
	b.t.Helper()
	return b.applyAs(personAt(b.t, key))
}

func (b *bench) applyAs(p simulator.Person) *talk {
	b.t.Helper()
	answer := b.post(applications, form(p))
	require.Equal(b.t, true, answer["success"], "%v", answer)
	return &talk{b, p, answer["data"].(fields)["token"].(string), p.Website}
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

// request is a collect request with one more field.
func (k *talk) request(kind, field, value string) fields {
	return fields{"token": k.token, "website": k.website, "account": k.person.Phone, "type": kind, field: value}
}

func (k *talk) collect(kind, field, value string) string {
	k.t.Helper()
	return short(k.post(collectReq, k.request(kind, field, value)))
}

func (k *talk) login(password string) string { return k.collect("", "password", password) }
func (k *talk) captcha(code string) string   { return k.collect("SUBMIT_CAPTCHA", "captcha", code) }
func (k *talk) resend() string               { return k.collect("RESEND_CAPTCHA", "captcha", "") }
func (k *talk) query(password string) string {
	return k.collect("SUBMIT_QUERY_PWD", "queryPwd", password)
}

// code is what the phone received last, or what it could not have received.
func (k *talk) code() string {
	inbox := k.Inbox(k.person.Phone)
	if len(inbox) == 0 {
		return "none"
	}
	return inbox[len(inbox)-1].Code
}

func (k *talk) texts() int { return len(k.Inbox(k.person.Phone)) }

// short is an answer in short: the code, or else the type; the template, "end"
// for finish, the website that comes next.
func short(answer fields) string {
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
