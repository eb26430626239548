package simulator_test

import (
	"math"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestAScriptedAnswerIsSentUnchanged(t *testing.T) {
	t.Parallel()
	next := simulator.Carrier{Website: "w", Name: "n"}
	for what, c := range map[string]struct {
		answer simulator.Answer
		want   string
	}{
		"number":           {simulator.Code(10003), `{"data":{"content":"","finish":false,"process_code":10003,"type":"CONTROL"},"success":true}`},
		"string":           {simulator.Code("10003"), `{"data":{"content":"","finish":false,"process_code":"10003","type":"CONTROL"},"success":true}`},
		"null":             {simulator.Code(nil), `{"data":{"content":"","finish":false,"process_code":null,"type":"CONTROL"},"success":true}`},
		"never seen":       {simulator.Code(simulator.NeverSeen), `{"data":{"content":"","finish":false,"process_code":19999,"type":"CONTROL"},"success":true}`},
		"absent":           {simulator.Code(1).Without("process_code", "finish", "content"), `{"data":{"type":"CONTROL"},"success":true}`},
		"running":          {simulator.Running(), `{"data":{"content":"采集请求超时","finish":false,"process_code":0,"type":"RUNNING"},"success":true}`},
		"tip":              {simulator.Tip(), `{"data":{"content":"正在登录","type":"TIP"},"success":true}`},
		"error":            {simulator.Error("x"), `{"data":{"content":"x","finish":false,"type":"ERROR"},"success":true}`},
		"collected":        {simulator.AlreadyCollected(), `{"data":{"content":"当前网站已经采集完成,请不要重复采集","finish":false,"type":"ERROR"},"success":true}`},
		"crawl finished":   {simulator.CrawlFinished(), `{"message":"抓取完成","success":false}`},
		"refusal":          {simulator.Refusal("x"), `{"message":"x","success":false}`},
		"success, string":  {simulator.Refusal("x").WithSuccess("false"), `{"message":"x","success":"false"}`},
		"template":         {simulator.Data(nil).WithTemplate("UNKNOWN"), `{"data":{"req_msg_tpl":{"method":"AUTO","type":"UNKNOWN"}},"success":true}`},
		"type and finish":  {simulator.Data(nil).With("type", "X").With("finish", "yes"), `{"data":{"finish":"yes","type":"X"},"success":true}`},
		"data null":        {simulator.Answer{Body: fields{"success": true, "data": nil}}, `{"data":null,"success":true}`},
		"raw before body":  {simulator.Answer{Raw: "<x>", Body: fields{"a": 1}}, `<x>`},
		"nothing":          {simulator.Answer{}, ``},
		"next data source": {simulator.Data(nil).WithNext(next).With("next_datasource", nil), `{"data":{"next_datasource":null},"success":true}`},
	} {
		r := newFixture(t).apply("plain")
		r.Script(r.person.Phone, c.answer)
		require.Equal(t, c.want, r.rawLogin(http.StatusOK, "application/json;charset=utf-8"), what)
	}
	r := newFixture(t).apply("plain")
	r.Script(r.person.Phone, simulator.Code(10008).WithNext(next))
	require.Equal(t, "10008 then w", password(r))
}

// rawLogin returns the body of the response to the password.
func (r *run) rawLogin(status int, contentType string) string {
	r.t.Helper()
	got, err := r.send(r.t.Context(), http.MethodPost, collectReq, "application/json", encoded(r.t, r.request("", "password", r.person.Password)))
	require.NoError(r.t, err)
	require.Equal(r.t, status, got.status)
	require.Equal(r.t, contentType, got.contentType)
	return got.body
}

func TestAScriptedAnswerHasItsOwnStatusAndContentType(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	r.Script(r.person.Phone,
		simulator.Answer{Status: http.StatusBadGateway, ContentType: "text/html", Raw: "<title>502</title>"},
		simulator.Data(fields{"process_code": math.NaN()}))
	require.Equal(t, "<title>502</title>", r.rawLogin(http.StatusBadGateway, "text/html"))
	require.Contains(t, r.rawLogin(http.StatusInternalServerError, "text/plain; charset=utf-8"), "NaN")
}

func TestAScriptAnswersOnePersonInOrderWithoutEffects(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r, other := f.apply("plain"), f.apply("unicom")
	f.Script(r.person.Phone, simulator.Code(10003), simulator.Code(10008))
	f.Script(r.person.Phone, simulator.Code(10004))
	require.Equal(t, "10008 end", password(other))
	var got []string
	for range 3 {
		got = append(got, password(r))
	}
	require.Empty(t, cmp.Diff([]string{"10003", "10008", "10004"}, got))
	require.Zero(t, r.texts())
	require.Zero(t, r.LoginAttempts(r.person.Phone))
	require.Equal(t, 3+1, r.Arrivals(r.person.Password), "including the other run's")
	require.Equal(t, "10002 SUBMIT_CAPTCHA", password(r), "the script is used up")
}

func TestAScriptNeedsAValidToken(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	r.Script(r.person.Phone, simulator.Code(10008))
	token := r.token
	r.token = "00000000000000000000000000000001"
	require.Equal(t, "refused: token无效或已过期", password(r))
	r.token = token
	require.Equal(t, "10008", password(r))
}

func TestAnApplicationIsScriptedToo(t *testing.T) {
	t.Parallel()
	f, p := newFixture(t), personAt(t, "plain")
	receipt := simulator.Data(fields{"token": "t"})
	f.ScriptApplication(p.Phone, receipt, receipt, simulator.Refusal("x"))
	want := fields{"success": true, "data": fields{"token": "t"}}
	require.Equal(t, want, f.post(applications, form(p)))
	require.Equal(t, want, f.post("/orgApi/rest/v3/applications/DEMO", form(p)))
	require.Equal(t, "refused: x", summarize(f.post(applications, form(p))))
	require.Equal(t, "10002 SUBMIT_CAPTCHA", password(f.apply("plain")))
}

func TestWithMethodsReturnACopy(t *testing.T) {
	t.Parallel()
	a := simulator.Code(10002)
	want := simulator.Code(10002)
	for _, changed := range []simulator.Answer{
		a.With("content", "x"), a.Without("type"), a.WithTemplate("x"), a.WithNext(simulator.Carrier{}), a.WithSuccess(false),
	} {
		require.NotEmpty(t, cmp.Diff(want, changed))
		require.Empty(t, cmp.Diff(want, a))
	}
}
