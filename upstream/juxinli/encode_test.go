package juxinli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// Only the secrets of the input are sent. Quotes and characters beyond ASCII
// arrive unchanged.
func TestARequestCarriesOnlyTheSecretsOfItsInput(t *testing.T) {
	t.Parallel()
	type seen struct {
		Path, Type, Key string
		Body            map[string]any
	}
	got := make(chan seen, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- seen{r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Idempotency-Key"), decode(t, r.Body)}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"success":false}`)
	}))
	t.Cleanup(server.Close)
	const odd = `"\'<>&{}%` + "密码\u2028"
	for kind, want := range map[carrierfsm.InputKind]struct{ kind, password, captcha, query string }{
		carrierfsm.InputPassword:      {"", odd, "", ""},
		carrierfsm.InputCaptcha:       {"SUBMIT_CAPTCHA", odd, "500001", ""},
		carrierfsm.InputResendCaptcha: {"RESEND_CAPTCHA", "", "", ""},
		carrierfsm.InputQueryPassword: {"SUBMIT_QUERY_PWD", odd, "", "135790"},
	} {
		r := carrierfsm.Request{
			Input: kind, Token: carrierfsm.NewSecret("t"), Website: "chinamobilejs", Account: carrierfsm.NewSecret("13800138000"),
			Password: carrierfsm.NewSecret(odd), Captcha: carrierfsm.NewSecret("500001"), QueryPassword: carrierfsm.NewSecret("135790"),
		}
		_, err := newClient(t, server.URL+"/base/").Collect(t.Context(), r)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(seen{
			"/base/orgApi/rest/v2/messages/collect/req", "application/json;charset=utf-8", "",
			map[string]any{
				"token": "t", "website": "chinamobilejs", "account": "13800138000", "type": want.kind,
				"password": want.password, "captcha": want.captcha, "queryPwd": want.query,
			},
		}, <-got))
		require.False(t, r.Password.Empty(), "Collect does not destroy the caller's secrets")
	}
}

// A reset does not send the service password, and a skip sends only the token.
func TestTheRequestsOfAResetAndASkip(t *testing.T) {
	t.Parallel()
	type seen struct {
		Path string
		Body map[string]any
	}
	got := make(chan seen, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- seen{r.URL.Path, decode(t, r.Body)}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"success":false}`)
	}))
	t.Cleanup(server.Close)
	const newPassword = `97"5\318`
	reset := func(kind, password, captcha string) map[string]any {
		return map[string]any{
			"token": "t", "website": "chinamobilesh", "account": "13800138000", "type": kind, "password": password, "captcha": captcha,
		}
	}
	for kind, want := range map[carrierfsm.InputKind]seen{
		carrierfsm.InputRequestReset: {"reset/req", reset("RESEND_RESET_PWD_CAPTCHA", "", "")},
		carrierfsm.InputResetCaptcha: {"reset/req", reset("SUBMIT_RESET_PWD", newPassword, "500001")},
		carrierfsm.InputSkipSource:   {"collect/skip", map[string]any{"token": "t"}},
	} {
		want.Path = "/orgApi/rest/v2/messages/" + want.Path
		_, err := newClient(t, server.URL).Collect(t.Context(), carrierfsm.Request{
			Input: kind, Token: carrierfsm.NewSecret("t"), Website: "chinamobilesh", Account: carrierfsm.NewSecret("13800138000"), Password: carrierfsm.NewSecret("246810"),
			Captcha: carrierfsm.NewSecret("500001"), NewPassword: carrierfsm.NewSecret(newPassword), QueryPassword: carrierfsm.NewSecret("135790"),
		})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, <-got))
	}
}

func TestAFormIsSentWhole(t *testing.T) {
	t.Parallel()
	f := carrierfsm.Form{
		Name: carrierfsm.NewSecret(`测试"用户`), IDCard: carrierfsm.NewSecret("11010119900307889X"), Phone: carrierfsm.NewSecret("13800138000"),
		HomeAddress: carrierfsm.NewSecret("a\tb"), HomePhone: carrierfsm.NewSecret("01012345678"), WorkAddress: carrierfsm.NewSecret(`c\d`), WorkPhone: carrierfsm.NewSecret("01087654321"),
		Contacts: []carrierfsm.Contact{{Name: carrierfsm.NewSecret("甲"), Phone: carrierfsm.NewSecret("13800138001")}, {Name: carrierfsm.NewSecret("乙"), Phone: carrierfsm.NewSecret("13800138002"), Relation: "6"}},
		Sources:  []carrierfsm.SourceChoice{{Name: "chinaunicom"}, {Name: "x", Category: "y"}},
	}
	body, err := juxinli.EncodeForm(f)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(map[string]any{
		"basic_info": map[string]any{
			"name": `测试"用户`, "id_card_num": "11010119900307889X", "cell_phone_num": "13800138000",
			"home_addr": "a\tb", "home_tel": "01012345678", "work_addr": `c\d`, "work_tel": "01087654321",
		},
		"contacts": []any{
			map[string]any{"contact_name": "甲", "contact_tel": "13800138001", "contact_type": "1"},
			map[string]any{"contact_name": "乙", "contact_tel": "13800138002", "contact_type": "6"},
		},
		"selected_website": []any{
			map[string]any{"website": "chinaunicom", "name": "chinaunicom", "category": "mobile"},
			map[string]any{"website": "x", "name": "x", "category": "y"},
		},
	}, decode(t, strings.NewReader(string(body)))))
	bare, err := juxinli.EncodeForm(carrierfsm.Form{})
	require.NoError(t, err)
	require.NotContains(t, string(bare), "contacts")
	require.NotContains(t, string(bare), "selected_website")
}

func TestAnInvalidInputIsNotSent(t *testing.T) {
	t.Parallel()
	c, sim, _ := newSimulated(t)
	empty, broken := request("246810"), request("\xff")
	empty.Password.Destroy()
	code := request("246810")
	code.Input = carrierfsm.InputCaptcha
	query := request("246810")
	query.Input = carrierfsm.InputQueryPassword
	cases := map[string]carrierfsm.Request{
		"a destroyed password": empty, "a password that is not UTF-8": broken,
		"a code that is missing": code, "a query password that is missing": query,
	}
	for _, kind := range []carrierfsm.InputKind{
		"", carrierfsm.InputApply, carrierfsm.InputCancel, "unknown",
	} {
		r := request("246810")
		r.Input = kind
		cases["the input "+string(kind)] = r
	}
	for rule, r := range cases {
		_, err := c.Collect(t.Context(), r)
		require.ErrorIs(t, err, carrierfsm.ErrNotSent, rule)
		requireRedacted(t, err)
	}
	_, err := c.Apply(t.Context(), carrierfsm.Application{Form: carrierfsm.Form{Name: carrierfsm.NewSecret("\xff")}})
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	require.Empty(t, sim.Requests())
}

func FuzzEncodeRequest(f *testing.F) {
	for _, seed := range []string{"246810", `"\`, "<>&", "密码", "\x00\x1f\x7f", "\u2028", "\xff", ""} {
		f.Add(seed, "t")
	}
	f.Add("\xe7\xa0", "\x81") // one character split over two values
	f.Fuzz(func(t *testing.T, secret, token string) {
		_, body, err := juxinli.EncodeRequest(carrierfsm.Request{
			Input: carrierfsm.InputPassword, Token: carrierfsm.NewSecret(token), Password: carrierfsm.NewSecret(secret),
		})
		if secret == "" || !utf8.ValidString(secret) || !utf8.ValidString(token) {
			require.ErrorIs(t, err, carrierfsm.ErrNotSent)
			return
		}
		require.NoError(t, err)
		var got map[string]string
		require.NoError(t, json.Unmarshal(body, &got))
		require.Equal(t, map[string]string{
			"token": token, "website": "", "account": "", "password": secret, "captcha": "", "type": "", "queryPwd": "",
		}, got)
	})
}

func decode(t *testing.T, r io.Reader) (body map[string]any) {
	t.Helper()
	require.NoError(t, json.NewDecoder(r).Decode(&body))
	return body
}
