package simulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestAFormThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), personAt(t, "plain")
	nobody, nameless, cardless := p, p, p
	nobody.Phone, nameless.Name, cardless.IDCard = "13800138099", "", ""
	for _, path := range []string{applications, "/orgApi/rest/v3/applications/DEMO"} {
		for _, bad := range []simulator.Person{nobody, nameless, cardless, {}} {
			require.Equal(t, fields{"success": false, "message": "申请信息有误"}, b.post(path, form(bad)))
		}
	}
	require.Equal(t, fields{"success": false, "message": "机构不存在"}, b.post("/orgApi/rest/v2/applications/OTHER", form(p)))
	got, err := b.send(t.Context(), http.MethodGet, "/orgApi/rest/v2/orgs/OTHER/datasources", "", "")
	require.NoError(t, err)
	require.Equal(t, fields{"success": false, "message": "机构不存在"}, decoded(t, got.body))
}

func TestUnknownFieldsAreTolerated(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("unicom")
	request := k.request("", "password", k.person.Password)
	request["no such field"] = []any{1, fields{}}
	require.Equal(t, "10008 end", short(k.post(collectReq, request)))
}

func TestWhatIsNoJSONIsRefused(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	good := encoded(t, k.request("", "password", k.person.Password))
	for _, path := range []string{applications, collectReq} {
		for _, c := range []struct{ contentType, body string }{
			{"application/json", ""},
			{"application/json", "token=1"},
			{"application/json", good[1:]},
			{"application/json", "[]"},
			{"application/x-www-form-urlencoded", good},
			{"", good},
		} {
			got, err := k.send(t.Context(), http.MethodPost, path, c.contentType, c.body)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, got.status)
			require.Equal(t, "refused: 请求格式错误", short(decoded(t, got.body)), "%s %q", c.contentType, c.body)
		}
	}
}

func TestARequestOfManyMegabytesIsNotRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got, err := b.send(t.Context(), http.MethodPost, collectReq, "application/json", `{"token":"`+strings.Repeat("0", 2<<20)+`"}`)
	if err == nil { // the client may fail to write the rest before it reads the answer
		require.Equal(t, http.StatusBadRequest, got.status)
	}
	require.False(t, b.Requests()[0].Read)
}

func TestWhatIsNoEndpointIsNoneHere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for want, requests := range map[int][][2]string{
		http.StatusMethodNotAllowed: {{"GET", collectReq}, {"PUT", applications}, {"POST", datasources}},
		http.StatusNotFound:         {{"POST", "/orgApi/rest/v4/applications/DEMO"}, {"POST", "/orgApi/rest/v3/messages/collect/req"}, {"GET", "/"}},
	} {
		for _, r := range requests {
			got, err := b.send(t.Context(), r[0], r[1], "application/json", "{}")
			require.NoError(t, err)
			require.Equal(t, want, got.status, "%v", r)
		}
	}
}

func TestACollectRequestThatIsNotTheApplicationsIsAnError(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]fields{
		"account":      {"account": "13800138001"},
		"no account":   {"account": ""},
		"website":      {"website": "chinaunicom"},
		"no website":   {"website": ""},
		"unknown type": {"type": "DANCE"},
	} {
		k := newBench(t).apply("plain")
		request := k.request("", "password", k.person.Password)
		for field, value := range change {
			request[field] = value
		}
		require.Equal(t, "30000", short(k.post(collectReq, request)), what)
		require.Zero(t, k.LoginAttempts(k.person.Phone), what)
		require.Zero(t, k.texts(), what)
	}
}

func TestWhatWasNotAskedForIsAnError(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	for _, do := range []func(*talk) string{code, resend, query} {
		require.Equal(t, "30000", do(k))
	}
}

func TestATokenLivesFromUseToUse(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	for range 3 {
		k.advance(10 * time.Minute)
		require.Equal(t, "10002 SUBMIT_CAPTCHA", password(k))
	}
	k.advance(10*time.Minute + 1)
	require.Equal(t, "refused: token无效或已过期", password(k))
	k.token = "00000000000000000000000000000001"
	require.Equal(t, "refused: token无效或已过期", password(k))
}

func TestWrongPasswordsLockTheNumberForEveryToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := b.apply("unicom")
	for range 3 {
		require.Equal(t, "10003", k.login("wrong"))
	}
	require.Equal(t, "30000", password(k))
	require.Equal(t, "30000", password(b.apply("unicom")))
	require.Equal(t, "10002 SUBMIT_CAPTCHA", password(b.apply("plain")), "another number is not locked")
	require.Equal(t, 3, b.LoginAttempts(k.person.Phone), "a locked number's are not tried")
}

func TestTwoWrongPasswordsDoNotLock(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("unicom")
	k.login("wrong")
	k.login("")
	require.Equal(t, "10008 end", password(k))
	require.Equal(t, 3, k.LoginAttempts(k.person.Phone))
}

func TestTheLimitsAreTheConfigs(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, simulator.Config{
		Org: "OTHER", CodeLife: time.Second, TokenLife: time.Hour, ResendAfter: time.Second, WrongPasswords: 1,
	})
	p := personAt(t, "plain")
	answer := b.post("/orgApi/rest/v2/applications/OTHER", form(p))
	k := &talk{b, p, answer["data"].(fields)["token"].(string), p.Website}
	password(k)
	b.advance(time.Second)
	resend(k)
	require.Equal(t, 2, k.texts())
	b.advance(59 * time.Minute)
	require.Equal(t, "10006 SUBMIT_CAPTCHA", code(k))
	require.Equal(t, "10003", k.login("wrong"))
	require.Equal(t, "30000", password(k))
}
