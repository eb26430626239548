package simulator_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// act is something that a person does, and what comes of it.
type act struct {
	do   func(*talk) string
	want string
}

func password(k *talk) string     { return k.login(k.person.Password) }
func nextPassword(k *talk) string { return k.login(k.person.NextPassword) }
func code(k *talk) string         { return k.captcha(k.code()) }
func wrongCode(k *talk) string    { return k.captcha("none") }
func resend(k *talk) string       { return k.resend() }
func query(k *talk) string        { return k.query(k.person.QueryPassword) }
func wrongQuery(k *talk) string   { return k.query("wrong") }

func ownSMS(k *talk) string {
	k.TextCXXD(k.person.Phone)
	return "texted"
}

func toNext(k *talk) string {
	k.website = "chinatelecomah"
	return k.website
}

// flows is every carrier's whole flow.
var flows = map[string][]act{
	"plain":  {{password, "10002 SUBMIT_CAPTCHA"}, {wrongCode, "10004 SUBMIT_CAPTCHA"}, {code, "10008 end"}, {password, "ERROR"}},
	"unicom": {{password, "10008 end"}, {password, "ERROR"}},
	"beijing": {
		{password, "10002 SUBMIT_CAPTCHA"},
		{query, "30000"},
		{code, "10022 SUBMIT_QUERY_PWD"},
		{code, "30000"},
		{resend, "30000"},
		{wrongQuery, "10023 SUBMIT_QUERY_PWD"},
		{query, "10008 end"},
		{query, "ERROR"},
	},
	"sichuan": {{password, "10002 SUBMIT_CAPTCHA"}, {code, "10001 SUBMIT_CAPTCHA"}, {code, "10008 end"}},
	"jilin": {
		{password, "10017 SUBMIT_CAPTCHA"},
		{code, "10004 SUBMIT_CAPTCHA"}, // nothing was texted yet
		{resend, "10017 SUBMIT_CAPTCHA"},
		{ownSMS, "texted"},
		{wrongCode, "10004 SUBMIT_CAPTCHA"},
		{code, "10008 end"},
	},
	"reissue": {{password, "10002 SUBMIT_CAPTCHA"}, {wrongCode, "10006 SUBMIT_CAPTCHA"}, {code, "10008 end"}},
	"weak":    {{password, "10007"}, {code, "30000"}},
	"weak-resettable": {
		{password, "10007"},
		{newPassword, "30000"}, // no code is awaited yet
		{askReset, "10002 SUBMIT_RESET_PWD"},
		{code, "30000"}, // not in a reset
		{badPassword("12345a"), "10010 SUBMIT_RESET_PWD"},
		{badPassword("12345"), "11001 SUBMIT_RESET_PWD"},
		{badPassword("123456789"), "11001 SUBMIT_RESET_PWD"},
		{badPassword(""), "11001 SUBMIT_RESET_PWD"},
		{wrongResetCode, "10004 SUBMIT_RESET_PWD"},
		{newPassword, "11000"},
		{newPassword, "30000"},
		{password, "10003"},
		{withNewPassword, "10008 end"},
		{askReset, "31000"},
	},
	"reset-by-sms": {
		{askReset, "10002 SUBMIT_RESET_PWD"}, // a forgotten one, too
		{wrongResetCode, "10004 SUBMIT_RESET_PWD"},
		{resetCode, "11000"},
		{password, "10003"},
		{withTextedPassword, "10002 SUBMIT_CAPTCHA"},
		{askReset, "10002 SUBMIT_RESET_PWD"}, // and once more
		{code, "30000"},
		{resetCode, "11000"},
		{withTextedPassword, "10002 SUBMIT_CAPTCHA"},
		{code, "10008 end"},
	},
	"unreal":  {{password, "10002 SUBMIT_CAPTCHA"}, {code, "10009"}, {code, "30000"}},
	"offline": {{password, "30000"}},
	"two-sources": {
		{password, "10002 SUBMIT_CAPTCHA"},
		{code, "10008 then chinatelecomah"},
		{nextPassword, "ERROR then chinatelecomah"}, // still in the name of the first
		{toNext, "chinatelecomah"},
		{code, "30000"},
		{password, "10003"},
		{nextPassword, "10002 SUBMIT_CAPTCHA"},
		{code, "10008 end"},
		{nextPassword, "ERROR"},
	},
	"second-source": {{password, "10002 SUBMIT_CAPTCHA"}, {code, "10008 end"}},
	"no-report":     {{password, "10002 SUBMIT_CAPTCHA"}, {code, "10008 end"}},
}

func TestEachCarrierAsksForWhatItSays(t *testing.T) {
	t.Parallel()
	for _, c := range simulator.Carriers() {
		t.Run(c.Key, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, flows, c.Key)
			k := newBench(t).apply(c.Key)
			var want, got []string
			for _, a := range flows[c.Key] {
				want, got = append(want, a.want), append(got, a.do(k))
			}
			require.Empty(t, cmp.Diff(want, got))
		})
	}
}

func TestRepliesHaveTheShapeAndTheWordsOfTheDescription(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("jilin")
	data := k.post(collectReq, k.request("", "password", k.person.Password))["data"]
	require.Empty(t, cmp.Diff(fields{
		"type": "CONTROL", "process_code": 10017.0, "finish": false,
		"content":     "请用本机发送CXXD至10001获取查询详单的验证码",
		"req_msg_tpl": fields{"type": "SUBMIT_CAPTCHA", "method": "AUTO"},
	}, data))
	done := newBench(t).apply("unicom")
	done.login(done.person.Password)
	require.Empty(t, cmp.Diff(
		fields{"type": "ERROR", "content": "当前网站已经采集完成,请不要重复采集", "finish": false},
		done.post(collectReq, done.request("", "password", done.person.Password))["data"]))
}

func TestAFormOfSomebodyElseIsFoundOutAtTheEnd(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*simulator.Person){
		"name":    func(p *simulator.Person) { p.Name = "别人" },
		"ID card": func(p *simulator.Person) { p.IDCard = personAt(t, "unicom").IDCard },
	} {
		p := personAt(t, "plain")
		change(&p)
		k := newBench(t).applyAs(p)
		require.Equal(t, "10002 SUBMIT_CAPTCHA", password(k), what)
		require.Equal(t, "10009", code(k), what)
	}
}

func TestTheReceiptNamesThePersonsDataSourceWithAllItsFields(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at := fields{"year": 2014.0, "month": 5.0, "dayOfMonth": 13.0, "hourOfDay": 16.0, "minute": 53.0, "second": 20.0}
	updated := fields{"year": 2023.0, "month": 11.0, "dayOfMonth": 14.0, "hourOfDay": 22.0, "minute": 13.0, "second": 20.0}
	want := fields{
		"id": "simulated-chinamobilejs", "website": "chinamobilejs", "name": "江苏移动",
		"category": "mobile", "category_name": "移动运营商", "create_time": at, "update_time": updated,
		"offline_times": 0.0, "status": 1.0, "website_code": 12.0, "reset_pwd_method": 0.0, "sms_required": 1.0,
		"required_captcha_user_identified": 0.0, "reset_pwd_frozen_time": 0.0,
	}
	answer := b.post(applications, form(personAt(t, "plain")))
	data := answer["data"].(fields)
	require.Regexp(t, regexp.MustCompile("^[0-9a-f]{32}$"), data["token"])
	require.Empty(t, cmp.Diff(fields{"success": true, "data": fields{
		"token": data["token"], "cell_phone_num": personAt(t, "plain").Phone, "datasource": want,
	}}, answer))
	for key, change := range map[string]fields{
		"offline": {"status": 0.0}, "weak": {"reset_pwd_method": 0.0}, "weak-resettable": {"reset_pwd_method": 2.0},
		"unicom": {"sms_required": 0.0},
	} {
		got := b.post(applications, form(personAt(t, key)))["data"].(fields)["datasource"].(fields)
		for field, value := range change {
			require.Equal(t, value, got[field], "%s of %s", field, key)
		}
	}
}

func TestV3PutsACodeOnTopOfTheSameReceipt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v3 := form(personAt(t, "plain"))
	v3["selected_website"], v3["skip_mobile"], v3["uid"] = []fields{{"name": "江苏移动", "category": "mobile"}}, false, "u1"
	got := b.post("/orgApi/rest/v3/applications/DEMO", v3)
	want := b.post(applications, form(personAt(t, "plain")))
	want["code"], want["message"] = 65557.0, "申请成功"
	want["data"].(fields)["token"] = got["data"].(fields)["token"]
	require.Empty(t, cmp.Diff(want, got))
}

func TestEveryCarrierIsListedAsADataSource(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got, err := b.send(t.Context(), http.MethodGet, datasources, "", "")
	require.NoError(t, err)
	var websites, want []any
	for _, source := range decoded(t, got.body)["data"].([]any) {
		websites = append(websites, source.(fields)["website"])
	}
	for _, c := range simulator.Carriers() {
		want = append(want, c.Website)
		require.NotEmpty(t, c.Description)
	}
	require.Empty(t, cmp.Diff(want, websites))
}

// The weights of GB 11643, which the numbers were not made with.
func TestThePeopleAreInventedAndTheirIDCardsCheck(t *testing.T) {
	t.Parallel()
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	people := simulator.People()
	require.Len(t, people, len(simulator.Carriers()))
	cards := make(map[string]bool)
	for i, p := range people {
		require.Equal(t, simulator.Carriers()[i].Website, p.Website)
		require.Regexp(t, regexp.MustCompile("^138001380[0-9]{2}$"), p.Phone)
		require.Equal(t, "测试用户", p.Name)
		require.Regexp(t, regexp.MustCompile("^99999918000101[0-9]{3}[0-9X]$"), p.IDCard)
		sum := 0
		for j, weight := range weights {
			sum += weight * int(p.IDCard[j]-'0')
		}
		require.Equal(t, "10X98765432"[sum%11], p.IDCard[17], p.IDCard)
		cards[p.IDCard] = true
	}
	require.Len(t, cards, len(people))
}

func TestAServerIsMadeOfTheCarriersAndPeopleItIsGiven(t *testing.T) {
	t.Parallel()
	k := served(t, simulator.Carrier{Website: "w", Asks: []simulator.Ask{simulator.AskQuery, simulator.AskOwnSMS}})
	require.Equal(t, "10022 SUBMIT_QUERY_PWD", password(k))
	require.Equal(t, "10017 SUBMIT_CAPTCHA", query(k))
	ownSMS(k)
	require.Equal(t, "10008 end", code(k))
}

// served is the talk of one person with carriers of the test's own, the first
// of which is the person's.
func served(t *testing.T, carriers ...simulator.Carrier) *talk {
	t.Helper()
	own := simulator.Person{
		Phone: "13800138050", Name: "测试用户", IDCard: "1", Website: carriers[0].Website,
		Password: "p", QueryPassword: "q", NextPassword: "n",
	}
	return newBenchOf(t, simulator.Config{Carriers: carriers, People: []simulator.Person{own}}).applyAs(own)
}

func TestTheNextDataSourceBeginsWithItsPassword(t *testing.T) {
	t.Parallel()
	k := served(
		t,
		simulator.Carrier{Website: "first", Next: "second"},
		simulator.Carrier{Website: "second", Asks: []simulator.Ask{simulator.AskQuery}})
	require.Equal(t, "10008 then second", password(k))
	k.website = "second"
	require.Equal(t, "30000", query(k))
	require.Equal(t, "10022 SUBMIT_QUERY_PWD", nextPassword(k))
	require.Equal(t, "10008 end", query(k))
}

func TestAnOwnMessageIsNeverReissued(t *testing.T) {
	t.Parallel()
	k := served(t, simulator.Carrier{Website: "w", Asks: []simulator.Ask{simulator.AskOwnSMS}, Reissues: true})
	password(k)
	ownSMS(k)
	require.Equal(t, "10004 SUBMIT_CAPTCHA", wrongCode(k))
	require.Equal(t, 1, k.texts())
}

func TestAPersonWhoseCarrierIsNotServedIsRefused(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, simulator.Config{Carriers: simulator.Carriers()[:1]})
	require.Equal(t, "refused: 申请信息有误", short(b.post(applications, form(personAt(t, "unicom")))))
}
