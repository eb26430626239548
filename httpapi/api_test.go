package httpapi_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/httpapi"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

func TestAConfigurationThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	whole := newHost(t).api.Config
	for rule, change := range map[string]func(*httpapi.Config){
		"no machine":      func(c *httpapi.Config) { c.Machine = nil },
		"no authorize":    func(c *httpapi.Config) { c.Authorize = nil },
		"no begin":        func(c *httpapi.Config) { c.Begin = nil },
		"no policy":       func(c *httpapi.Config) { c.Consent.Policy = "" },
		"a negative wait": func(c *httpapi.Config) { c.Wait = -1 },
		"one language": func(c *httpapi.Config) {
			c.Consent.Documents = map[string]httpapi.Document{"zh": agreement.Documents["zh"]}
		},
		"a document without a part": func(c *httpapi.Config) {
			half := agreement.Documents["en"]
			half.Contact = ""
			c.Consent.Documents = map[string]httpapi.Document{"zh": agreement.Documents["zh"], "en": half}
		},
	} {
		cfg := whole
		change(&cfg)
		_, err := httpapi.New(cfg)
		require.Error(t, err, rule)
	}
}

// A host that shows its own text asks for one consent.
func TestAConsentWithoutDocumentsIsOne(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(_ *carrierfsm.Config, c *httpapi.Config) { c.Consent = httpapi.Consent{Policy: "2026-11"} })
	a := h.ask("GET", "/verifications/v1", "")
	require.Nil(t, a.Screen.Terms)
	require.Len(t, a.Screen.Form.Fields, 4)
	h.Upstream.Then(fsmtest.AcceptAt(source))
	body := `{"step":0,"name":"测试","id_card":"11010519491231002X","phone":"13800138000","consent":"2026-11"}`
	require.Equal(t, http.StatusOK, h.ask("POST", "/verifications/v1/apply", body).Code)
	require.NoError(t, agreement.Check())
	require.ErrorContains(t, httpapi.Consent{Policy: "1"}.Check(), "zh")
}

// After a resend the screen says that another code was sent.
func TestAResendIsConfirmed(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	v := h.to(carrierfsm.PromptCaptcha, fsmtest.Code("10002"))
	require.Empty(t, h.ask("GET", "/verifications/v1?lang=en", "").Screen.Why)
	a := h.ask("POST", "/verifications/v1/resend_captcha?lang=en", withStep(`"step":%d`, v.Step))
	require.Equal(t, "Another code was sent. Enter the new one.", a.Screen.Why, a.Body)
	require.False(t, a.Screen.Wrong)
	h.Upstream.Then(fsmtest.Lost())
	a = h.ask("POST", "/verifications/v1/resend_captcha?lang=en", withStep(`"step":%d`, a.Step))
	require.NotContains(t, a.Screen.Why, "Another code was sent")
}

// A request that waits returns at a change that this process makes, and otherwise after
// Wait with what there is.
func TestARequestWaitsForAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		changes := httpapi.NewChanges()
		h := newHost(t, func(m *carrierfsm.Config, c *httpapi.Config) {
			m.Observer, c.Changes, c.Wait = changes.Observer(), changes, 20*time.Second
		})
		seen := h.ask("GET", "/verifications/v1", "").Tag
		began := time.Now()
		require.Equal(t, seen, h.ask("GET", "/verifications/v1?seen="+seen, "").Tag)
		require.Equal(t, 20*time.Second, time.Since(began))
		began = time.Now()
		go func() {
			time.Sleep(300 * time.Millisecond) //nolint:forbidigo // of the bubble's clock
			_, _ = h.Cancel()
		}()
		require.Equal(t, carrierfsm.Failed, h.ask("GET", "/verifications/v1?seen="+seen, "").State)
		require.Equal(t, 300*time.Millisecond, time.Since(began))
		began = time.Now()
		ended := h.ask("GET", "/verifications/v1", "").Tag
		h.ask("GET", "/verifications/v1?seen="+ended, "")
		require.Zero(t, time.Since(began), "nothing changes after the end")
	})
}

// Close ends the requests that wait.
func TestClosedChangesEndTheWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		changes := httpapi.NewChanges()
		h := newHost(t, func(_ *carrierfsm.Config, c *httpapi.Config) { c.Changes = changes })
		seen := h.ask("GET", "/verifications/v1", "").Tag
		began := time.Now()
		time.AfterFunc(time.Millisecond, changes.Close)
		h.ask("GET", "/verifications/v1?seen="+seen, "")
		require.Equal(t, time.Millisecond, time.Since(began))
		changes.Close()
	})
}

// Authorize decides, for reading and for each input, before the body is read.
func TestNobodyReachesTheVerificationOfAnother(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	require.Equal(t, http.StatusNotFound, h.ask("GET", "/verifications/v3", "").Code)
	for _, kind := range httpapi.Kinds() {
		a := h.ask("POST", "/verifications/v3/"+string(kind), "{")
		require.Equal(t, "not_found", a.problem.Code, kind)
		require.Nil(t, a.problem.Verification)
	}
	require.Equal(t, carrierfsm.Created, h.Get().State)
}

// An id may be an alias, which Authorize resolves.
func TestAnAliasStandsForAnID(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(_ *carrierfsm.Config, c *httpapi.Config) {
		c.Authorize = func(_ *http.Request, id string) (string, error) {
			if id == "mine" {
				return "v1", nil
			}
			return "", carrierfsm.ErrNotFound
		}
	})
	require.Equal(t, "v1", h.ask("GET", "/verifications/mine", "").ID)
	require.Equal(t, carrierfsm.Failed, h.ask("POST", "/verifications/mine/cancel", "{}").State)
}

// A form that is refused creates nothing, and Begin does not see it.
func TestAFormThatIsRefusedCreatesNothing(t *testing.T) {
	t.Parallel()
	begun := 0
	h := newHost(t, func(_ *carrierfsm.Config, c *httpapi.Config) {
		begin := c.Begin
		c.Begin = func(r *http.Request, form carrierfsm.Form) (carrierfsm.NewVerification, error) {
			begun++
			require.Equal(t, "13800138000", fsmtest.Reveal(form.Phone), "the number as it is meant")
			return begin(r, form)
		}
	})
	h.header["X-Begin"] = "v2"
	for _, wrong := range []string{
		strings.Replace(person, "13800138000", "1380013800", 1), strings.Replace(person, "测试", "", 1), strings.Replace(person, "2026-11", "", 1), person + `,"x":1`,
	} {
		require.Equal(t, http.StatusUnprocessableEntity, h.ask("POST", "/verifications", "{"+wrong+"}").Code)
	}
	require.Zero(t, begun)
	_, err := h.Machine.Get(t.Context(), "v2")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	h.Upstream.Then(fsmtest.AcceptAt(source))
	require.Equal(t, http.StatusCreated, h.ask("POST", "/verifications", "{"+strings.Replace(person, "13800138000", "+86 138 0013 8000", 1)+"}").Code)
	require.Equal(t, 1, begun)
}

// A form that is sent twice has one verification and is sent to upstream once.
func TestAFormThatIsSentTwiceHasOneVerification(t *testing.T) {
	t.Parallel()
	began := 0
	h := newHost(t, func(_ *carrierfsm.Config, c *httpapi.Config) {
		c.Began = func(w http.ResponseWriter, _ *http.Request, n carrierfsm.NewVerification) error {
			began++
			w.Header().Set("X-Began", n.ID)
			return nil
		}
	})
	h.header["X-Begin"], h.header["X-Key"] = "v2", "number"
	h.Upstream.Then(fsmtest.AcceptAt(source))
	require.Equal(t, http.StatusCreated, h.ask("POST", "/verifications", "{"+person+"}").Code)
	a := h.ask("POST", "/verifications", "{"+person+"}")
	require.Equal(t, "stale", a.problem.Code)
	require.Equal(t, "v2", a.ID, "with what there is")
	require.Equal(t, "v2", a.Header().Get("X-Began"))
	require.Equal(t, 2, began)
	h.header["X-Begin"] = "v4"
	require.Equal(t, "number_in_use", h.ask("POST", "/verifications", "{"+person+"}").problem.Code)
	require.Equal(t, 2, began, "the other one is not this session's")
}

// The cookie carries the sealed password from the answer to the password to that with
// the code, over a restart, and scripts can't read it.
func TestTheCookieCarriesThePassword(t *testing.T) {
	t.Parallel()
	sealer, err := seal.New(seal.Key{ID: "1", Key: carrierfsm.NewSecret(strings.Repeat("k", 32))})
	require.NoError(t, err)
	for _, plain := range []bool{true, false} {
		h := newHost(t, func(m *carrierfsm.Config, c *httpapi.Config) { m.Sealer, c.PlainHTTP = sealer, plain })
		v := h.to(carrierfsm.PromptPassword, fsmtest.Code("10002"))
		a := h.ask("POST", "/verifications/v1/password", withStep(`"step":%d,"password":"246810"`, v.Step))
		require.Len(t, a.Result().Cookies(), 1)
		cookie := a.Result().Cookies()[0]
		require.True(t, cookie.HttpOnly)
		require.Equal(t, !plain, cookie.Secure)
		require.Equal(t, !plain, strings.HasPrefix(cookie.Name, "__Host-"))
		require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
		require.NotContains(t, a.Body.String(), cookie.Value)

		h.Restart()
		cfg := h.api.Config
		cfg.Machine = h.Machine
		h.api, err = httpapi.New(cfg)
		require.NoError(t, err)
		code := withStep(`"step":%d,"code":"500001"`, a.Step)
		lost := h.ask("POST", "/verifications/v1/captcha", code)
		require.Equal(t, "password_needed", lost.problem.Code)
		require.Equal(t, "password", lost.Screen.Form.Fields[1].Name, "the screen asks for it")
		h.header = map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}
		h.Upstream.Then(fsmtest.Code("10008"))
		a = h.ask("POST", "/verifications/v1/captcha", code)
		require.Equal(t, carrierfsm.Done, a.State)
		require.Equal(t, -1, a.Result().Cookies()[0].MaxAge, "deleted after the end")
	}
}

// A host decides whether a person may skip a source.
func TestASourceIsSkippedOnlyIfTheHostAllowsIt(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(_ *carrierfsm.Config, c *httpapi.Config) { c.AllowSkip = false })
	v := h.to(carrierfsm.PromptPassword)
	require.False(t, h.ask("GET", "/verifications/v1", "").Prompt.Skip)
	require.Equal(t, "forbidden", h.ask("POST", "/verifications/v1/skip_source", withStep(`"step":%d`, v.Step)).problem.Code)
}

// An unknown address and method are problems too, and a HEAD is a GET.
func TestWhatIsNotThereIsAProblem(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	require.Equal(t, "no_endpoint", h.ask("GET", "/verification", "").problem.Code)
	require.Equal(t, "no_endpoint", h.ask("POST", "/verifications/v1/guess", "{}").problem.Code)
	for path, method := range map[string]string{
		"/verifications": "POST", "/verifications/new": "GET", "/verifications/v1": "GET", "/verifications/v1/cancel": "POST", "/openapi.json": "GET",
	} {
		a := h.ask("DELETE", path, "")
		require.Equal(t, "method_not_allowed", a.problem.Code)
		require.Equal(t, method, a.Header().Get("Allow"))
	}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/verifications/v1", nil))
	require.Equal(t, http.StatusOK, w.Code)
}

// Only what is not the person's fault is logged, and nothing personal with it.
func TestTheLogHasOnlyWhatIsNotThePersonsFault(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := newHost(t, func(_ *carrierfsm.Config, c *httpapi.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	h.ask("POST", "/verifications/v1/apply", `{"step":0,"name":"测试"}`)
	require.Empty(t, log.String())
	h.ask("POST", "/verifications/broken/apply", "{"+person+"}")
	require.Contains(t, log.String(), "code=broken")
	require.NotContains(t, log.String(), "13800138000")
	require.NotContains(t, log.String(), "测试")
}

// No response has the token, the host's reference or the whole number.
func TestAResponseHasNoSecret(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	other, err := h.Machine.Create(t.Context(), carrierfsm.NewVerification{ID: "v2", Reference: "order 4711"})
	require.NoError(t, err)
	require.NotContains(t, h.ask("GET", "/verifications/"+other.ID, "").Body.String(), "4711")
	v := h.to(carrierfsm.PromptCaptcha, fsmtest.Code("10008"))
	a := h.ask("POST", "/verifications/v1/captcha", withStep(`"step":%d,"code":"500001"`, v.Step))
	require.Equal(t, carrierfsm.Done, a.State)
	require.False(t, h.Get().Token.Empty())
	require.NotContains(t, a.Body.String(), fsmtest.Token)
	require.NotContains(t, a.Body.String(), "redacted")
	require.Regexp(t, `^1\d\d\*\*\*\*\d{4}$`, a.Account)
}
