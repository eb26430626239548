package simulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

const (
	accessToken = "/api/v2/access_report_token"
	jobStatus   = "/api/v2/job/access_jobs_status_by_token"
	reportData  = "/api/access_report_data_by_token"
	rawData     = "/api/access_raw_data_by_token"

	clientSecret = "simulated-client-secret"
)

// get makes a data call and returns the decoded response.
func (f *fixture) get(path string, query ...string) fields {
	f.t.Helper()
	values := make(url.Values)
	for i := 0; i < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	got, err := f.send(f.t.Context(), http.MethodGet, path+"?"+values.Encode(), "", "")
	require.NoError(f.t, err)
	require.Equal(f.t, http.StatusOK, got.status)
	require.Equal(f.t, jsonType, got.contentType)
	return decoded(f.t, got.body)
}

// accessToken fetches an access token.
func (f *fixture) accessToken(hours string) string {
	f.t.Helper()
	answer := f.get(accessToken, "client_secret", clientSecret, "org_name", "DEMO", "hours", hours)
	require.Equal(f.t, "true", answer["success"], "a string")
	return answer["access_token"].(string)
}

// dataCall returns the code of a refusal, the status of a job, the phone number of a
// report, or the code of raw data.
func (f *fixture) dataCall(path, access, token string) string {
	f.t.Helper()
	answer := f.get(path, "client_secret", clientSecret, "access_token", access, "token", token)
	if answer["success"] != "true" {
		require.Equal(f.t, "false", answer["success"])
		return fmt.Sprint(answer["code"])
	}
	switch path {
	case jobStatus:
		require.EqualValues(f.t, 30015, answer["code"])
		return answer["data"].(fields)["status"].(string)
	case reportData:
		return answer["report_data"].(fields)["person"].(fields)["cell_phone"].(string)
	default:
		return fmt.Sprint(answer["raw_data"].(fields)["members"].(fields)["error_code"])
	}
}

// complete completes the run of the person at a carrier.
func (f *fixture) complete(key string) *run {
	f.t.Helper()
	r := f.apply(key)
	password(r)
	require.Equal(f.t, "10008 end", code(r))
	return r
}

func TestAReportIsAvailableAfterTheCollection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, status, report, raw string }{
		{"plain", "完成", "13800138000", "31200"},
		{"no-report", "抓取失败", "20033", "31204"},
	} {
		f := newFixture(t)
		r := f.complete(c.key)
		access := f.accessToken("24")
		see := func() []string {
			return []string{f.dataCall(jobStatus, access, r.token), f.dataCall(reportData, access, r.token), f.dataCall(rawData, access, r.token)}
		}
		require.Equal(t, []string{"抓取中", "20033", "31204"}, see(), c.key)
		f.advance(30*time.Second - 1)
		require.Equal(t, []string{"抓取中", "20033", "31204"}, see(), c.key)
		f.advance(1)
		require.Equal(t, []string{c.status, c.report, c.raw}, see(), c.key)
		f.advance(time.Hour)
		require.Equal(t, []string{c.status, c.report, c.raw}, see(), "%s: a token does not expire for data calls", c.key)
	}
}

func TestTheStateOfAJobMayStandOnlyInItsDetails(t *testing.T) {
	t.Parallel()
	for fails, want := range map[bool]string{false: "COLLECT_SUCCESS", true: "COLLECT_FAIL"} {
		r := newCustomRun(t, simulator.Carrier{Website: "w", StateInDetails: true, ReportFails: fails})
		password(r)
		access := r.accessToken("24")
		data := func() any {
			return r.get(jobStatus, "client_secret", clientSecret, "access_token", access, "token", r.token)["data"]
		}
		detail := func(state string) fields {
			return fields{"details": []any{fields{"website": "w", "websiteStatus": state}}}
		}
		require.Equal(t, detail("COLLECT_RUNNING"), data())
		r.advance(30 * time.Second)
		require.Equal(t, detail(want), data())
	}
}

func TestAReportFollowsTheCollectionAfterReportLag(t *testing.T) {
	t.Parallel()
	f := newFixtureWith(t, simulator.Config{ReportLag: time.Minute})
	r := f.complete("plain")
	access := f.accessToken("24")
	f.advance(90*time.Second - 1)
	require.Equal(t, "完成", f.dataCall(jobStatus, access, r.token))
	require.Equal(t, "20033", f.dataCall(reportData, access, r.token))
	require.Equal(t, "31204", f.dataCall(rawData, access, r.token))
	f.advance(1)
	require.Equal(t, "13800138000", f.dataCall(reportData, access, r.token))
	require.Equal(t, "31200", f.dataCall(rawData, access, r.token))
}

func TestAnIncompleteRunHasNoStatus(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	password(r)
	access := r.accessToken("per")
	for _, token := range []string{r.token, "unknown", ""} {
		require.Equal(t, "20032", r.dataCall(jobStatus, access, token))
		require.Equal(t, "20033", r.dataCall(reportData, access, token))
		require.Equal(t, "31204", r.dataCall(rawData, access, token))
	}
}

func TestAnAccessTokenExpiresOrIsRevoked(t *testing.T) {
	t.Parallel()
	r := newFixture(t).complete("plain")
	day, forever := r.accessToken("24"), r.accessToken("per")
	require.NotEqual(t, day, forever)
	r.advance(24*time.Hour - 1)
	require.Equal(t, "完成", r.dataCall(jobStatus, day, r.token))
	r.advance(1)
	for _, path := range []string{jobStatus, reportData, rawData} {
		require.Equal(t, "20007", r.dataCall(path, day, r.token))
		require.Equal(t, "20007", r.dataCall(path, "", r.token))
	}
	require.Equal(t, "完成", r.dataCall(jobStatus, forever, r.token))
	r.RevokeAccessTokens()
	require.Equal(t, "20007", r.dataCall(jobStatus, forever, r.token))
	require.Equal(t, "完成", r.dataCall(jobStatus, r.accessToken("24"), r.token))
	require.Equal(t, 3, r.AccessTokens())
}

func TestAFrozenInstitutionGetsNoData(t *testing.T) {
	t.Parallel()
	frozen := newFixtureWith(t, simulator.Config{Frozen: true, ClientSecret: "another"})
	for _, path := range []string{accessToken, "/api/access_report_token", jobStatus, reportData, rawData, "/api/access_report_data", "/api/access_raw_data"} {
		require.EqualValues(t, 20003, frozen.get(path, "client_secret", "another", "org_name", "DEMO", "hours", "24")["code"], path)
		require.EqualValues(t, 20001, frozen.get(path, "client_secret", "x", "org_name", "DEMO", "hours", "24")["code"], path)
	}
}

func TestAReportIsAvailableAfterARestore(t *testing.T) {
	t.Parallel()
	r := newFixture(t).complete("plain")
	access := r.accessToken("per")
	r.advance(time.Minute)
	require.NotContains(t, r.saved(), access)
	require.NotContains(t, r.saved(), clientSecret)
	moved := r.restored()
	require.Equal(t, "13800138000", moved.dataCall(reportData, access, r.token))
	require.NotEqual(t, access, moved.accessToken("per"), "the count of access tokens is restored")
}
