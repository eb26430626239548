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
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// seeds are section 1 and 3 of the description, and what has fooled others.
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
			require.Zero(t, plain(reply)["code"])
			return
		}
		require.True(t, utf8.ValidString(reply.Content))
		require.LessOrEqual(t, len(reply.Content), 4096)
		require.True(t, short(string(reply.Code)) && short(reply.Type) && short(reply.Template))
		require.False(t, reply.Next != nil && reply.Next.Website == "")
		if reply.Success {
			require.True(t, says(body, "true", "success"), "a success that nobody told")
		}
		if code := string(reply.Code); code != "" && code != "?" {
			require.True(t, says(body, code, "data", "process_code"), "a code that nobody told: %s", code)
		}
		again, err := juxinli.DecodeReply(body)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(plain(reply), plain(again)))
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
		useful := receipt.Token != "" && receipt.Source.Website != ""
		require.Equal(t, receipt.Accepted, useful)
		if !receipt.Accepted {
			require.Equal(t, carrierfsm.Source{}, receipt.Source)
		}
	})
}

func short(s string) bool { return len(s) <= 40 && !strings.ContainsAny(s, " \n\"") }

// says tells whether the body has this value at the path, by another reading
// than the decoder's.
func says(body []byte, value string, path ...string) bool {
	var v any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	return d.Decode(&v) == nil && at(v, value, path)
}

func at(v any, value string, path []string) bool {
	if len(path) == 0 {
		return is(v, value)
	}
	object, _ := v.(map[string]any)
	for key, inner := range object {
		if strings.EqualFold(key, path[0]) && at(inner, value, path[1:]) {
			return true
		}
	}
	return false
}

func is(v any, value string) bool {
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
		if !sane || err != nil || near == 0 { // big.Rat would write out 1e99999999 and 1e-99999999
			mantissa, _, _ := strings.Cut(strings.ToLower(string(v)), "e")
			return sane && err == nil && want.Sign() == 0 && strings.Trim(mantissa, "-0.") == ""
		}
		told, ok := new(big.Rat).SetString(string(v))
		return ok && told.Cmp(want) == 0
	}
	return false
}
