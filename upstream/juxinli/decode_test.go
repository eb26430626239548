package juxinli_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

func TestReplyDecoding(t *testing.T) {
	t.Parallel()
	next := &carrierfsm.Source{Website: "chinatelecomah", Name: "安徽电信", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}
	cases := []struct {
		rule, body string
		want       carrierfsm.Reply
	}{
		{
			"the document's example", `{"success":true,"data":{"type":"CONTROL","content":"输入动态密码","process_code":10002,"req_msg_tpl":{"type":"SUBMIT_CAPTCHA","method":"AUTO"},"finish":false}}`,
			carrierfsm.Reply{Success: true, Code: "10002", Type: "CONTROL", Template: "SUBMIT_CAPTCHA", Content: carrierfsm.NewSecret("输入动态密码")},
		},
		{"a code as a string", `{"success":true,"data":{"process_code":"10008","finish":true}}`, carrierfsm.Reply{Success: true, Code: "10008", Finish: true}},
		{"a code with blanks", `{"success":true,"data":{"process_code":" 10008 "}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"a code with the fraction 0", `{"success":true,"data":{"process_code":10008.0}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"a code with an exponent", `{"success":true,"data":{"process_code":1.0008e4}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"a code with a fraction is invalid", `{"success":true,"data":{"process_code":10008.5}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code with a tiny fraction is invalid", `{"success":true,"data":{"process_code":10008.0000000000001}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code close to 0 is invalid", `{"success":true,"data":{"process_code":1e-400}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code with a huge exponent is invalid", `{"success":true,"data":{"process_code":1e999999999}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code with a leading zero is invalid", `{"success":true,"data":{"process_code":"010008"}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code below 0", `{"success":true,"data":{"process_code":-1}}`, carrierfsm.Reply{Success: true, Code: "-1"}},
		{"a code that is no number is invalid", `{"success":true,"data":{"process_code":"ok"}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code that is a phone number is invalid", `{"success":true,"data":{"process_code":13800138000}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a code that is the word null is absent", `{"success":true,"data":{"process_code":"null"}}`, carrierfsm.Reply{Success: true}},
		{"a code that is empty is absent", `{"success":true,"data":{"process_code":""}}`, carrierfsm.Reply{Success: true}},
		{"a code of another JSON type is invalid", `{"success":true,"data":{"process_code":{}}}`, carrierfsm.Reply{Success: true, Code: "?"}},
		{"a type that is no word is invalid", `{"success":true,"data":{"type":"CONTROL 246810","req_msg_tpl":{"type":"246810"}}}`, carrierfsm.Reply{Success: true, Type: "?", Template: "?"}},
		{"of a repeated key the last counts", `{"success":true,"data":{"process_code":10008,"process_code":10002,"req_msg_tpl":{"type":"A"},"req_msg_tpl":{}}}`, carrierfsm.Reply{Success: true, Code: "10002"}},
		{"empty values in place of objects", `{"success":true,"data":{"process_code":10008,"req_msg_tpl":"","next_datasource":[]}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"a failure with data of another kind", `{"success":false,"message":"系统异常","data":"x"}`, carrierfsm.Reply{Content: carrierfsm.NewSecret("系统异常")}},
		{"a failure with an empty string as data", `{"success":false,"message":"系统异常","data":""}`, carrierfsm.Reply{Content: carrierfsm.NewSecret("系统异常")}},
		{"a code that is null is absent", `{"success":true,"data":{"process_code":null}}`, carrierfsm.Reply{Success: true}},
		{"a code that is missing is absent, and not 0", `{"success":true,"data":{}}`, carrierfsm.Reply{Success: true}},
		{"the code 0", `{"success":true,"data":{"type":"RUNNING","process_code":0}}`, carrierfsm.Reply{Success: true, Code: "0", Type: "RUNNING"}},
		{"success as a string", `{"success":"true","data":{"process_code":10002}}`, carrierfsm.Reply{Success: true, Code: "10002"}},
		{`"false" is false`, `{"success":"false","message":"系统异常"}`, carrierfsm.Reply{Content: carrierfsm.NewSecret("系统异常")}},
		{"success in capitals", `{"success":"True","data":{"process_code":10002}}`, carrierfsm.Reply{Success: true, Code: "10002"}},
		{"a failure without data", `{"success":false,"message":"token无效"}`, carrierfsm.Reply{Content: carrierfsm.NewSecret("token无效")}},
		{"everything null", `{"success":true,"message":null,"data":{"type":null,"content":null,"process_code":null,"req_msg_tpl":null,"next_datasource":null,"finish":null}}`, carrierfsm.Reply{Success: true}},
		{"data null", `{"success":true,"data":null}`, carrierfsm.Reply{Success: true}},
		{"data absent", `{"success":true}`, carrierfsm.Reply{Success: true}},
		{"unknown fields", `{"success":true,"trace":{"a":[1]},"data":{"process_code":10002,"new":[]}}`, carrierfsm.Reply{Success: true, Code: "10002"}},
		{"finish as a string", `{"success":true,"data":{"process_code":10008,"finish":"true"}}`, carrierfsm.Reply{Success: true, Code: "10008", Finish: true}},
		{
			"a next source", `{"success":true,"data":{"process_code":10008,"finish":false,"next_datasource":{"website":"chinatelecomah","name":"安徽电信","status":1,"reset_pwd_method":"2"}}}`,
			carrierfsm.Reply{Success: true, Code: "10008", Next: next},
		},
		{"an empty next source is none", `{"success":true,"data":{"process_code":10008,"next_datasource":{}}}`, carrierfsm.Reply{Success: true, Code: "10008"}},
		{"a next source is ignored at the end", `{"success":true,"data":{"process_code":10008,"finish":true,"next_datasource":{"name":"n"}}}`, carrierfsm.Reply{Success: true, Code: "10008", Finish: true}},
		{
			"collected before, as an error", `{"success":true,"data":{"type":"ERROR","content":"当前网站已经采集完成,请不要重复采集"}}`,
			carrierfsm.Reply{Success: true, Type: "ERROR", Content: carrierfsm.NewSecret("当前网站已经采集完成,请不要重复采集"), AlreadyCollected: true},
		},
		{"collected before, as a failure", `{"success":false,"message":"抓取完成"}`, carrierfsm.Reply{Content: carrierfsm.NewSecret("抓取完成"), AlreadyCollected: true}},
		{"collected before, in the message, with data", `{"success":false,"message":"抓取完成","data":{"content":"x"}}`, carrierfsm.Reply{Content: carrierfsm.NewSecret("x"), AlreadyCollected: true}},
		{"not collected yet", `{"success":false,"message":"尚未抓取完成"}`, carrierfsm.Reply{Content: carrierfsm.NewSecret("尚未抓取完成")}},
		{"collected before, as the whole content of a success without a code", `{"success":true,"data":{"type":"CONTROL","content":"抓取完成"}}`, carrierfsm.Reply{Success: true, Type: "CONTROL", Content: carrierfsm.NewSecret("抓取完成"), AlreadyCollected: true}},
		{"the same as an error", `{"success":"true","data":{"type":"ERROR","content":" 抓取完成\n","process_code":null}}`, carrierfsm.Reply{Success: true, Type: "ERROR", Content: carrierfsm.NewSecret(" 抓取完成\n"), AlreadyCollected: true}},
		{"the same with a code that was never seen", `{"success":true,"data":{"content":"抓取完成","process_code":10012}}`, carrierfsm.Reply{Success: true, Code: "10012", Content: carrierfsm.NewSecret("抓取完成"), AlreadyCollected: true}},
		{"the same with a code that is invalid", `{"success":true,"data":{"content":"抓取完成","process_code":"ok"}}`, carrierfsm.Reply{Success: true, Code: "?", Content: carrierfsm.NewSecret("抓取完成"), AlreadyCollected: true}},
		{"the same in the message, without data", `{"success":true,"message":"抓取完成","data":null}`, carrierfsm.Reply{Success: true, Content: carrierfsm.NewSecret("抓取完成"), AlreadyCollected: true}},
		{"the message of a success with another content", `{"success":true,"message":"抓取完成","data":{"content":"请稍候"}}`, carrierfsm.Reply{Success: true, Content: carrierfsm.NewSecret("请稍候")}},
		{"a known code counts more than the text", `{"success":true,"data":{"content":"抓取完成","process_code":0}}`, carrierfsm.Reply{Success: true, Code: "0", Content: carrierfsm.NewSecret("抓取完成")}},
		{"a known code of an error counts more than the text", `{"success":true,"data":{"content":"抓取完成","process_code":"30000"}}`, carrierfsm.Reply{Success: true, Code: "30000", Content: carrierfsm.NewSecret("抓取完成")}},
		{"the text in a longer one, in a success", `{"success":true,"data":{"type":"ERROR","content":"抓取完成, 重试"}}`, carrierfsm.Reply{Success: true, Type: "ERROR", Content: carrierfsm.NewSecret("抓取完成, 重试")}},
		{"not collected yet, in a success", `{"success":true,"data":{"content":"未抓取完成"}}`, carrierfsm.Reply{Success: true, Content: carrierfsm.NewSecret("未抓取完成")}},
		{"the same texts in a normal reply", `{"success":true,"data":{"type":"CONTROL","content":"抓取完成, 重复采集"}}`, carrierfsm.Reply{Success: true, Type: "CONTROL", Content: carrierfsm.NewSecret("抓取完成, 重复采集")}},
		{
			"a template that is a whole request", `{"success":true,"data":{"process_code":10002,"req_msg_tpl":{"token":"t","account":"13800138000","password":"246810","captcha":"","type":"SUBMIT_CAPTCHA","method":"AUTO"}}}`,
			carrierfsm.Reply{Success: true, Code: "10002", Template: "SUBMIT_CAPTCHA"},
		},
		{"a template that is a text", `{"success":true,"data":{"process_code":10002,"req_msg_tpl":"{\"password\":\"246810\"}"}}`, carrierfsm.Reply{Success: true, Code: "10002", Template: "?"}},
		{"a template that is a list", `{"success":true,"data":{"req_msg_tpl":[{"type":"SUBMIT_CAPTCHA"}]}}`, carrierfsm.Reply{Success: true, Template: "?"}},
		{"a template with a type of another kind", `{"success":true,"data":{"req_msg_tpl":{"type":{"password":"246810"}}}}`, carrierfsm.Reply{Success: true}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			got, err := newClient(t, newServer(t, "application/json;charset=utf-8", c.body).URL).Collect(t.Context(), request("246810"))
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(printable(c.want), printable(got)))
		})
	}
}

func TestAReceiptNeedsATokenAndASource(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"success":true}`, `{"success":true,"data":null}`, `{"success":true,"data":{"token":""}}`,
		`{"success":true,"data":{"token":"t"}}`, `{"success":true,"data":"t"}`,
		`{"success":true,"data":{"token":"t","datasource":"w"}}`, `{"success":true,"data":{"token":"t","datasource":{"status":1}}}`,
	} {
		_, err := newClient(t, newServer(t, "application/json", body).URL).Apply(t.Context(), carrierfsm.Application{})
		require.ErrorIs(t, err, juxinli.ErrMalformed, body)
	}
	for body, online := range map[string]bool{
		`{"success":"true","data":{"token":"t","datasource":{"website":"w","status":"1"}}}`:                  true,
		`{"success":true,"code":65557,"data":{"token":"t","datasource":{"website":"w","status":1}}}`:         true,
		`{"success":true,"code":null,"data":{"token":"t","datasource":{"website":"w","status":0}}}`:          false,
		`{"success":true,"data":{"token":"t","datasource":{"website":"w"}}}`:                                 false,
		`{"success":true,"data":{"token":"t","datasource":{"website":"w","status":2,"reset_pwd_method":9}}}`: false,
	} {
		receipt, err := newClient(t, newServer(t, "application/json", body).URL).Apply(t.Context(), carrierfsm.Application{})
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
			require.Equal(t, "不可用", fsmtest.Reveal(receipt.Message))
		}
	}
}

func TestLongTextsAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	reply, err := juxinli.DecodeReply([]byte(`{"success":false,"message":"` + strings.Repeat("长", 3000) + `"}`))
	require.NoError(t, err)
	content := fsmtest.Reveal(reply.Content)
	require.Len(t, content, 4095)
	require.True(t, utf8.ValidString(content))
}

// seeds are the examples of upstream-api.md, and inputs that decoders get wrong.
var seeds = []string{
	`{"success":true,"data":{"type":"CONTROL","content":"输入动态密码","process_code":10002,"req_msg_tpl":{"type":"SUBMIT_CAPTCHA","method":"AUTO"},"finish":false}}`,
	`{"success":true,"data":{"process_code":10008,"finish":false,"next_datasource":{"website":"chinatelecomah","status":1,"reset_pwd_method":0}}}`,
	`{"success":true,"data":{"token":"00000000000000000000000000000001","cell_phone_num":"13800138000","datasource":{"website":"chinamobilejs","name":"江苏移动","status":1}}}`,
	`{"success":"false","message":"抓取完成"}`, `{"success":true,"data":{"process_code":"0","type":"RUNNING"}}`,
	`{"success":true,"data":{"process_code":1.0008e4,"next_datasource":{"website":"w","status":1}}}`,
	`{"Success":true,"data":{"process_code":1,"Process_Code":10008}}`, `{"success":true,"data":{"process_code":1e-400}}`,
	`{"success":true,"data":{"process_code":100080e-1,"process_code":-0}}`, `[]`, `null`, `{`, ``,
}

func FuzzDecodeReply(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		reply, err := juxinli.DecodeReply(body)
		if err != nil {
			require.ErrorIs(t, err, juxinli.ErrMalformed)
			require.Zero(t, printable(reply)["code"])
			return
		}
		content := fsmtest.Reveal(reply.Content)
		require.True(t, utf8.ValidString(content))
		require.LessOrEqual(t, len(content), 4096)
		require.True(t, short(string(reply.Code)) && short(reply.Type) && short(reply.Template))
		require.False(t, reply.Next != nil && reply.Next.Website == "")
		if reply.Success {
			require.True(t, hasValue(body, "true", "success"), "a success that is not in the response")
		}
		if code := string(reply.Code); code != "" && code != "?" {
			require.True(t, hasValue(body, code, "data", "process_code"), "a code that is not in the response: %s", code)
		}
		again, err := juxinli.DecodeReply(body)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(printable(reply), printable(again)))
	})
}

func FuzzDecodeReceipt(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, v3 bool) {
		receipt, err := juxinli.DecodeReceipt(body, v3)
		if err != nil {
			require.ErrorIs(t, err, juxinli.ErrMalformed)
			return
		}
		useful := !receipt.Token.Empty() && receipt.Source.Website != ""
		require.Equal(t, receipt.Accepted, useful)
		if !receipt.Accepted {
			require.Equal(t, carrierfsm.Source{}, receipt.Source)
		}
	})
}

func short(s string) bool { return len(s) <= 40 && !strings.ContainsAny(s, " \n\"") }

// hasValue reports whether the body has a value at a path, independently of the
// decoder.
func hasValue(body []byte, value string, path ...string) bool {
	var v any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	return d.Decode(&v) == nil && valueAt(v, value, path)
}

func valueAt(v any, value string, path []string) bool {
	if len(path) == 0 {
		return equalValue(v, value)
	}
	object, _ := v.(map[string]any)
	for key, inner := range object {
		if strings.EqualFold(key, path[0]) && valueAt(inner, value, path[1:]) {
			return true
		}
	}
	return false
}

func equalValue(v any, value string) bool {
	switch v := v.(type) {
	case bool:
		return v && value == "true"
	case string:
		return strings.EqualFold(strings.TrimSpace(v), value)
	case json.Number:
		if len(v) > 80 {
			return false
		}
		want, sane := new(big.Rat).SetString(value)
		near, err := v.Float64()
		if !sane || err != nil || near == 0 { // big.Rat would expand 1e99999999 and 1e-99999999
			mantissa, _, _ := strings.Cut(strings.ToLower(string(v)), "e")
			return sane && err == nil && want.Sign() == 0 && strings.Trim(mantissa, "-0.") == ""
		}
		got, ok := new(big.Rat).SetString(string(v))
		return ok && got.Cmp(want) == 0
	}
	return false
}
