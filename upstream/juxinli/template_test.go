package juxinli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// What the person submits, and what upstream adds to its template on its own.
var templateCanaries = map[string]string{
	"password":           "Pw7f3a91",
	"code":               "500731",
	"query password":     `Qp"88<b1`,
	"new password":       "97531846",
	"template's token":   "c0ffee00c0ffee00c0ffee00c0ffee77",
	"template's text":    "TplText42",
	"template's website": "tplwebsite42",
	"template's method":  "TPL_METHOD_Q",
}

// newTemplateServer returns an upstream whose req_msg_tpl is the whole request that
// it received, with more values of its own, in this form.
func newTemplateServer(t *testing.T, form func(request map[string]any) any) *httptest.Server {
	t.Helper()
	replies := map[any]int{"": 10002, "SUBMIT_CAPTCHA": 10022, "SUBMIT_QUERY_PWD": 10007, "RESEND_RESET_PWD_CAPTCHA": 10002, "SUBMIT_RESET_PWD": 30000}
	next := map[any]string{"": "SUBMIT_CAPTCHA", "SUBMIT_CAPTCHA": "SUBMIT_QUERY_PWD", "SUBMIT_QUERY_PWD": "", "RESEND_RESET_PWD_CAPTCHA": "SUBMIT_RESET_PWD"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		if strings.Contains(r.URL.Path, "applications") {
			_, _ = io.WriteString(w, `{"success":true,"data":{"token":"00000000000000000000000000000001","datasource":{"website":"chinamobilesh","status":1,"reset_pwd_method":2}}}`)
			return
		}
		request := decode(t, r.Body)
		kind := request["type"]
		request["type"], request["method"] = next[kind], templateCanaries["template's method"]
		request["website"], request["token"], request["content"] = templateCanaries["template's website"], templateCanaries["template's token"], templateCanaries["template's text"]
		_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "data": map[string]any{
			"type": "CONTROL", "process_code": replies[kind], "content": "请继续", "req_msg_tpl": form(request),
		}})
	}))
	t.Cleanup(server.Close)
	return server
}

// Upstream may send back a whole request as req_msg_tpl. Nothing of it is kept: not
// in the store's files, the history, the prompts, the observer's values or the logs.
func TestNothingOfATemplateThatIsAWholeRequestIsKept(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]func(map[string]any) any{
		"an object":        func(request map[string]any) any { return request },
		"a text":           func(request map[string]any) any { return encodedJSON(request) },
		"a list":           func(request map[string]any) any { return []any{request} },
		"a nested request": func(request map[string]any) any { return map[string]any{"type": request["type"], "request": request} },
		"a type that is a request": func(request map[string]any) any {
			return map[string]any{"type": encodedJSON(request), "method": request["method"]}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			path := filepath.Join(t.TempDir(), "template.db")
			runTemplates(t, newTemplateServer(t, form).URL, path, &out)
			places := map[string]string{"logs and values": out.String()}
			files, err := filepath.Glob(path + "*")
			require.NoError(t, err)
			require.NotEmpty(t, files)
			for _, file := range files {
				content, err := os.ReadFile(file)
				require.NoError(t, err)
				places[filepath.Base(file)] = string(content)
			}
			require.Contains(t, out.String(), "请继续")
			for place, content := range places {
				for what, value := range templateCanaries {
					for _, form := range encodings(value) {
						require.False(t, strings.Contains(content, form), "the %s is in %s", what, place)
					}
				}
			}
		})
	}
}

func encodedJSON(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// runTemplates submits every secret on a SQLite file, and writes everything that a
// host could see.
func runTemplates(t *testing.T, url, path string, out *bytes.Buffer) {
	t.Helper()
	ctx := context.Background()
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	store, err := sqlite.Open(ctx, path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	observer := &carrierfsm.Observer{Call: func(ctx context.Context, start carrierfsm.CallStart) (context.Context, func(carrierfsm.CallDone)) {
		return ctx, func(done carrierfsm.CallDone) { _, _ = fmt.Fprintf(out, "%+v %+v\n", start, done) }
	}}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: newClient(t, url), Logger: log, Observer: observer})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(ctx)) })
	v, err := m.Create(ctx, carrierfsm.NewVerification{ID: "template"})
	require.NoError(t, err)
	secret := func(name string) carrierfsm.Secret { return carrierfsm.NewSecret(templateCanaries[name]) }
	var prompts []string
	for _, input := range []func(step int) carrierfsm.Input{
		func(int) carrierfsm.Input {
			return carrierfsm.Apply{Form: form(personOf(t, "weak-resettable")), Consent: fsmtest.Consent()}
		},
		func(step int) carrierfsm.Input {
			return carrierfsm.Password{Step: step, Password: secret("password")}
		},
		func(step int) carrierfsm.Input { return carrierfsm.Captcha{Step: step, Code: secret("code")} },
		func(step int) carrierfsm.Input {
			return carrierfsm.QueryPassword{Step: step, Password: secret("query password")}
		},
		func(step int) carrierfsm.Input { return carrierfsm.RequestReset{Step: step} },
		func(step int) carrierfsm.Input {
			return carrierfsm.ResetCaptcha{Step: step, Code: secret("code"), NewPassword: secret("new password")}
		},
	} {
		v, err = m.Submit(ctx, v.ID, input(v.Step))
		require.NoError(t, err)
		if v.Prompt != nil {
			prompts = append(prompts, string(v.Prompt.Kind))
			_, _ = fmt.Fprintf(out, "%+v\n", *v.Prompt)
		}
		_, _ = fmt.Fprintf(out, "%+v\n", v)
	}
	require.Equal(t, []string{"password", "captcha", "query_password", "password", "reset_captcha"}, prompts, "the codes decide, whatever the template is")
	require.Equal(t, carrierfsm.Failed, v.State)
	history, err := m.History(ctx, v.ID)
	require.NoError(t, err)
	_, _ = fmt.Fprintf(out, "%+v\n%s\n", history, encodedJSON(history))
}
