package juxinli_test

import (
	"encoding/json"
	"io"
	"log"
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

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func decode(t *testing.T, r io.Reader) (body map[string]any) {
	t.Helper()
	require.NoError(t, json.NewDecoder(r).Decode(&body))
	return body
}

// saying is a server that says one thing.
func saying(tb testing.TB, kind, body string) *httptest.Server {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // closing on what was not read resets the connection
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}))
	tb.Cleanup(server.Close)
	return server
}

func TestAReplyIsReadWithEveryTolerance(t *testing.T) {
	t.Parallel()
	next := &carrierfsm.Source{Website: "chinatelecomah", Name: "安徽电信", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}
	cases := []struct {
		rule, body string
		want       carrierfsm.Reply
	}{
		{
			"the document's example", `{"success":true,"data":{"type":"CONTROL","content":"输入动态密码","process_code":10002,"req_msg_tpl":{"type":"SUBMIT_CAPTCHA","method":"AUTO"},"finish":false}}`,
			carrierfsm.Reply{Success: true, Code: "10002", Type: "CONTROL", Template: "SUBMIT_CAPTCHA", Content: "输入动态密码"},
		},
		{"a code as a string", `{"success":true,"data":{"process_code":"10008","finish":true}}`, carrierfsm.Reply{Success: true, Code: "10008", Finish: true}},
		{"a code with blanks", `{"success":true,"data":{"process_code":" 10008 "}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"a code with a fraction of nothing", `{"success":true,"data":{"process_code":10008.0}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"a code in powers of ten", `{"success":true,"data":{"process_code":1.0008e4}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"a code with a real fraction is none that we know", `{"success":true,"data":{"process_code":10008.5}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code that almost is one is none that we know", `{"success":true,"data":{"process_code":10008.0000000000001}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code that almost is 0 is not 0", `{"success":true,"data":{"process_code":1e-400}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code beyond measure is none that we know", `{"success":true,"data":{"process_code":1e999999999}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code with a zero before it is none that we know", `{"success":true,"data":{"process_code":"010008"}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code below 0", `{"success":true,"data":{"process_code":-1}}`, carrierfsm.Reply{Success: true, Code: "-1"}},
		{"a code that is no number is none that we know", `{"success":true,"data":{"process_code":"ok"}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code that is a phone number is not handed on", `{"success":true,"data":{"process_code":13800138000}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code that is the word null is absent", `{"success":true,"data":{"process_code":"null"}}`, carrierfsm.Reply{Success: true}},
		{"a code that is empty is absent", `{"success":true,"data":{"process_code":""}}`, carrierfsm.Reply{Success: true}},
		{"a code of another kind is none that we know", `{"success":true,"data":{"process_code":{}}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a type that is no word is not handed on", `{"success":true,"data":{"type":"CONTROL 246810","req_msg_tpl":{"type":"246810"}}}`, carrierfsm.Reply{Success: true, Type: "?", Template: "?"}},
		{"of a repeated key the last counts", `{"success":true,"data":{"process_code":10008,"process_code":10002,"req_msg_tpl":{"type":"A"},"req_msg_tpl":{}}}`, carrierfsm.Reply{Success: true, Code: "10002"}},
		{"nothing in the place of objects", `{"success":true,"data":{"process_code":10008,"req_msg_tpl":"","next_datasource":[]}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"a failure with data of another kind", `{"success":false,"message":"系统异常","data":"x"}`, carrierfsm.Reply{Content: "系统异常"}},
		{"a failure with nothing in the place of data", `{"success":false,"message":"系统异常","data":""}`, carrierfsm.Reply{Content: "系统异常"}},
		{"a code that is null is absent", `{"success":true,"data":{"process_code":null}}`, carrierfsm.Reply{Success: true}},
		{"a code that is missing is absent, and not 0", `{"success":true,"data":{}}`, carrierfsm.Reply{Success: true}},
		{"the code 0", `{"success":true,"data":{"type":"RUNNING","process_code":0}}`, carrierfsm.Reply{Success: true, Code: "0", Type: "RUNNING"}},
		{"success as a string", `{"success":"true","data":{"process_code":10002}}`, carrierfsm.Reply{Success: true, Code: "10002"}},
		{`"false" is false`, `{"success":"false","message":"系统异常"}`, carrierfsm.Reply{Content: "系统异常"}},
		{"success in capitals", `{"success":"True","data":{"process_code":10002}}`, carrierfsm.Reply{Success: true, Code: "10002"}},
		{"a failure without data", `{"success":false,"message":"token无效"}`, carrierfsm.Reply{Content: "token无效"}},
		{"everything null", `{"success":true,"message":null,"data":{"type":null,"content":null,"process_code":null,"req_msg_tpl":null,"next_datasource":null,"finish":null}}`, carrierfsm.Reply{Success: true}},
		{"data null", `{"success":true,"data":null}`, carrierfsm.Reply{Success: true}},
		{"data absent", `{"success":true}`, carrierfsm.Reply{Success: true}},
		{"unknown fields", `{"success":true,"trace":{"a":[1]},"data":{"process_code":10002,"new":[]}}`, carrierfsm.Reply{Success: true, Code: "10002"}},
		{"finish as a string", `{"success":true,"data":{"process_code":10008,"finish":"true"}}`, carrierfsm.Reply{Success: true, Code: "10008", Finish: true}},
		{
			"a next source", `{"success":true,"data":{"process_code":10008,"finish":false,"next_datasource":{"website":"chinatelecomah","name":"安徽电信","status":1,"reset_pwd_method":"2"}}}`,
			carrierfsm.Reply{Success: true, Code: "10008", Next: next},
		},
		{"a next source without anything is none", `{"success":true,"data":{"process_code":10008,"next_datasource":{}}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"at the end a next source does not matter", `{"success":true,"data":{"process_code":10008,"finish":true,"next_datasource":{"name":"n"}}}`, carrierfsm.Reply{Success: true, Code: "10008", Finish: true}},
		{
			"collected before, as an error", `{"success":true,"data":{"type":"ERROR","content":"当前网站已经采集完成,请不要重复采集"}}`,
			carrierfsm.Reply{Success: true, Type: "ERROR", Content: "当前网站已经采集完成,请不要重复采集", AlreadyCollected: true},
		},
		{"collected before, as a failure", `{"success":false,"message":"抓取完成"}`, carrierfsm.Reply{Content: "抓取完成", AlreadyCollected: true}},
		{"collected before, in the message beside data", `{"success":false,"message":"抓取完成","data":{"content":"x"}}`, carrierfsm.Reply{Content: "x", AlreadyCollected: true}},
		{"not collected yet", `{"success":false,"message":"尚未抓取完成"}`, carrierfsm.Reply{Content: "尚未抓取完成"}},
		{"fetched says nothing in an error", `{"success":true,"data":{"type":"ERROR","content":"抓取完成"}}`, carrierfsm.Reply{Success: true, Type: "ERROR", Content: "抓取完成"}},
		{"the same words in a normal reply say nothing", `{"success":true,"data":{"type":"CONTROL","content":"抓取完成, 重复采集"}}`, carrierfsm.Reply{Success: true, Type: "CONTROL", Content: "抓取完成, 重复采集"}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			got, err := client(t, saying(t, "application/json;charset=utf-8", c.body).URL).Collect(t.Context(), request("246810"))
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(plain(c.want), plain(got)))
		})
	}
}

// plain is a reply that cmp can print.
func plain(r carrierfsm.Reply) map[string]any {
	return map[string]any{
		"success": r.Success, "code": r.Code, "type": r.Type, "template": r.Template, "finish": r.Finish,
		"next": r.Next, "already": r.AlreadyCollected, "content": r.Content,
	}
}

func TestAReceiptMustBeOfUse(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"success":true}`, `{"success":true,"data":null}`, `{"success":true,"data":{"token":""}}`,
		`{"success":true,"data":{"token":"t"}}`, `{"success":true,"data":"t"}`,
		`{"success":true,"data":{"token":"t","datasource":"w"}}`, `{"success":true,"data":{"token":"t","datasource":{"status":1}}}`,
	} {
		_, err := client(t, saying(t, "application/json", body).URL).Apply(t.Context(), carrierfsm.Application{})
		require.ErrorIs(t, err, juxinli.ErrMalformed, body)
	}
	for body, online := range map[string]bool{
		`{"success":"true","data":{"token":"t","datasource":{"website":"w","status":"1"}}}`:                  true,
		`{"success":true,"code":65557,"data":{"token":"t","datasource":{"website":"w","status":1}}}`:         true,
		`{"success":true,"code":null,"data":{"token":"t","datasource":{"website":"w","status":0}}}`:          false,
		`{"success":true,"data":{"token":"t","datasource":{"website":"w"}}}`:                                 false,
		`{"success":true,"data":{"token":"t","datasource":{"website":"w","status":2,"reset_pwd_method":9}}}`: false,
	} {
		receipt, err := client(t, saying(t, "application/json", body).URL).Apply(t.Context(), carrierfsm.Application{})
		require.NoError(t, err, body)
		require.True(t, receipt.Accepted, body)
		require.Equal(t, online, receipt.Source.Online, body)
		require.Equal(t, carrierfsm.ResetNone, receipt.Source.ResetMethod, body)
	}
}

func TestOnlyVersion3HasACodeForApplications(t *testing.T) {
	t.Parallel()
	const data = `"message":"不可用","data":{"token":"t","datasource":{"website":"w","status":1}}}`
	for _, c := range []struct {
		code   string
		v2, v3 bool
	}{
		{`65557`, true, true}, {`"65557"`, true, true}, {`null`, true, true}, {`65558`, true, false}, {`0`, true, false}, {`"x"`, true, false},
	} {
		body := []byte(`{"success":true,"code":` + c.code + `,` + data)
		for v3, want := range map[bool]bool{false: c.v2, true: c.v3} {
			receipt, err := juxinli.DecodeReceipt(body, v3)
			require.NoError(t, err, c.code)
			require.Equal(t, want, receipt.Accepted, "%s v3 %t", c.code, v3)
			require.Equal(t, "不可用", receipt.Message)
		}
	}
}

func TestLongTextsAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	reply, err := juxinli.DecodeReply([]byte(`{"success":false,"message":"` + strings.Repeat("长", 3000) + `"}`))
	require.NoError(t, err)
	require.Len(t, reply.Content, 4095)
	require.True(t, utf8.ValidString(reply.Content))
}
