package simulator_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestAReceiptHasAllFieldsOfTheDataSource(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := fields{"year": 2014.0, "month": 5.0, "dayOfMonth": 13.0, "hourOfDay": 16.0, "minute": 53.0, "second": 20.0}
	updated := fields{"year": 2023.0, "month": 11.0, "dayOfMonth": 14.0, "hourOfDay": 22.0, "minute": 13.0, "second": 20.0}
	want := fields{
		"id": "simulated-chinamobilejs", "website": "chinamobilejs", "name": "江苏移动",
		"category": "mobile", "category_name": "移动运营商", "create_time": at, "update_time": updated,
		"offline_times": 0.0, "status": 1.0, "website_code": 12.0, "reset_pwd_method": 0.0, "sms_required": 1.0,
		"required_captcha_user_identified": 0.0, "reset_pwd_frozen_time": 0.0,
	}
	answer := f.post(applications, form(personAt(t, "plain")))
	data := answer["data"].(fields)
	require.Regexp(t, regexp.MustCompile("^[0-9a-f]{32}$"), data["token"])
	require.Empty(t, cmp.Diff(fields{"success": true, "data": fields{
		"token": data["token"], "cell_phone_num": personAt(t, "plain").Phone, "datasource": want,
	}}, answer))
	for key, change := range map[string]fields{
		"offline": {"status": 0.0}, "weak": {"reset_pwd_method": 0.0}, "weak-resettable": {"reset_pwd_method": 2.0},
		"unicom": {"sms_required": 0.0},
	} {
		got := f.post(applications, form(personAt(t, key)))["data"].(fields)["datasource"].(fields)
		for field, value := range change {
			require.Equal(t, value, got[field], "%s of %s", field, key)
		}
	}
}

func TestVersion3AddsACodeToTheReceipt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v3 := form(personAt(t, "plain"))
	v3["selected_website"], v3["skip_mobile"], v3["uid"] = []fields{{"name": "江苏移动", "category": "mobile"}}, false, "u1"
	got := f.post("/orgApi/rest/v3/applications/DEMO", v3)
	want := f.post(applications, form(personAt(t, "plain")))
	want["code"], want["message"] = 65557.0, "申请成功"
	want["data"].(fields)["token"] = got["data"].(fields)["token"]
	require.Empty(t, cmp.Diff(want, got))
}

func TestAPersonWhoseCarrierIsNotServedIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixtureWith(t, simulator.Config{Carriers: simulator.Carriers()[:1]})
	require.Equal(t, "refused: 申请信息有误", summarize(f.post(applications, form(personAt(t, "unicom")))))
}

func TestAFormThatDoesNotMatchTheAccountFailsAtTheEnd(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*simulator.Person){
		"name":    func(p *simulator.Person) { p.Name = "别人" },
		"ID card": func(p *simulator.Person) { p.IDCard = personAt(t, "unicom").IDCard },
	} {
		p := personAt(t, "plain")
		change(&p)
		r := newFixture(t).applyAs(p)
		require.Equal(t, "10002 SUBMIT_CAPTCHA", password(r), what)
		require.Equal(t, "10009", code(r), what)
	}
}

// Clients send the last character of an ID card as the person typed it.
func TestTheLetterOfAnIDCardMayBeSmall(t *testing.T) {
	t.Parallel()
	own := simulator.Person{Phone: "13800138050", Name: "测试用户", IDCard: "11010119900307889X", Website: "w", Password: "p"}
	small := own
	small.IDCard = "11010119900307889x"
	for _, account := range []simulator.Person{own, small} {
		for _, sent := range []simulator.Person{own, small} {
			r := newFixtureWith(t, simulator.Config{Carriers: []simulator.Carrier{{Website: "w"}}, People: []simulator.Person{account}}).applyAs(sent)
			require.Equal(t, "10008 end", password(r))
		}
	}
}
