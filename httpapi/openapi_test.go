package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/httpapi"
)

// check checks a request that succeeded, and each response, by the description.
func (h *host) check(method, path, body string, a answer) {
	h.t.Helper()
	address, err := url.Parse(path)
	require.NoError(h.t, err)
	template := address.Path
	if parts := strings.Split(address.Path, "/"); len(parts) > 2 && parts[2] != "new" {
		parts[2] = "{id}"
		template = strings.Join(parts, "/")
	}
	op, found := h.doc.Paths[template][strings.ToLower(method)]
	require.True(h.t, found, "%s %s is not described", method, template)
	status := strconv.Itoa(a.Code)
	described := op.Responses[status]
	if described == nil {
		status = "default"
		described = op.Responses[status]
	}
	require.NotNil(h.t, described, "%s %s: %d is not described", method, template, a.Code)
	h.done[strings.ToLower(method)+" "+template+" "+status] = true
	media, found := described.Content[a.Header().Get("Content-Type")]
	require.True(h.t, found, "%s %s %s: %s is not described", method, template, status, a.Header().Get("Content-Type"))
	var value any
	require.NoError(h.t, json.Unmarshal(a.Body.Bytes(), &value))
	require.NoError(h.t, h.doc.check("", media["schema"], value), a.Body)
	if a.Code < http.StatusBadRequest && strings.HasPrefix(body, "{") {
		require.NoError(h.t, json.Unmarshal([]byte(body), &value))
		require.NoError(h.t, h.doc.check("", op.RequestBody.Content["application/json"]["schema"], value), body)
	}
}

// endpoint is an input with what it takes to submit it.
type endpoint struct {
	at     carrierfsm.PromptKind
	body   string
	answer fsmtest.Answer
	silent bool // it makes no call
}

func endpoints() map[carrierfsm.InputKind]endpoint {
	return map[carrierfsm.InputKind]endpoint{
		carrierfsm.InputApply: {carrierfsm.PromptApplication, `"step":%d,` + person + `,"home_address":"a","home_phone":"b","work_address":"c","work_phone":"d",` +
			`"contacts":[{"name":"甲","phone":"13800138001","relation":"1"}],"sources":[{"name":"chinamobilejs","category":"mobile"}]`, fsmtest.AcceptAt(source), false},
		carrierfsm.InputPassword:      {carrierfsm.PromptPassword, `"step":%d,"password":"246810"`, fsmtest.Code("10002"), false},
		carrierfsm.InputQueryPassword: {carrierfsm.PromptQueryPassword, `"step":%d,"password":"246810"`, fsmtest.Code("10008"), false},
		carrierfsm.InputCaptcha:       {carrierfsm.PromptCaptcha, `"step":%d,"code":"500001","password":"246810"`, fsmtest.Code("10008"), false},
		carrierfsm.InputResendCaptcha: {carrierfsm.PromptCaptcha, `"step":%d`, fsmtest.Code("10002"), false},
		carrierfsm.InputRequestReset:  {carrierfsm.PromptPassword, `"step":%d`, fsmtest.Code("10002"), false},
		carrierfsm.InputResetCaptcha:  {carrierfsm.PromptResetCaptcha, `"step":%d,"code":"500001","new_password":"135799"`, fsmtest.Code("11000"), false},
		carrierfsm.InputSkipSource:    {carrierfsm.PromptPassword, `"step":%d`, fsmtest.Code("10008"), false},
		carrierfsm.InputCancel:        {carrierfsm.PromptPassword, ``, fsmtest.Answer{}, true},
	}
}

// The description has each path, method, status and member that there is, and no other.
func TestTheDescriptionIsThatOfTheEndpoints(t *testing.T) {
	t.Parallel()
	doc, err := parse(httpapi.OpenAPI())
	require.NoError(t, err)
	require.Equal(t, "3.1.0", doc.OpenAPI)
	done := make(map[string]bool)
	host := func(change ...func(*carrierfsm.Config, *httpapi.Config)) *host {
		h := newHost(t, change...)
		h.doc, h.done = &doc, done
		return h
	}
	inputs := endpoints()
	require.Len(t, inputs, len(httpapi.Kinds()))
	for input, e := range inputs {
		path := "/verifications/v1/" + string(input)
		describeSuccess(host, path, e)
		describeRefusals(host, path, e)
	}
	describeCreate(host)
	describeGet(host)
	describeScreens(host)

	var want []string
	for path, methods := range doc.Paths {
		for method, op := range methods {
			require.NotEmpty(t, op.Summary, path)
			for status, r := range op.Responses {
				require.NotEmpty(t, r.Description, path)
				want = append(want, method+" "+path+" "+status)
			}
		}
	}
	require.ElementsMatch(t, want, slices.Collect(maps.Keys(done)))
	for name, s := range doc.Components.Schemas {
		require.NotEmpty(t, s.Description, name)
		for member := range s.Properties {
			require.True(t, doc.seen[name+"."+member], "%s.%s is in no response or request", name, member)
		}
	}
}

type newHostFunc = func(change ...func(*carrierfsm.Config, *httpapi.Config)) *host

// endWaits ends the waits of requests once the call has arrived whose answer is held
// back; without a gate, they wait as long as it takes.
func (h *host) endWaits(gate *fsmtest.Gate) {
	cfg := h.api.Config
	cfg.Changes = httpapi.NewChanges()
	api, err := httpapi.New(cfg)
	require.NoError(h.t, err)
	h.api = api
	if gate != nil {
		go func() {
			<-gate.Arrived()
			cfg.Changes.Close()
		}()
	}
}

func describeSuccess(host newHostFunc, path string, e endpoint) {
	h := host()
	v := h.to(e.at)
	if !e.silent {
		h.Upstream.Then(e.answer)
	}
	require.Equal(h.t, http.StatusOK, h.ask("POST", path, withStep(e.body, v.Step)).Code, path)

	h = host()
	if e.silent { // a cancellation waits for the call of another input
		other := endpoints()[carrierfsm.InputPassword]
		v, gate := h.hold(other)
		h.endWaits(gate)
		require.Equal(h.t, http.StatusAccepted, h.ask("POST", "/verifications/v1/password", withStep(other.body, v.Step)).Code)
		h.endWaits(nil)
		a := h.ask("POST", path, withStep(e.body, v.Step))
		require.Equal(h.t, http.StatusAccepted, a.Code)
		require.True(h.t, a.Canceling)
		h.release(gate)
		return
	}
	v, gate := h.hold(e)
	h.endWaits(gate)
	a := h.ask("POST", path, withStep(e.body, v.Step))
	require.Equal(h.t, http.StatusAccepted, a.Code, path)
	require.True(h.t, a.InFlight)
	h.release(gate)
}

// hold brings the verification to an endpoint's prompt, and holds its answer back.
func (h *host) hold(e endpoint) (carrierfsm.Verification, *fsmtest.Gate) {
	held, gate := fsmtest.Held(e.answer)
	return h.to(e.at, held), gate
}

// release releases an answer and waits until it is settled.
func (h *host) release(gate *fsmtest.Gate) {
	<-gate.Arrived()
	gate.Open()
	require.Eventually(h.t, func() bool { return !h.Get().InFlight }, time.Minute, time.Millisecond)
}

func withStep(body string, step int) string {
	if !strings.Contains(body, "%d") {
		return "{" + body + "}"
	}
	return "{" + fmt.Sprintf(body, step) + "}"
}

func describeRefusals(host newHostFunc, path string, e endpoint) {
	h := host()
	v := h.to(e.at)
	body := withStep(e.body, v.Step)
	require.Equal(h.t, "not_found", h.ask("POST", strings.Replace(path, "v1", "v3", 1), body).problem.Code)
	require.Equal(h.t, "forbidden", h.ask("POST", strings.Replace(path, "v1", "forbidden", 1), body).problem.Code)
	require.Equal(h.t, "broken", h.ask("POST", strings.Replace(path, "v1", "broken", 1), body).problem.Code)
	require.Equal(h.t, "invalid", h.ask("POST", path, `{"another":"member"}`).problem.Code)
	require.Equal(h.t, "too_large", h.ask("POST", path, body+strings.Repeat(" ", 64<<10)).problem.Code)
	h.header["Content-Type"] = "text/plain"
	require.Equal(h.t, "unsupported_media_type", h.ask("POST", path, body).problem.Code)
	h.header = map[string]string{"Sec-Fetch-Site": "cross-site"}
	require.Equal(h.t, "cross_origin", h.ask("POST", path, body).problem.Code)
	h.header = nil
	h.Must(h.Cancel())
	a := h.ask("POST", path, body)
	require.Equal(h.t, http.StatusConflict, a.Code)
	require.Equal(h.t, carrierfsm.Failed, a.State, "with the present verification")
	require.NoError(h.t, h.Machine.Close(h.t.Context()))
	require.Equal(h.t, "closing", h.ask("POST", path, body).problem.Code)
	if strings.HasSuffix(path, "resend_captcha") {
		h = host(func(c *carrierfsm.Config, _ *httpapi.Config) { c.Limits.ResendAfter = time.Minute })
		v = h.to(e.at)
		a = h.ask("POST", path, withStep(e.body, v.Step))
		require.Equal(h.t, "too_soon", a.problem.Code)
		require.InDelta(h.t, 60, a.problem.RetryAfter, 20)
		require.Equal(h.t, strconv.Itoa(a.problem.RetryAfter), a.Header().Get("Retry-After"))
	}
}

func describeCreate(host newHostFunc) {
	h := host()
	create := func(body string) answer { return h.ask("POST", "/verifications", body) }
	h.header["X-Begin"] = "v2"
	h.Upstream.Then(fsmtest.Refuse("请核对"), fsmtest.AcceptAt(source))
	a := create("{" + person + "}")
	require.Equal(h.t, http.StatusCreated, a.Code)
	require.Equal(h.t, "verifications/v2", a.Header().Get("Location"))
	require.Equal(h.t, carrierfsm.ApplicationRejected, a.Reason)
	require.Equal(h.t, http.StatusOK, create(withStep(`"step":%d,`+person, a.Step)).Code, "the form is corrected")
	require.Equal(h.t, "stale", create("{"+person+"}").problem.Code)
	require.Equal(h.t, "consent_required", create(strings.Replace("{"+person+"}", "2026-11", "2020-01", 1)).problem.Code)
	require.Equal(h.t, "too_large", create("{"+person+"}"+strings.Repeat(" ", 64<<10)).problem.Code)
	h.header["X-Begin"] = "forbidden"
	require.Equal(h.t, "forbidden", create("{"+person+"}").problem.Code)
	h.header["Content-Type"] = "text/plain"
	require.Equal(h.t, "unsupported_media_type", create("{"+person+"}").problem.Code)
	h.header = map[string]string{"X-Begin": "v4"}
	require.NoError(h.t, h.Machine.Close(h.t.Context()))
	require.Equal(h.t, "closing", create("{"+person+"}").problem.Code)

	h = host()
	h.header["X-Begin"] = "v1"
	held, gate := fsmtest.Held(fsmtest.AcceptAt(source))
	h.Upstream.Then(held)
	h.endWaits(gate)
	require.Equal(h.t, http.StatusAccepted, h.ask("POST", "/verifications", "{"+person+"}").Code)
	h.release(gate)
}

func describeGet(host newHostFunc) {
	h := host()
	h.ask("GET", "/verifications/new", "")
	h.ask("GET", "/verifications/v1", "")
	h.ask("GET", "/verifications/v3", "")
	h.ask("GET", "/verifications/forbidden", "")
	h.ask("GET", "/verifications/broken", "")
	h.ask("GET", "/openapi.json", "")
}

// describeScreens shows the screens that no other request shows.
func describeScreens(host newHostFunc) {
	for _, kind := range carrierfsm.PromptKinds() {
		h := host(func(c *carrierfsm.Config, _ *httpapi.Config) { c.Limits.ResendAfter = time.Minute })
		h.to(kind)
		for _, lang := range []string{"zh", "en"} {
			a := h.ask("GET", "/verifications/v1?lang="+lang, "")
			require.Equal(h.t, kind, a.Prompt.Kind)
			require.Equal(h.t, lang, a.Screen.Language)
		}
	}
	h := host()
	v := h.to(carrierfsm.PromptPassword, fsmtest.NotSent(), fsmtest.Reply(carrierfsm.Reply{Success: true, Code: "10003", Type: "CONTROL", Content: carrierfsm.NewSecret("密码错误")}), fsmtest.Code("10007"))
	a := h.ask("POST", "/verifications/v1/password", withStep(`"step":%d,"password":"000000"`, v.Step))
	require.True(h.t, a.Screen.Form.Keep, "nothing was submitted")
	a = h.ask("POST", "/verifications/v1/password", withStep(`"step":%d,"password":"000000"`, a.Step))
	require.True(h.t, a.Screen.Wrong)
	require.NotNil(h.t, a.Screen.Said)
	a = h.ask("POST", "/verifications/v1/password", withStep(`"step":%d,"password":"000000"`, a.Step))
	require.True(h.t, a.Screen.Actions[0].Main, a.Body)
	describeSources(host)
	describeLimits(host)
}

// describeSources shows the second source.
func describeSources(host newHostFunc) {
	h := host()
	next := carrierfsm.Source{Website: "chinatelecomah", Name: "安徽电信", Online: true}
	v := h.to(carrierfsm.PromptPassword, fsmtest.Reply(carrierfsm.Reply{Success: true, Code: "10008", Next: &next}))
	a := h.ask("POST", "/verifications/v1/password?lang=zh", withStep(`"step":%d,"password":"246810"`, v.Step))
	require.Equal(h.t, []string{source.Name}, a.Collected, a.Body)
	require.Equal(h.t, 2, a.Sources)
	require.Equal(h.t, "江苏移动已完成（1/2），接下来验证安徽电信。", a.Screen.Why)
}

// describeLimits shows a number whose passwords are used up: at the end of the first
// verification, and at the password of the second.
func describeLimits(host newHostFunc) {
	h := host(func(c *carrierfsm.Config, _ *httpapi.Config) {
		c.Numbers, _ = budget.NewNumbers([]byte("a secret of the host, 32 bytes long"))
	})
	v := h.to(carrierfsm.PromptPassword, fsmtest.Code("10003"), fsmtest.Code("10003"), fsmtest.AcceptAt(source))
	a := h.ask("POST", "/verifications/v1/password", withStep(`"step":%d,"password":"000000"`, v.Step))
	a = h.ask("POST", "/verifications/v1/password?lang=zh", withStep(`"step":%d,"password":"000001"`, a.Step))
	require.Equal(h.t, carrierfsm.PromptPassword, a.End.Prompt, a.Body)
	require.Equal(h.t, carrierfsm.PasswordRejected, a.End.After)
	require.InDelta(h.t, 24*60*60, a.End.Limited.Remaining, 60)
	require.Equal(h.t, "服务密码尝试次数已用完", a.Screen.Title)
	require.NotNil(h.t, a.Screen.Actions[0].After)

	h.header = map[string]string{"X-Begin": "v2"}
	a = h.ask("POST", "/verifications?lang=zh", "{"+person+"}")
	require.Equal(h.t, budget.Passwords, a.Prompt.Limited.Kind, a.Body)
	require.Nil(h.t, a.Screen.Form, "nothing can be entered")
	a = h.ask("POST", "/verifications/v2/password?lang=zh", withStep(`"step":%d,"password":"246810"`, a.Step))
	require.Equal(h.t, "number_limited", a.problem.Code)
	require.Contains(h.t, a.problem.Title, "（北京时间）之后再试。")
}

// The lists of states, kinds, events and codes are those of the tables.
func TestTheDescriptionListsWhatTheTablesHave(t *testing.T) {
	t.Parallel()
	doc, err := parse(httpapi.OpenAPI())
	require.NoError(t, err)
	of := doc.Components.Schemas
	require.ElementsMatch(t, texts(carrierfsm.States()), of["Verification"].Properties["state"].Enum)
	require.ElementsMatch(t, texts(carrierfsm.PromptKinds()), of["Prompt"].Properties["kind"].Examples)
	require.ElementsMatch(t, texts(httpapi.Kinds()), of["Prompt"].Properties["input"].Examples)
	require.ElementsMatch(t, texts(allReasons()), append(of["Prompt"].Properties["reason"].Examples, ""))
	require.ElementsMatch(t, texts(allReasons()), append(of["Verification"].Properties["reason"].Examples, ""))
	require.ElementsMatch(t, httpapi.Codes(), of["Problem"].Properties["code"].Examples)
}

func texts[T ~string](list []T) (all []string) {
	for _, t := range list {
		all = append(all, string(t))
	}
	return all
}

// The validator finds what is not as described.
func TestTheValidatorFindsMistakes(t *testing.T) {
	t.Parallel()
	doc, err := parse(httpapi.OpenAPI())
	require.NoError(t, err)
	resend := func(text string) error {
		var value any
		require.NoError(t, json.Unmarshal([]byte(text), &value))
		return doc.check("", schema{Ref: "#/components/schemas/Resend"}, value)
	}
	require.NoError(t, resend(`{"at":"2026-01-02T03:04:05Z","remaining_seconds":0,"left":1}`))
	for _, wrong := range []string{
		`{"at":"2026-01-02 03:04","remaining_seconds":0,"left":1}`, `{"at":"2026-01-02T03:04:05Z","remaining_seconds":-1,"left":1}`,
		`{"at":"2026-01-02T03:04:05Z","left":1}`, `{"at":"2026-01-02T03:04:05Z","remaining_seconds":0,"left":"1"}`,
		`{"at":"2026-01-02T03:04:05Z","remaining_seconds":0,"left":1,"more":1}`, `[]`, `"text"`, `null`,
	} {
		require.Error(t, resend(wrong), wrong)
	}
}
