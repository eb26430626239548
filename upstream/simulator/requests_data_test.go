package simulator_test

import (
	"net/url"
	"testing"
	"time"
)

func collected(r *run) string {
	out := password(r) + code(r)
	r.advance(time.Minute)
	return out
}

func TestDataCallsAsClientsSendThem(t *testing.T) {
	t.Parallel()
	const (
		client = "client_secret={secret}&org_name=DEMO"
		call   = "client_secret={secret}&access_token={access}"
	)
	name := url.QueryEscape("测试用户")
	done := []func(*run) string{collected}
	answerEach(t, []asked{
		{rule: "a token for a day", line: "GET /api/v2/access_report_token?" + client + "&hours=24", want: "access for 24"},
		{rule: "a token for ever", line: "GET /api/v2/access_report_token?hours=per&" + client, want: "access for per"},
		{rule: "a token for an hour", line: "GET /api/v2/access_report_token?" + client + "&hours=1", want: "access for 1"},
		{rule: "a token of the first version", line: "GET /api/access_report_token?" + client + "&hours=1", want: "access for 1"},
		{rule: "a token of the first version for a day", line: "GET /api/access_report_token?hours=24&" + client, want: "access for 24"},
		{rule: "a token of the first version for ever", line: "GET /api/access_report_token?" + client + "&hours=per", want: "access for per"},
		{rule: "a token for two days", line: "GET /api/access_report_token?" + client + "&hours=48", want: "data refused: 20007"},
		{rule: "a token without hours", line: "GET /api/access_report_token?" + client, want: "data refused: 20007"},
		{rule: "a token for another institution", line: "GET /api/access_report_token?client_secret={secret}&org_name=OTHER&hours=1", want: "data refused: 20001"},
		{rule: "a token without the secret", line: "GET /api/access_report_token?org_name=DEMO&hours=1", want: "data refused: 20001"},
		{rule: "a token with a wrong secret", line: "GET /api/v2/access_report_token?client_secret=x&org_name=DEMO&hours=24", want: "data refused: 20001"},

		{rule: "a job", before: done, line: "GET /api/v2/job/access_jobs_status_by_token?" + call + "&token={token}", want: "job 完成"},
		{rule: "a job before the end", before: []func(*run) string{password, code}, line: "GET /api/v2/job/access_jobs_status_by_token?token={token}&" + call, want: "job 抓取中"},
		{rule: "a job without a token", before: done, line: "GET /api/v2/job/access_jobs_status_by_token?" + call, want: "data refused: 20032"},
		{rule: "a job with a wrong secret", before: done, line: "GET /api/v2/job/access_jobs_status_by_token?client_secret=x&access_token={access}&token={token}", want: "data refused: 20001"},
		{rule: "a job without an access token", before: done, line: "GET /api/v2/job/access_jobs_status_by_token?client_secret={secret}&token={token}", want: "data refused: 20007"},

		{rule: "a report", before: done, line: "GET /api/access_report_data_by_token?token={token}&" + call, want: "report of 13800138000"},
		{rule: "a report with a wrong secret", before: done, line: "GET /api/access_report_data_by_token?token={token}&client_secret=x&access_token={access}", want: "data refused: 20001"},
		{rule: "a report with a wrong access token", before: done, line: "GET /api/access_report_data_by_token?token={token}&client_secret={secret}&access_token=x", want: "data refused: 20007"},
		{rule: "a report before the end", before: []func(*run) string{password, code}, line: "GET /api/access_report_data_by_token?token={token}&" + call, want: "data refused: 20033"},
		{rule: "raw data", before: done, line: "GET /api/access_raw_data_by_token?" + call + "&token={token}", want: "raw data: 31200"},
		{rule: "raw data of an unknown token", before: done, line: "GET /api/access_raw_data_by_token?" + call + "&token=x", want: "raw data: 31204"},
		{rule: "raw data with a wrong secret", before: done, line: "GET /api/access_raw_data_by_token?token={token}&client_secret=x&access_token={access}", want: "data refused: 20001"},

		{rule: "a report by person", before: done, line: "GET /api/access_report_data?" + call + "&name=" + name + "&idcard={idcard}&phone={phone}", want: "report of 13800138000"},
		{rule: "a report by person in another order", before: done, line: "GET /api/access_report_data?phone={phone}&name=" + name + "&idcard={idcard}&" + call, want: "report of 13800138000"},
		{rule: "a report by a name that is not escaped", before: done, line: "GET /api/access_report_data?" + call + "&name={name}&phone={phone}&idcard={idcard}", want: "report of 13800138000"},
		{rule: "a report by another name", before: done, line: "GET /api/access_report_data?" + call + "&name=x&phone={phone}&idcard={idcard}", want: "data refused: 20033"},
		{rule: "a report by another ID card", before: done, line: "GET /api/access_report_data?" + call + "&name={name}&phone={phone}&idcard=11010119900307889X", want: "data refused: 20033"},
		{rule: "a report by another phone number", before: done, line: "GET /api/access_report_data?" + call + "&name={name}&phone=13800138001&idcard={idcard}", want: "data refused: 20033"},
		{rule: "a report by an unknown phone number", before: done, line: "GET /api/access_report_data?" + call + "&name={name}&phone=13800138099&idcard={idcard}", want: "data refused: 20033"},
		{rule: "a report by person without an ID card", before: done, line: "GET /api/access_report_data?" + call + "&name={name}&phone={phone}", want: "data refused: 20033"},
		{rule: "a report by person before the end", before: []func(*run) string{password}, line: "GET /api/access_report_data?" + call + "&name={name}&phone={phone}&idcard={idcard}", want: "data refused: 20033"},
		{rule: "a report by a person whose collection failed", key: "no-report", before: done, line: "GET /api/access_report_data?" + call + "&name={name}&phone={phone}&idcard={idcard}", want: "data refused: 20033"},
		{rule: "a report by person with a wrong secret", before: done, line: "GET /api/access_report_data?client_secret=x&access_token={access}&name={name}&phone={phone}&idcard={idcard}", want: "data refused: 20001"},
		{rule: "a report by person without an access token", before: done, line: "GET /api/access_report_data?client_secret={secret}&name={name}&phone={phone}&idcard={idcard}", want: "data refused: 20007"},
		{rule: "raw data by person", before: done, line: "GET /api/access_raw_data?name=" + name + "&phone={phone}&idcard={idcard}&" + call, want: "raw data: 31200"},
		{rule: "raw data by another name", before: done, line: "GET /api/access_raw_data?name=x&phone={phone}&idcard={idcard}&" + call, want: "raw data: 31204"},
	})
}
