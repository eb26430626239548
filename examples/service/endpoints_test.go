package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// caller is a browser without a page: it keeps cookies and sends what the
// page's script sends.
type caller struct {
	t    *testing.T
	http *http.Client
	url  string
	self simulator.Person
	all  *[]string // every answer and cookie that came
}

func newCaller(t *testing.T, r *running, carrier string) *caller {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{
		t: t, url: r.url, self: customer(t, carrier), all: new([]string),
		http: &http.Client{Jar: jar, Transport: transport},
	}
}

// got is what an endpoint answered.
type got struct {
	status int
	header http.Header
	body   string
	answer
}

// word is the problem's; empty where there is none.
func (g got) word() string {
	if g.Problem == nil {
		return ""
	}
	return g.Problem.Word
}

// send sends a request and reads its answer; further headers come in pairs.
func (c *caller) send(method, path, body string, headers ...string) (g got) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	require.NoError(c.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.http.Do(r)
	require.NoError(c.t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	g.status, g.header, g.body = response.StatusCode, response.Header, string(text)
	if strings.HasPrefix(g.body, "{") {
		require.NoError(c.t, json.Unmarshal(text, &g.answer))
	}
	*c.all = append(*c.all, g.body, strings.Join(g.header.Values("Set-Cookie"), "\n"))
	return g
}

func (c *caller) look() got { return c.send(http.MethodGet, "/api/verification?lang=en", "") }

// post sends an input with these fields.
func (c *caller) post(input string, fields map[string]any) got {
	c.t.Helper()
	text, err := json.Marshal(fields)
	require.NoError(c.t, err)
	return c.send(http.MethodPost, "/api/verification/"+input+"?lang=en", string(text))
}

type fields = map[string]any

func (c *caller) form() fields {
	return fields{"step": 0, "name": c.self.Name, "id_card": c.self.IDCard, "phone": c.self.Phone, "consent": consentPolicy}
}

// apply comes as far as the prompt for the password.
func (c *caller) apply() got {
	c.t.Helper()
	require.Equal(c.t, http.StatusOK, c.look().status)
	g := c.post("apply", c.form())
	require.Equal(c.t, http.StatusOK, g.status, g.body)
	return g
}

// password comes as far as the prompt after the password.
func (c *caller) password() got {
	c.t.Helper()
	g := c.apply()
	g = c.post("password", fields{"step": g.Screen.Step, "password": c.self.Password})
	require.Equal(c.t, http.StatusOK, g.status, g.body)
	return g
}

// ticket is the value of the ticket's cookie.
func (c *caller) ticket() string {
	r, err := http.NewRequest(http.MethodGet, c.url, nil)
	require.NoError(c.t, err)
	for _, cookie := range c.http.Jar.Cookies(r.URL) {
		if cookie.Name == ticketCookie {
			return cookie.Value
		}
	}
	return ""
}

func TestAVerificationRunsOverTheEndpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := newCaller(t, start(t, quick(w)), "beijing")
	g := c.password()
	require.Equal(t, "captcha", g.Screen.Form.Input)
	g = c.post("captcha", fields{"step": g.Screen.Step, "code": w.code(t, c.self)})
	require.Equal(t, "query_password", g.Screen.Form.Input)
	g = c.post("query_password", fields{"step": g.Screen.Step, "password": c.self.QueryPassword})
	require.Equal(t, "done", g.Screen.Tone, g.body)
	require.Equal(t, "Verified", c.look().Screen.Title)
	require.Equal(t, http.StatusOK, c.send(http.MethodPost, "/api/anew", "{}").status)
	require.Equal(t, "new", c.look().Screen.Mark)
}

// Ten at once, from one browser: one request goes upstream, whoever wins.
func TestClicksAtOnceSendOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := newCaller(t, start(t, quick(w)), "plain")
	c.look()
	at := func(input string, f fields) (ok int) {
		text, err := json.Marshal(f)
		require.NoError(t, err)
		statuses := make([]int, 10)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				response, err := c.http.Post(c.url+"/api/verification/"+input, "application/json", bytes.NewReader(text))
				if err == nil {
					_ = response.Body.Close()
					statuses[i] = response.StatusCode
				}
			})
		}
		all.Wait()
		for _, status := range statuses {
			if status == http.StatusOK {
				ok++
			} else {
				require.Equal(t, http.StatusConflict, status)
			}
		}
		return ok
	}
	require.Equal(t, 1, at("apply", c.form()))
	require.Len(t, w.Requests(), 1)
	require.Equal(t, 1, at("password", fields{"step": c.look().Screen.Step, "password": c.self.Password}))
	require.Equal(t, 1, w.Arrivals(c.self.Password))
	code := w.code(t, c.self)
	require.Equal(t, 1, at("captcha", fields{"step": c.look().Screen.Step, "code": code}))
	require.Equal(t, 1, w.Arrivals(code))
}

// What is refused, and how. None of it reaches upstream.
func TestWhatIsRefusedIsToldAndNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := quick(w)
	o.machine.ResendAfter = 4 * time.Minute
	r := start(t, o)
	c := newCaller(t, r, "plain")
	g := c.password()
	step, sent := g.Screen.Step, len(w.Requests())
	for rule, e := range map[string]struct {
		input  string
		fields fields
		status int
		word   string
	}{
		"a step that is over":          {"captcha", fields{"step": step - 1, "code": "123456"}, http.StatusConflict, "stale"},
		"a form that was sent already": {"apply", c.form(), http.StatusConflict, "stale"},
		"what is not asked":            {"query_password", fields{"step": step, "password": "135790"}, http.StatusConflict, "not_awaited"},
		"an empty code":                {"captcha", fields{"step": step, "code": ""}, http.StatusUnprocessableEntity, "invalid"},
		"no step":                      {"captcha", fields{"code": "123456"}, http.StatusUnprocessableEntity, "invalid"},
		"a field that is not there":    {"captcha", fields{"step": step, "code": "123456", "codes": "1"}, http.StatusUnprocessableEntity, "invalid"},
		"a step that is no number":     {"captcha", fields{"step": "x", "code": "123456"}, http.StatusUnprocessableEntity, "invalid"},
		"an input that is not there":   {"guess", fields{"step": step}, http.StatusNotFound, "no_page"},
		"another code at once":         {"resend_captcha", fields{"step": step}, http.StatusTooManyRequests, "too_soon"},
		"no reset where none is":       {"request_reset", fields{"step": step}, http.StatusConflict, "not_awaited"},
	} {
		g := c.post(e.input, e.fields)
		require.Equal(t, e.status, g.status, rule)
		require.Equal(t, e.word, g.word(), rule)
		require.NotEmpty(t, g.Problem.Text, rule)
		if e.word == "stale" || e.word == "not_awaited" || e.word == "too_soon" {
			require.Equal(t, step, g.Screen.Step, "%s: the current screen comes along", rule)
		}
		if e.word == "too_soon" {
			seconds, err := strconv.Atoi(g.header.Get("Retry-After"))
			require.NoError(t, err)
			require.InDelta(t, 240, seconds, 200)
		}
	}
	require.Equal(t, http.StatusConflict, c.send(http.MethodPost, "/api/anew", "{}").status)
	for rule, body := range map[string]string{
		"two at once": `{"step":%d,"code":"123456"}{"step":2}`, "no JSON": `step=%d`,
		"too large": `{"step":%d,"code":"123456"` + strings.Repeat(" ", maxBody) + `}`,
	} {
		g = c.send(http.MethodPost, "/api/verification/captcha", fmt.Sprintf(body, step))
		require.Equal(t, "invalid", g.word(), rule)
	}
	other := newCaller(t, r, "plain")
	require.Equal(t, "no_ticket", other.post("captcha", fields{"step": step, "code": "123456"}).word())
	other.look()
	require.Equal(t, "no_ticket", other.post("captcha", fields{"step": step, "code": "123456"}).word())
	require.Equal(t, "number_in_use", other.post("apply", other.form()).word(), "somebody verifies this number already")
	without := other.form()
	without["consent"] = "an older text"
	require.Equal(t, "consent_required", other.post("apply", without).word())
	require.Len(t, w.Requests(), sent)
}

// A number that is corrected after the form was refused is another verification,
// and the first one ends.
func TestACorrectedNumberHasItsOwnVerification(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := start(t, quick(w))
	c := newCaller(t, r, "plain")
	c.look()
	nobody := c.form()
	nobody["phone"] = "13800138099"
	g := c.post("apply", nobody)
	require.Equal(t, "apply", g.Screen.Form.Input, g.body)
	require.NotEmpty(t, g.Screen.Why)
	before := c.ticket()
	right := c.form()
	right["step"] = g.Screen.Step
	g = c.post("apply", right)
	require.Equal(t, "password", g.Screen.Form.Input, g.body)
	require.NotEqual(t, before, c.ticket())
	other := newCaller(t, r, "plain")
	other.look()
	require.Equal(t, "apply", other.post("apply", nobody).Screen.Form.Input, "the wrong number is free again")
}

// The answer to the form is lost on its way, with the cookie: sending it once
// more finds the verification, and sends nothing upstream.
func TestALostAnswerToTheFormLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := newCaller(t, start(t, quick(w)), "plain")
	c.look()
	fresh := c.ticket()
	c.post("apply", c.form())
	r, err := http.NewRequest(http.MethodGet, c.url, nil)
	require.NoError(t, err)
	c.http.Jar.SetCookies(r.URL, []*http.Cookie{{Name: ticketCookie, Value: fresh, Path: "/"}})
	require.Equal(t, "new", c.look().Screen.Mark)
	g := c.post("apply", c.form())
	require.Equal(t, "stale", g.word())
	require.Equal(t, "password", g.Screen.Form.Input)
	require.Equal(t, "password", c.look().Screen.Form.Input, "and the cookie is there again")
	require.Len(t, w.Requests(), 1)
}

// A request that waits is woken by what another one does.
func TestWhoeverWaitsIsToldOfAChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := newCaller(t, start(t, quick(w)), "plain")
	g := c.apply()
	waits := *c
	waits.all = new([]string)
	changed := make(chan got, 1)
	go func() { changed <- waits.send(http.MethodGet, "/api/verification?lang=en&seen="+g.Screen.Mark, "") }()
	c.post("cancel", fields{"step": g.Screen.Step})
	after := <-changed
	require.Equal(t, "failed", after.Screen.Tone)
	require.Equal(t, "Canceled", after.Screen.Title)
}
