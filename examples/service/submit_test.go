package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAVerificationRunsOverTheEndpoints(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	c := newAPIClient(t, start(t, testOptions(w)), "beijing")
	g := c.password()
	require.EqualValues(t, "captcha", g.Screen.Form.Input)
	g = c.post("captcha", fields{"step": g.Screen.Step, "code": w.code(t, c.person)})
	require.EqualValues(t, "query_password", g.Screen.Form.Input)
	g = c.post("query_password", fields{"step": g.Screen.Step, "password": c.person.QueryPassword})
	require.Equal(t, "done", g.Screen.Tone, g.body)
	require.Equal(t, "Verified", c.get().Screen.Title)
	require.Equal(t, http.StatusOK, c.send(http.MethodPost, "/api/anew", "{}").status)
	require.Equal(t, "new", c.get().Screen.Tag)
}

// Of ten concurrent requests from one browser, one is sent to upstream.
func TestConcurrentClicksSendOnce(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	c := newAPIClient(t, start(t, testOptions(w)), "plain")
	c.get()
	at := func(input string, f fields) (ok int) {
		text, err := json.Marshal(f)
		require.NoError(t, err)
		statuses := make([]int, 10)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				response, err := c.http.Post(c.url+path(input), "application/json", bytes.NewReader(text))
				if err == nil {
					_ = response.Body.Close()
					statuses[i] = response.StatusCode
				}
			})
		}
		all.Wait()
		for _, status := range statuses {
			if status == http.StatusOK || status == http.StatusCreated {
				ok++
			} else {
				require.Equal(t, http.StatusConflict, status)
			}
		}
		return ok
	}
	require.Equal(t, 1, at("apply", c.form()))
	require.Len(t, w.Requests(), 1)
	require.Equal(t, 1, at("password", fields{"step": c.get().Screen.Step, "password": c.person.Password}))
	require.Equal(t, 1, w.Arrivals(c.person.Password))
	code := w.code(t, c.person)
	require.Equal(t, 1, at("captcha", fields{"step": c.get().Screen.Step, "code": code}))
	require.Equal(t, 1, w.Arrivals(code))
}

// Refused inputs, with status and code. None is sent to upstream.
func TestARefusedInputIsExplainedAndNotSent(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	o := testOptions(w)
	o.machine.ResendAfter = 4 * time.Minute
	r := start(t, o)
	c := newAPIClient(t, r, "plain")
	g := c.password()
	step, sent := g.Screen.Step, len(w.Requests())
	for rule, e := range map[string]struct {
		input  string
		fields fields
		status int
		word   string
	}{
		"an older step":                {"captcha", fields{"step": step - 1, "code": "123456"}, http.StatusConflict, "stale"},
		"a form that was accepted":     {"apply", c.form(), http.StatusConflict, "stale"},
		"an input that is not awaited": {"query_password", fields{"step": step, "password": "135790"}, http.StatusConflict, "not_awaited"},
		"an empty code":                {"captcha", fields{"step": step, "code": ""}, http.StatusUnprocessableEntity, "no_code"},
		"no step":                      {"captcha", fields{"code": "123456"}, http.StatusUnprocessableEntity, "invalid"},
		"an unknown field":             {"captcha", fields{"step": step, "code": "123456", "codes": "1"}, http.StatusUnprocessableEntity, "invalid"},
		"a step that is no number":     {"captcha", fields{"step": "x", "code": "123456"}, http.StatusUnprocessableEntity, "invalid"},
		"an unknown input":             {"guess", fields{"step": step}, http.StatusNotFound, "no_endpoint"},
		"a resend too soon":            {"resend_captcha", fields{"step": step}, http.StatusTooManyRequests, "too_soon"},
		"a reset that is not possible": {"request_reset", fields{"step": step}, http.StatusConflict, "not_awaited"},
	} {
		g := c.post(e.input, e.fields)
		require.Equal(t, e.status, g.status, rule)
		require.Equal(t, e.word, g.code(), rule)
		require.NotEmpty(t, g.Problem.Title, rule)
		if e.word == "stale" || e.word == "not_awaited" || e.word == "too_soon" {
			require.Equal(t, step, g.Screen.Step, "%s: the response has the current screen", rule)
		}
		if e.word == "too_soon" {
			seconds, err := strconv.Atoi(g.header.Get("Retry-After"))
			require.NoError(t, err)
			require.InDelta(t, 240, seconds, 200)
		}
	}
	require.Equal(t, http.StatusConflict, c.send(http.MethodPost, "/api/anew", "{}").status)
	other := newAPIClient(t, r, "plain")
	require.Equal(t, "no_ticket", other.post("apply", other.form()).code())
	require.Equal(t, "not_found", other.post("captcha", fields{"step": step, "code": "123456"}).code())
	other.get()
	require.Equal(t, "not_found", other.post("captcha", fields{"step": step, "code": "123456"}).code())
	require.Equal(t, "", other.post("apply", other.form()).code(), "nobody learns that another verification has this number")
	sent++ // the form
	without := other.form()
	without["consent"] = "an older text"
	require.Equal(t, "consent_required", other.post("apply", without).code())
	require.Len(t, w.Requests(), sent)
}

// A number that is corrected after the form was refused gets another verification,
// and the first one is canceled.
func TestACorrectedNumberHasItsOwnVerification(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	r := start(t, testOptions(w))
	c := newAPIClient(t, r, "plain")
	c.get()
	unknown := c.form()
	unknown["phone"] = "13800138099"
	g := c.post("apply", unknown)
	require.EqualValues(t, "apply", g.Screen.Form.Input, g.body)
	require.NotEmpty(t, g.Screen.Why)
	before := c.ticket()
	right := c.form()
	right["step"] = g.Screen.Step
	g = c.post("apply", right)
	require.EqualValues(t, "password", g.Screen.Form.Input, g.body)
	require.NotEqual(t, before, c.ticket())
	other := newAPIClient(t, r, "plain")
	other.get()
	require.EqualValues(t, "apply", other.post("apply", unknown).Screen.Form.Input, "the wrong number is free again")
}

// The response to the form is lost, with its cookie: sending the form again returns
// the same verification, and sends nothing to upstream.
func TestAFormIsIdempotentAfterALostResponse(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	c := newAPIClient(t, start(t, testOptions(w)), "plain")
	c.get()
	fresh := c.ticket()
	c.post("apply", c.form())
	r, err := http.NewRequest(http.MethodGet, c.url, nil)
	require.NoError(t, err)
	c.http.Jar.SetCookies(r.URL, []*http.Cookie{{Name: ticketCookie, Value: fresh, Path: "/"}})
	require.Equal(t, "new", c.get().Screen.Tag)
	g := c.post("apply", c.form())
	require.Equal(t, "stale", g.code())
	require.EqualValues(t, "password", g.Screen.Form.Input)
	require.EqualValues(t, "password", c.get().Screen.Form.Input, "the cookie was set again")
	require.Len(t, w.Requests(), 1)
}

// What the person pastes reaches upstream as it is meant, and a number has one
// verification in every spelling.
func TestWhatThePersonPastesIsRead(t *testing.T) {
	t.Parallel()
	w := newAggregator(t)
	r := start(t, testOptions(w))
	c := newAPIClient(t, r, "plain")
	c.get()
	other := newAPIClient(t, r, "plain")
	other.get()
	require.Empty(t, other.post("apply", other.form()).code())
	form := c.form()
	form["phone"] = "+86 " + c.person.Phone[:3] + "-" + c.person.Phone[3:]
	form["id_card"] = c.person.IDCard[:6] + " " + strings.ToLower(c.person.IDCard[6:])
	g := c.post("apply", form)
	require.EqualValues(t, "password", g.Screen.Form.Input, g.body)
	require.Equal(t, "This verification is no longer valid", other.get().Screen.Title, "another spelling of this number took its place")
	form["phone"] = "+1 380 013 8000"
	require.Equal(t, "no_phone", other.post("apply", form).code())

	g = c.post("password", fields{"step": g.Screen.Step, "password": c.person.Password})
	code := w.code(t, c.person)
	step, sent := g.Screen.Step, len(w.Requests())
	for _, text := range []string{"", "【江苏移动】请勿泄露验证码", code + " " + code, "O" + code[1:]} {
		g = c.post("captcha", fields{"step": step, "code": text})
		require.Equal(t, "no_code", g.code(), text)
		require.Equal(t, http.StatusUnprocessableEntity, g.status)
		require.Equal(t, step, g.Screen.Step, "the response has the current screen")
	}
	require.Len(t, w.Requests(), sent)
	g = c.post("captcha", fields{"step": step, "code": "【江苏移动】您的验证码为" + code + "，10分钟内有效。"})
	require.Equal(t, "done", g.Screen.Tone, g.body)
	require.Equal(t, 1, w.Arrivals(code))
}
