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

// get makes a data call and returns the decoded answer.
func (b *bench) get(path string, query ...string) fields {
	b.t.Helper()
	values := make(url.Values)
	for i := 0; i < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	got, err := b.send(b.t.Context(), http.MethodGet, path+"?"+values.Encode(), "", "")
	require.NoError(b.t, err)
	require.Equal(b.t, http.StatusOK, got.status)
	require.Equal(b.t, jsonType, got.contentType)
	return decoded(b.t, got.body)
}

// access gets an access token.
func (b *bench) access(hours string) string {
	b.t.Helper()
	answer := b.get(accessToken, "client_secret", clientSecret, "org_name", "DEMO", "hours", hours)
	require.Equal(b.t, "true", answer["success"], "a string")
	return answer["access_token"].(string)
}

// data is the answer to a data call in short: the code of a refusal, the
// status, the report's keys, the raw data's code.
func (b *bench) data(path, access, token string) string {
	b.t.Helper()
	answer := b.get(path, "client_secret", clientSecret, "access_token", access, "token", token)
	if answer["success"] != "true" {
		require.Equal(b.t, "false", answer["success"])
		return fmt.Sprint(answer["code"])
	}
	switch path {
	case jobStatus:
		require.EqualValues(b.t, 30015, answer["code"])
		return answer["data"].(fields)["status"].(string)
	case reportData:
		return answer["report_data"].(fields)["person"].(fields)["cell_phone"].(string)
	default:
		return fmt.Sprint(answer["raw_data"].(fields)["members"].(fields)["error_code"])
	}
}

// through is a person who has done all that was asked.
func (b *bench) through(key string) *talk {
	b.t.Helper()
	k := b.apply(key)
	password(k)
	require.Equal(b.t, "10008 end", code(k))
	return k
}

func TestAReportIsThereWhenTheCollectionIsThrough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, status, report, raw string }{
		{"plain", "完成", "13800138000", "31200"},
		{"no-report", "抓取失败", "20033", "31204"},
	} {
		b := newBench(t)
		k := b.through(c.key)
		access := b.access("24")
		see := func() []string {
			return []string{b.data(jobStatus, access, k.token), b.data(reportData, access, k.token), b.data(rawData, access, k.token)}
		}
		require.Equal(t, []string{"抓取中", "20033", "31204"}, see(), c.key)
		b.advance(30*time.Second - 1)
		require.Equal(t, []string{"抓取中", "20033", "31204"}, see(), c.key)
		b.advance(1)
		require.Equal(t, []string{c.status, c.report, c.raw}, see(), c.key)
		b.advance(time.Hour)
		require.Equal(t, []string{c.status, c.report, c.raw}, see(), "%s: tokens grow old in a collection only", c.key)
	}
}

func TestAReportMayComeAfterTheCollection(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, simulator.Config{ReportLag: time.Minute})
	k := b.through("plain")
	access := b.access("24")
	b.advance(90*time.Second - 1)
	require.Equal(t, "完成", b.data(jobStatus, access, k.token))
	require.Equal(t, "20033", b.data(reportData, access, k.token))
	require.Equal(t, "31204", b.data(rawData, access, k.token))
	b.advance(1)
	require.Equal(t, "13800138000", b.data(reportData, access, k.token))
	require.Equal(t, "31200", b.data(rawData, access, k.token))
}

func TestWhatIsNotThroughHasNoStatus(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	password(k)
	access := k.access("per")
	for _, token := range []string{k.token, "unknown", ""} {
		require.Equal(t, "20032", k.data(jobStatus, access, token))
		require.Equal(t, "20033", k.data(reportData, access, token))
		require.Equal(t, "31204", k.data(rawData, access, token))
	}
}

func TestAnAccessTokenEnds(t *testing.T) {
	t.Parallel()
	k := newBench(t).through("plain")
	day, forever := k.access("24"), k.access("per")
	require.NotEqual(t, day, forever)
	k.advance(24*time.Hour - 1)
	require.Equal(t, "完成", k.data(jobStatus, day, k.token))
	k.advance(1)
	for _, path := range []string{jobStatus, reportData, rawData} {
		require.Equal(t, "20007", k.data(path, day, k.token))
		require.Equal(t, "20007", k.data(path, "", k.token))
	}
	require.Equal(t, "完成", k.data(jobStatus, forever, k.token))
	k.RevokeAccessTokens()
	require.Equal(t, "20007", k.data(jobStatus, forever, k.token))
	require.Equal(t, "完成", k.data(jobStatus, k.access("24"), k.token))
	require.Equal(t, 3, k.AccessTokens())
}

func TestADataCallNeedsTheClientsSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	access := b.access("per")
	for _, path := range []string{accessToken, jobStatus, reportData, rawData} {
		for _, wrong := range []string{"", "wrong"} {
			require.EqualValues(t, 20001, b.get(path, "client_secret", wrong, "access_token", access, "org_name", "DEMO", "hours", "24")["code"], path)
		}
	}
	require.EqualValues(t, 20001, b.get(accessToken, "client_secret", clientSecret, "org_name", "ANOTHER", "hours", "24")["code"])
	require.EqualValues(t, 20007, b.get(accessToken, "client_secret", clientSecret, "org_name", "DEMO", "hours", "48")["code"])

	frozen := newBenchOf(t, simulator.Config{Frozen: true, ClientSecret: "another"})
	for _, path := range []string{accessToken, jobStatus, reportData, rawData} {
		require.EqualValues(t, 20003, frozen.get(path, "client_secret", "another", "org_name", "DEMO", "hours", "24")["code"], path)
	}
}

func TestAReportIsThereAtARestoredServerToo(t *testing.T) {
	t.Parallel()
	k := newBench(t).through("plain")
	access := k.access("per")
	k.advance(time.Minute)
	require.NotContains(t, k.saved(), access)
	require.NotContains(t, k.saved(), clientSecret)
	moved := k.moved()
	require.Equal(t, "13800138000", moved.data(reportData, access, k.token))
	require.NotEqual(t, access, moved.access("per"), "access tokens go on")
}
