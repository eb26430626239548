package juxinli_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

func TestDataEnvelopeDecoding(t *testing.T) {
	t.Parallel()
	type reading struct {
		Access, State, Report, Raw string
	}
	for _, c := range []struct {
		rule, body string
		want       reading
		err        error
	}{
		{"a token", `{"success":"true","note":"获取成功","access_token":"a","expires_in":"24"}`, reading{Access: "a"}, nil},
		{"success as a bool", `{"success":true,"access_token":"a"}`, reading{Access: "a"}, nil},
		{"success in capitals", `{"success":"TRUE","access_token":"a"}`, reading{Access: "a"}, nil},
		{"a code of success", `{"success":"true","code":200,"access_token":"a"}`, reading{Access: "a"}, nil},
		{"running", `{"success":"true","code":30015,"data":{"status":"抓取中"}}`, reading{State: "running"}, nil},
		{"done", `{"success":"true","code":"30015","data":{"status":"完成"}}`, reading{State: "done"}, nil},
		{"failed", `{"success":"true","data":{"status":"抓取失败"}}`, reading{State: "failed"}, nil},
		{"a negation of the word for done", `{"success":"true","data":{"status":"未完成"}}`, reading{State: "unclear"}, nil},
		{"an unknown status", `{"success":"true","data":{"status":"等待"}}`, reading{State: "unclear"}, nil},
		{"a status of another kind", `{"success":"true","data":{"status":{}}}`, reading{State: "unclear"}, nil},
		{"no status", `{"success":"true","data":{"x":1}}`, reading{State: "unclear"}, nil},
		{"data of another kind", `{"success":"true","data":[1]}`, reading{}, nil},
		{"a report", `{"success":"true","report_data":{"report": {"token" : "t"}}}`, reading{Report: `{"report": {"token" : "t"}}`}, nil},
		{"a report that is a text", `{"success":"true","report_data":"x"}`, reading{Report: `"x"`}, nil},
		{"a report that is null is none", `{"success":"true","report_data":null}`, reading{}, nil},
		{"a report without anything is none", `{"success":"true","report_data":{ }}`, reading{}, nil},
		{"of a repeated report the last counts", `{"success":"true","report_data":{"a":1},"report_data":{"b":2}}`, reading{Report: `{"b":2}`}, nil},
		{"raw data", `{"success":"true","raw_data":{"members":{"error_code":31200}}}`, reading{Raw: `{"members":{"error_code":31200}}`}, nil},
		{"raw data without a code", `{"success":"true","raw_data":{"members":{"x":1}}}`, reading{Raw: `{"members":{"x":1}}`}, nil},
		{"raw data of another kind", `{"success":"true","raw_data":{"members":[1]}}`, reading{Raw: `{"members":[1]}`}, nil},
		{"raw data that are none", `{"success":"true","raw_data":{"members":{"error_code":"31204"}}}`, reading{}, nil},
		{"raw data that failed otherwise", `{"success":"true","raw_data":{"members":{"error_code":31203}}}`, reading{}, nil},
		{"a failure", `{"success":"false","code":20001}`, reading{}, juxinli.ErrSecretRefused},
		{"a failure as a bool", `{"success":false,"code":20001}`, reading{}, juxinli.ErrSecretRefused},
		{"a code of a failure with success true", `{"success":"true","code":20007,"data":{"status":"完成"}}`, reading{}, juxinli.ErrTokenRefused},
		{"a code of a failure without success", `{"code":"20003"}`, reading{}, juxinli.ErrFrozen},
		{"an empty report", `{"success":"false","code":20033}`, reading{}, juxinli.ErrNoData},
		{"no success", `{"report_data":{"a":1}}`, reading{}, juxinli.ErrMalformed},
		{"success of another kind", `{"success":1,"report_data":{"a":1}}`, reading{}, juxinli.ErrMalformed},
		{"truncated JSON", `{"success":"true","report_data":{"a"`, reading{}, juxinli.ErrMalformed},
		{"two JSON values", `{"success":"true"}{"success":"true"}`, reading{}, juxinli.ErrMalformed},
		{"an array", `[]`, reading{}, juxinli.ErrMalformed},
		{"null", `null`, reading{}, juxinli.ErrMalformed},
		{"nothing", ``, reading{}, juxinli.ErrMalformed},
		{"broken UTF-8", "{\"success\":\"true\",\"report_data\":{\"a\":\"\xff\"}}", reading{}, juxinli.ErrMalformed},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			d, err := juxinli.DecodeData([]byte(c.body))
			require.ErrorIs(t, err, c.err)
			got := reading{d.Access, string(d.State), string(d.Report.JSON()), string(d.Raw.JSON())}
			require.Empty(t, cmp.Diff(c.want, got))
		})
	}
}

func TestRawDataHaveTheirOwnCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{`31203`: "31203", `"31203"`: "31203", `"x"`: "?", `13800138000`: "?"} {
		d, err := juxinli.DecodeData([]byte(`{"success":"true","raw_data":{"members":{"error_code":` + code + `}}}`))
		require.NoError(t, err)
		var refusal *juxinli.RefusalError
		require.ErrorAs(t, d.RawErr, &refusal)
		require.Equal(t, want, refusal.Code)
	}
}

func FuzzDecodeData(f *testing.F) {
	for _, seed := range append([]string{
		`{"success":"true","note":"","access_token":"a","expires_in":"24"}`, `{"success":"false","code":20007,"note":"x"}`,
		`{"success":"true","code":30015,"data":{"status":"完成"}}`, `{"success":"true","report_data":{"report":{"token":"t"}}}`,
		`{"success":"true","raw_data":{"members":{"error_code":31200}}}`, `{"success":"true","raw_data":{"members":{"error_code":31204}}}`,
		`{"success":"TRUE","Report_Data":[],"report_data":{"a":1}}`, `{"success":"true","code":2.0007e4}`,
	}, seeds...) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		d, err := juxinli.DecodeData(body)
		require.Equal(t, before, string(body), "decoding does not change the response")
		if err != nil {
			require.Zero(t, d.Access)
			require.Nil(t, d.Report.JSON())
			require.Nil(t, d.Raw.JSON())
			if refusal := new(juxinli.RefusalError); !asRefusal(err, &refusal) {
				require.ErrorIs(t, err, juxinli.ErrMalformed)
			} else {
				require.True(t, short(refusal.Code))
				require.LessOrEqual(t, len(refusal.Code), 10)
			}
			return
		}
		require.True(t, hasValue(body, "true", "success"), "a success that is not in the response")
		if d.State == juxinli.JobDone {
			require.True(t, hasValue(body, "完成", "data", "status") || hasValue(body, "抓取完成", "data", "status") || hasValue(body, "采集完成", "data", "status"))
		}
		for _, doc := range []juxinli.Document{d.Report, d.Raw} {
			require.True(t, doc.JSON() == nil || json.Valid(doc.JSON()))
		}
		require.Equal(t, d.Report.JSON() == nil, d.ReportErr != nil)
		require.Equal(t, d.Raw.JSON() == nil, d.RawErr != nil)
		require.Equal(t, d.State == "", d.StateErr != nil)
	})
}

func asRefusal(err error, target **juxinli.RefusalError) bool {
	refusal, ok := err.(*juxinli.RefusalError) //nolint:errorlint // the decoder wraps nothing
	*target = refusal
	return ok
}
