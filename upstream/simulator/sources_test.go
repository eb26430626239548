package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const skipReq = "/orgApi/rest/v2/messages/collect/skip"

func skip(k *talk) string { return short(k.post(skipReq, fields{"token": k.token})) }

// applyFor hands in a form by version 3 that names data sources.
func (b *bench) applyFor(version, key string, websites ...string) (fields, *talk) {
	b.t.Helper()
	p := personAt(b.t, key)
	var selected []fields
	for _, w := range websites {
		selected = append(selected, fields{"name": w, "category": "mobile"})
	}
	f := form(p)
	f["selected_website"] = selected
	answer := b.post("/orgApi/rest/"+version+"/applications/DEMO", f)
	data, _ := answer["data"].(fields)
	token, _ := data["token"].(string)
	return answer, &talk{b, p, token, p.Website}
}

func (k *talk) at(website string) *talk {
	k.website = website
	return k
}

func TestSelectedSourcesFollowOneAnother(t *testing.T) {
	t.Parallel()
	answer, k := newBench(t).applyFor("v3", "unicom", "chinaunicom", "chinamobilejs", "安徽移动", "江苏移动")
	require.EqualValues(t, 65557, answer["code"])
	require.Equal(t, "10008 then chinamobilejs", password(k))
	k.at("chinamobilejs")
	require.Equal(t, "10002 SUBMIT_CAPTCHA", nextPassword(k))
	require.Equal(t, "10008 then chinamobileah", code(k))
	k.at("chinamobileah")
	nextPassword(k)
	require.Equal(t, "10008 then chinatelecomah", code(k), "its own next one comes first")
	k.at("chinatelecomah")
	nextPassword(k)
	require.Equal(t, "10008 end", code(k))
	require.Equal(t, "ERROR", code(k.at("chinamobilejs")))
}

func TestAnUnknownSourceIsRefusedAndVersion2KnowsOfNone(t *testing.T) {
	t.Parallel()
	answer, _ := newBench(t).applyFor("v3", "unicom", "chinamobilejs", "moon")
	require.Equal(t, fields{"success": false, "message": "申请信息有误"}, answer)
	_, k := newBench(t).applyFor("v2", "unicom", "chinamobilejs", "moon")
	require.Equal(t, "10008 end", password(k))
}

func TestASourceIsLeftOut(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("two-sources")
	password(k)
	require.Equal(t, "10008 then chinatelecomah", skip(k))
	require.Equal(t, "ERROR then chinatelecomah", code(k), "it comes too late")
	require.Equal(t, "30000", code(k.at("chinatelecomah")))
	nextPassword(k)
	require.Equal(t, "10008 end", code(k))
	require.Equal(t, "ERROR", skip(k))
	require.Equal(t, "refused: token无效或已过期", short(k.post(skipReq, fields{"token": "moon"})))
	require.Equal(t, "refused: 请求格式错误", short(k.post(skipReq, []int{1})))
}

func TestARepeatedSkipLeavesOutWhatComesNext(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("two-sources")
	require.Equal(t, "10008 then chinatelecomah", skip(k))
	require.Equal(t, "10008 end", skip(k))
}

func TestWhereAllSourcesWereLeftOutNothingIsCollected(t *testing.T) {
	t.Parallel()
	for _, got := range []bool{false, true} {
		k := newBench(t).apply("two-sources")
		if got {
			password(k)
			code(k)
		} else {
			skip(k)
		}
		require.Equal(t, "10008 end", skip(k))
		access := k.access("24")
		k.advance(time.Minute)
		want, report := "抓取失败", "20033"
		if got {
			want, report = "完成", k.person.Phone
		}
		require.Equal(t, want, k.data(jobStatus, access, k.token))
		require.Equal(t, report, k.data(reportData, access, k.token))
	}
}

func TestASkipLeavesTheReset(t *testing.T) {
	t.Parallel()
	_, k := newBench(t).applyFor("v3", "weak-resettable", "chinaunicom")
	askReset(k)
	require.Equal(t, "10008 then chinaunicom", skip(k))
	require.Equal(t, "30000", newPassword(k))
	require.Equal(t, "31000", newPassword(k.at("chinaunicom")))
}
