package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const skipReq = "/orgApi/rest/v2/messages/collect/skip"

func skip(r *run) string { return summarize(r.post(skipReq, fields{"token": r.token})) }

// applyWith submits a form that selects data sources.
func (f *fixture) applyWith(version, key string, websites ...string) (fields, *run) {
	f.t.Helper()
	p := personAt(f.t, key)
	var selected []fields
	for _, w := range websites {
		selected = append(selected, fields{"name": w, "category": "mobile"})
	}
	body := form(p)
	body["selected_website"] = selected
	answer := f.post("/orgApi/rest/"+version+"/applications/DEMO", body)
	data, _ := answer["data"].(fields)
	token, _ := data["token"].(string)
	return answer, &run{f, nil, p, token, p.Website}
}

func (r *run) atSource(website string) *run {
	r.website = website
	return r
}

func TestSelectedSourcesAreCollectedInOrder(t *testing.T) {
	t.Parallel()
	answer, r := newFixture(t).applyWith("v3", "unicom", "chinaunicom", "chinamobilejs", "安徽移动", "江苏移动")
	require.EqualValues(t, 65557, answer["code"])
	require.Equal(t, "10008 then chinamobilejs", password(r))
	r.atSource("chinamobilejs")
	require.Equal(t, "10002 SUBMIT_CAPTCHA", nextPassword(r))
	require.Equal(t, "10008 then chinamobileah", code(r))
	r.atSource("chinamobileah")
	nextPassword(r)
	require.Equal(t, "10008 then chinatelecomah", code(r), "the carrier's own next source comes first")
	r.atSource("chinatelecomah")
	nextPassword(r)
	require.Equal(t, "10008 end", code(r))
	require.Equal(t, "ERROR", code(r.atSource("chinamobilejs")))
}

// A person who skips the mobile source begins with the first selected one.
func TestTheMobileSourceIsSkippedInTheForm(t *testing.T) {
	t.Parallel()
	f, p := newFixture(t), personAt(t, "plain")
	body := form(p)
	body["skip_mobile"] = true
	body["selected_website"] = []fields{{"website": "chinaunicom", "category": "mobile"}, {"website": "chinamobilezj"}, {"website": "chinaunicom"}}
	data := f.post("/orgApi/rest/v3/applications/DEMO", body)["data"].(fields)
	r := &run{f, nil, p, data["token"].(string), "chinaunicom"}
	require.Equal(t, "10003", password(r), "the password is the other operator's")
	require.Equal(t, "10008 then chinamobilezj", nextPassword(r))
	nextPassword(r.atSource("chinamobilezj"))
	require.Equal(t, "10008 end", code(r))
	require.Equal(t, "30000", password(r.atSource("chinamobilejs")))
}

func TestASourceIsSkipped(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("two-sources")
	password(r)
	require.Equal(t, "10008 then chinatelecomah", skip(r))
	require.Equal(t, "ERROR then chinatelecomah", code(r), "the source was skipped")
	require.Equal(t, "30000", code(r.atSource("chinatelecomah")))
	nextPassword(r)
	require.Equal(t, "10008 end", code(r))
	require.Equal(t, "ERROR", skip(r))
	require.Equal(t, "refused: token无效或已过期", summarize(r.post(skipReq, fields{"token": "unknown"})))
	require.Equal(t, "refused: 请求格式错误", summarize(r.post(skipReq, []int{1})))
}

func TestARepeatedSkipSkipsTheNextSource(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("two-sources")
	require.Equal(t, "10008 then chinatelecomah", skip(r))
	require.Equal(t, "10008 end", skip(r))
}

func TestTheCollectionFailsIfAllSourcesAreSkipped(t *testing.T) {
	t.Parallel()
	for _, got := range []bool{false, true} {
		r := newFixture(t).apply("two-sources")
		if got {
			password(r)
			code(r)
		} else {
			skip(r)
		}
		require.Equal(t, "10008 end", skip(r))
		access := r.accessToken("24")
		r.advance(time.Minute)
		want, report := "抓取失败", "20033"
		if got {
			want, report = "完成", r.person.Phone
		}
		require.Equal(t, want, r.dataCall(jobStatus, access, r.token))
		require.Equal(t, report, r.dataCall(reportData, access, r.token))
	}
}

func TestASkipEndsAReset(t *testing.T) {
	t.Parallel()
	_, r := newFixture(t).applyWith("v3", "weak-resettable", "chinaunicom")
	askReset(r)
	require.Equal(t, "10008 then chinaunicom", skip(r))
	require.Equal(t, "30000", newPassword(r))
	require.Equal(t, "31000", newPassword(r.atSource("chinaunicom")))
}
