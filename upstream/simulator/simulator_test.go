package simulator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a simulator behind a real server, a client, and a clock.
type bench struct {
	*simulator.Server
	t    *testing.T
	http *httptest.Server
	mu   sync.Mutex
	now  time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Unix(1_900_000_000, 0).UTC()}
	b.Server = simulator.New(simulator.Config{Now: b.clock})
	b.http = httptest.NewServer(b.Server)
	t.Cleanup(b.http.Close)
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

type fields = map[string]any

// post returns the status and the decoded answer.
func (b *bench) post(path string, body any) (int, fields) {
	b.t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(b.t, err)
	status, answer, err := b.raw(path, encoded)
	require.NoError(b.t, err)
	var decoded fields
	require.NoError(b.t, json.Unmarshal(answer, &decoded), "%s", answer)
	return status, decoded
}

func (b *bench) raw(path string, body []byte) (int, []byte, error) {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Post(b.http.URL+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

// apply hands in a person's form and returns the token.
func (b *bench) apply(p simulator.Person) string {
	b.t.Helper()
	_, answer := b.post("/orgApi/rest/v2/applications/DEMO", form(p))
	require.Equal(b.t, true, answer["success"])
	return answer["data"].(fields)["token"].(string)
}

func form(p simulator.Person) fields {
	return fields{"basic_info": fields{"name": p.Name, "id_card_num": p.IDCard, "cell_phone_num": p.Phone}}
}

// collect sends a collect request and returns what came back in short: the
// code, the template, and the website that comes next.
func (b *bench) collect(p simulator.Person, token, website, kind, field, value string) string {
	b.t.Helper()
	request := fields{"token": token, "website": website, "account": p.Phone, "type": kind}
	if field != "" {
		request[field] = value
	}
	_, answer := b.post("/orgApi/rest/v2/messages/collect/req", request)
	return short(answer)
}

func short(answer fields) string {
	data, found := answer["data"].(fields)
	if !found {
		return fmt.Sprint("refused: ", answer["message"])
	}
	out := fmt.Sprint(data["process_code"])
	if data["process_code"] == nil {
		out = fmt.Sprint(data["type"])
	}
	if tpl, found := data["req_msg_tpl"].(fields); found {
		out += " " + tpl["type"].(string)
	}
	if next, found := data["next_datasource"].(fields); found {
		out += " then " + next["website"].(string)
	}
	return out
}

func person(t *testing.T, key string) simulator.Person {
	t.Helper()
	for i, c := range simulator.Carriers() {
		if c.Key == key {
			return simulator.People()[i]
		}
	}
	t.Fatalf("no carrier %q", key)
	return simulator.Person{}
}

// latest is the code that the phone received last.
func (b *bench) latest(p simulator.Person) string {
	inbox := b.Inbox(p.Phone)
	if len(inbox) == 0 {
		return "000000"
	}
	return inbox[len(inbox)-1].Code
}

func TestEachCarrierAsksForWhatItSays(t *testing.T) {
	t.Parallel()
	for key, want := range map[string][]string{
		"plain":           {"10002 SUBMIT_CAPTCHA", "10008"},
		"unicom":          {"10008"},
		"beijing":         {"10002 SUBMIT_CAPTCHA", "10022 SUBMIT_QUERY_PWD", "10008"},
		"sichuan":         {"10002 SUBMIT_CAPTCHA", "10001 SUBMIT_CAPTCHA", "10008"},
		"jilin":           {"10017 SUBMIT_CAPTCHA", "10008"},
		"reissue":         {"10002 SUBMIT_CAPTCHA", "10008"},
		"weak":            {"10007"},
		"weak-resettable": {"10007"},
		"unreal":          {"10002 SUBMIT_CAPTCHA", "10009"},
		"two-sources":     {"10002 SUBMIT_CAPTCHA", "10008 then chinatelecomah"},
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			b, p := newBench(t), person(t, key)
			token := b.apply(p)
			got := []string{b.collect(p, token, p.Website, "", "password", p.Password)}
			for strings.HasSuffix(got[len(got)-1], "CAPTCHA") || strings.HasSuffix(got[len(got)-1], "QUERY_PWD") {
				if strings.HasSuffix(got[len(got)-1], "QUERY_PWD") {
					got = append(got, b.collect(p, token, p.Website, "SUBMIT_QUERY_PWD", "queryPwd", p.QueryPassword))
					continue
				}
				if key == "jilin" {
					require.Empty(t, b.Inbox(p.Phone), "nothing is texted before the person texts")
					b.TextCXXD(p.Phone)
				}
				got = append(got, b.collect(p, token, p.Website, "SUBMIT_CAPTCHA", "captcha", b.latest(p)))
			}
			require.Empty(t, cmp.Diff(want, got))
		})
	}
}

func TestTheSecondSourceHasAPasswordOfItsOwn(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "two-sources")
	token := b.apply(p)
	b.collect(p, token, p.Website, "", "password", p.Password)
	require.Equal(t, "10008 then chinatelecomah", b.collect(p, token, p.Website, "SUBMIT_CAPTCHA", "captcha", b.latest(p)))
	require.Equal(t, "10003", b.collect(p, token, "chinatelecomah", "", "password", p.Password))
	require.Equal(t, "10002 SUBMIT_CAPTCHA", b.collect(p, token, "chinatelecomah", "", "password", p.NextPassword))
	require.Equal(t, "10008", b.collect(p, token, "chinatelecomah", "SUBMIT_CAPTCHA", "captcha", b.latest(p)))
	require.Equal(t, "ERROR", b.collect(p, token, "chinatelecomah", "", "password", p.NextPassword), "collected before")
}

func TestAnOfflineCarrierSaysSoInItsReceipt(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "offline")
	_, answer := b.post("/orgApi/rest/v3/applications/DEMO", form(p))
	require.EqualValues(t, 65557, answer["code"])
	require.EqualValues(t, 0, answer["data"].(fields)["datasource"].(fields)["status"])
}

func TestCodesAreUsedOnceAndGrowOld(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "sichuan")
	token := b.apply(p)
	captcha := func(code string) string { return b.collect(p, token, p.Website, "SUBMIT_CAPTCHA", "captcha", code) }
	b.collect(p, token, p.Website, "", "password", p.Password)
	used := b.latest(p)
	require.Equal(t, "10004 SUBMIT_CAPTCHA", captcha("000000"))
	require.Equal(t, "10004 SUBMIT_CAPTCHA", captcha(""))
	require.Equal(t, "10001 SUBMIT_CAPTCHA", captcha(used))
	require.Equal(t, "10004 SUBMIT_CAPTCHA", captcha(used))
	b.advance(5*time.Minute + time.Second)
	old := b.latest(p)
	require.Equal(t, "10006 SUBMIT_CAPTCHA", captcha(old))
	require.NotEqual(t, old, b.latest(p), "another was texted")
	require.Equal(t, "10008", captcha(b.latest(p)))
}

func TestAnOwnMessageBringsACodeAndAnotherOnceItIsOld(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "jilin")
	token := b.apply(p)
	captcha := func(code string) string { return b.collect(p, token, p.Website, "SUBMIT_CAPTCHA", "captcha", code) }
	b.collect(p, token, p.Website, "", "password", p.Password)
	b.TextCXXD(p.Phone)
	b.advance(6 * time.Minute)
	require.Equal(t, "10018 SUBMIT_CAPTCHA", captcha(b.latest(p)))
	b.TextCXXD(p.Phone)
	require.Equal(t, "10008", captcha(b.latest(p)))
}

func TestAResendTextsAnotherCodeAfterAWhile(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "plain")
	token := b.apply(p)
	b.collect(p, token, p.Website, "", "password", p.Password)
	resend := func() string { return b.collect(p, token, p.Website, "RESEND_CAPTCHA", "", "") }
	require.Equal(t, "10002 SUBMIT_CAPTCHA", resend())
	require.Len(t, b.Inbox(p.Phone), 1, "too soon for another")
	b.advance(time.Minute)
	require.Equal(t, "10002 SUBMIT_CAPTCHA", resend())
	require.Len(t, b.Inbox(p.Phone), 2)
	first := b.Inbox(p.Phone)[0].Code
	require.Equal(t, "10004 SUBMIT_CAPTCHA", b.collect(p, token, p.Website, "SUBMIT_CAPTCHA", "captcha", first))
}

func TestWrongPasswordsLockTheNumber(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "unicom")
	token := b.apply(p)
	for range 3 {
		require.Equal(t, "10003", b.collect(p, token, p.Website, "", "password", "000000"))
	}
	require.Equal(t, "30000", b.collect(p, token, p.Website, "", "password", p.Password), "too late")
	require.Equal(t, 3, b.Arrivals("000000"))
	require.Equal(t, 1, b.Arrivals(p.Password))
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "plain")
	token := b.apply(p)
	require.Equal(t, "refused: token无效或已过期", b.collect(p, "no such token", p.Website, "", "password", p.Password))
	require.Equal(t, "30000", b.collect(p, token, "chinaunicom", "", "password", p.Password))
	require.Equal(t, "30000", b.collect(simulator.Person{Phone: "13800138098"}, token, p.Website, "", "password", p.Password))
	require.Equal(t, "30000", b.collect(p, token, p.Website, "SUBMIT_CAPTCHA", "captcha", "1"), "no code is awaited")
	require.Equal(t, "30000", b.collect(p, token, p.Website, "SUBMIT_QUERY_PWD", "queryPwd", "1"))
	require.Equal(t, "30000", b.collect(p, token, p.Website, "DANCE", "", ""))
	b.advance(10*time.Minute + time.Second)
	require.Equal(t, "refused: token无效或已过期", b.collect(p, token, p.Website, "", "password", p.Password))
	_, answer := b.post("/orgApi/rest/v2/applications/OTHER", form(p))
	require.Equal(t, false, answer["success"])
	_, answer = b.post("/orgApi/rest/v2/applications/DEMO", form(simulator.Person{Name: "无", IDCard: "无", Phone: "13800138097"}))
	require.Equal(t, false, answer["success"])
	other := p
	other.Name = "别人"
	token = b.apply(other)
	b.collect(p, token, p.Website, "", "password", p.Password)
	require.Equal(t, "10009", b.collect(p, token, p.Website, "SUBMIT_CAPTCHA", "captcha", b.latest(p)), "found out late")
}

func TestAScriptAnswersBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "plain")
	token := b.apply(p)
	b.Script(p.Phone, simulator.Code("10002"), simulator.Code(nil), simulator.Running(), simulator.Tip(),
		simulator.Error("当前网站已经采集完成,请不要重复采集"), simulator.Refusal("抓取完成"))
	for _, want := range []string{"10002", "CONTROL", "0", "TIP", "ERROR", "refused: 抓取完成", "10002 SUBMIT_CAPTCHA"} {
		require.Equal(t, want, b.collect(p, token, p.Website, "", "password", p.Password))
	}
	b.Script(p.Phone, simulator.Answer{Status: 502, ContentType: "text/html", Raw: "<title>502</title>"})
	status, body, err := b.raw("/orgApi/rest/v2/messages/collect/req", []byte(`{"token":"`+token+`"}`))
	require.NoError(t, err)
	require.Equal(t, 502, status)
	require.Equal(t, "<title>502</title>", string(body))
}

// Each fault: what a client sees, and whether the server has acted.
func TestEachFaultBreaksAsItSays(t *testing.T) {
	t.Parallel()
	sees := func(wantStatus int, text string) func(int, []byte, error) error {
		return func(status int, body []byte, err error) error {
			if err != nil || status != wantStatus || !strings.Contains(string(body), text) {
				return fmt.Errorf("status %d, %d bytes, %w", status, len(body), err)
			}
			return nil
		}
	}
	fails := func(_ int, _ []byte, err error) error {
		if err == nil {
			return errors.New("an answer came")
		}
		return nil
	}
	for _, c := range []struct {
		name  string
		fault simulator.Fault
		acted bool
		read  int
		sees  func(int, []byte, error) error
	}{
		{"drop before reading", simulator.DropBeforeReading(), false, 0, fails},
		{"drop after reading", simulator.DropAfterReading(), true, 1, fails},
		{"reset", simulator.Reset(), true, 1, fails},
		{"slow header", simulator.SlowHeader(time.Millisecond), true, 1, sees(200, "10002")},
		{"slow body", simulator.SlowBody(time.Millisecond), true, 1, sees(200, "10002")},
		{"truncated", simulator.Truncated(), true, 1, sees(200, "{")},
		{"garbage", simulator.Garbage(), true, 1, sees(200, "}{")},
		{"server error, acted", simulator.ServerError(true), true, 1, sees(503, "")},
		{"server error, not acted", simulator.ServerError(false), false, 1, sees(503, "")},
		{"redirect", simulator.Redirect("http://127.0.0.1:1/elsewhere"), true, 1, sees(307, "")},
		{"oversized", simulator.Oversized(), true, 1, sees(200, strings.Repeat("x", 5<<20))},
		{"html", simulator.HTML(), true, 1, sees(200, "<!doctype html>")},
		{"unseen code", simulator.UnseenCode(), true, 1, sees(200, "19999")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, p := newBench(t), person(t, "plain")
			token := b.apply(p)
			b.FaultAt(2, c.fault)
			body, err := json.Marshal(fields{"token": token, "website": p.Website, "account": p.Phone, "password": p.Password})
			require.NoError(t, err)
			require.NoError(t, c.sees(b.raw("/orgApi/rest/v2/messages/collect/req", body)))
			require.Equal(t, c.acted, len(b.Inbox(p.Phone)) == 1)
			require.Equal(t, c.read, b.Arrivals(p.Password))
			require.Equal(t, c.read == 1, b.Requests()[1].Read)
			require.Equal(t, "10002 SUBMIT_CAPTCHA", b.collect(p, token, p.Website, "", "password", p.Password), "only one request was broken")
		})
	}
}

func TestTheLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "plain")
	b.collect(p, b.apply(p), p.Website, "", "password", p.Password)
	log := fmt.Sprintf("%v %+v %#v", b.Requests(), b.Requests(), b.Requests())
	require.NotContains(t, log, p.Password)
	require.True(t, b.Requests()[1].Password)
	require.False(t, b.Requests()[1].Captcha)
}

func TestASavedWorldGoesOn(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), person(t, "plain")
	token := b.apply(p)
	b.collect(p, token, p.Website, "", "password", p.Password)
	var saved bytes.Buffer
	require.NoError(t, b.Save(&saved))
	for _, secret := range []string{p.Password, b.latest(p)} {
		require.NotContains(t, saved.String(), secret)
	}
	again := newBench(t)
	require.NoError(t, again.Restore(bytes.NewReader(saved.Bytes())))
	require.Equal(t, b.latest(p), again.latest(p))
	require.Equal(t, "10008", again.collect(p, token, p.Website, "SUBMIT_CAPTCHA", "captcha", again.latest(p)))
	require.NotEqual(t, token, again.apply(p), "tokens go on too")
	for _, bad := range []string{"", "{}", `{"version":2}`, "garbage"} {
		require.Error(t, again.Restore(strings.NewReader(bad)))
	}
}

func TestManyPeopleAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			p := person(t, "unicom")
			if got := b.collect(p, b.apply(p), p.Website, "", "password", p.Password); got != "10008" {
				t.Error(got)
			}
		})
	}
	all.Wait()
	require.Len(t, b.Requests(), 16)
	require.Equal(t, 8, b.Arrivals("246810"))
}
