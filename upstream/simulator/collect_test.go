package simulator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestARequestForAnotherAccountOrSourceHasNoEffect(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]fields{
		"account":      {"account": "13800138001"},
		"no account":   {"account": ""},
		"website":      {"website": "chinaunicom"},
		"unknown type": {"type": "UNKNOWN"},
	} {
		for _, path := range []string{collectReq, resetReq} {
			r := newFixture(t).apply("weak-resettable")
			request := r.request("", "password", r.person.Password)
			for field, value := range change {
				request[field] = value
			}
			require.Equal(t, "30000", summarize(r.post(path, request)), what)
			require.Zero(t, r.LoginAttempts(r.person.Phone), what)
			require.Zero(t, r.texts(), what)
		}
	}
}

// A step that was refused for another account leaves the code as it was.
func TestACodeForAnotherAccountIsNotUsedUp(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	password(r)
	request := r.request("SUBMIT_CAPTCHA", "captcha", r.code())
	request["account"] = "13800138001"
	require.Equal(t, "30000", summarize(r.post(collectReq, request)))
	require.Equal(t, "10008 end", code(r))
}

func TestWrongPasswordsLockTheNumberForEveryToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.apply("unicom")
	for range 3 {
		require.Equal(t, "10003", r.login("wrong"))
	}
	require.Equal(t, "30000", password(r))
	require.Equal(t, "30000", password(f.apply("unicom")))
	require.Equal(t, "10002 SUBMIT_CAPTCHA", password(f.apply("plain")), "another number is not locked")
	require.Equal(t, 3, f.LoginAttempts(r.person.Phone), "passwords of a locked number are not checked")
}

func TestTwoWrongPasswordsDoNotLock(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("unicom")
	r.login("wrong")
	r.login("")
	require.Equal(t, "10008 end", password(r))
	require.Equal(t, 3, r.LoginAttempts(r.person.Phone))
}

func TestRepliesHaveTheDocumentedShapeAndTexts(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("jilin")
	data := r.post(collectReq, r.request("", "password", r.person.Password))["data"]
	require.Empty(t, cmp.Diff(fields{
		"type": "CONTROL", "process_code": 10017.0, "finish": false,
		"content":     "请用本机发送CXXD至10001获取查询详单的验证码",
		"req_msg_tpl": fields{"type": "SUBMIT_CAPTCHA", "method": "AUTO"},
	}, data))
	done := newFixture(t).apply("unicom")
	done.login(done.person.Password)
	require.Empty(t, cmp.Diff(
		fields{"type": "ERROR", "content": "当前网站已经采集完成,请不要重复采集", "finish": false},
		done.post(collectReq, done.request("", "password", done.person.Password))["data"]))
}

func TestTheNextDataSourceBeginsWithItsPassword(t *testing.T) {
	t.Parallel()
	r := newCustomRun(
		t,
		simulator.Carrier{Website: "first", Next: "second"},
		simulator.Carrier{Website: "second", Asks: []simulator.Ask{simulator.AskQuery}})
	require.Equal(t, "10008 then second", password(r))
	r.website = "second"
	require.Equal(t, "30000", query(r))
	require.Equal(t, "10022 SUBMIT_QUERY_PWD", nextPassword(r))
	require.Equal(t, "10008 end", query(r))
}

func TestAnOwnMessageIsNeverReissued(t *testing.T) {
	t.Parallel()
	r := newCustomRun(t, simulator.Carrier{Website: "w", Asks: []simulator.Ask{simulator.AskOwnSMS}, Reissues: true})
	password(r)
	ownSMS(r)
	require.Equal(t, "10004 SUBMIT_CAPTCHA", wrongCode(r))
	require.Equal(t, 1, r.texts())
}
