package simulator_test

import "testing"

func TestApplicationsAsClientsSendThem(t *testing.T) {
	t.Parallel()
	const (
		person   = `"basic_info":{"name":"{name}","id_card_num":"{idcard}","cell_phone_num":"{phone}"}`
		refused  = "refused: 申请信息有误"
		receipt  = "receipt for chinamobilejs, code <nil>"
		receipt3 = "receipt for chinamobilejs, code 65557"
	)
	answerEach(t, []asked{
		{rule: "only what is required", line: toApply, body: `{` + person + `}`, want: receipt},
		{rule: "every field empty", line: toApply, body: `{"basic_info":{"home_tel":"","work_addr":"","work_tel":"","home_addr":"","cell_phone_num2":"","cell_phone_num":"{phone}","id_card_num":"{idcard}","name":"{name}"},"contacts":[]}`, want: receipt},
		{rule: "every field null", line: toApply, body: `{"basic_info":{"home_tel":null,"cell_phone_num":"{phone}","id_card_num":"{idcard}","name":"{name}"},"contacts":null}`, want: receipt},
		{rule: "contacts with a number as type", line: toApply, body: `{"contacts":[{"contact_type":6,"contact_name":"甲","contact_tel":"13800138099"}],` + person + `}`, want: receipt},
		{rule: "a name in escapes", line: toApply, body: `{"basic_info":{"name":"\u6d4b\u8bd5\u7528\u6237","id_card_num":"{idcard}","cell_phone_num":"{phone}"}}`, want: receipt},
		{rule: "a phone number that is a number", line: toApply, body: `{"basic_info":{"name":"{name}","id_card_num":"{idcard}","cell_phone_num":{phone}}}`, want: receipt},
		{rule: "no person", line: toApply, body: `{}`, want: refused},
		{rule: "a person that is null", line: toApply, body: `{"basic_info":null}`, want: refused},
		{rule: "no name", line: toApply, body: `{"basic_info":{"id_card_num":"{idcard}","cell_phone_num":"{phone}"}}`, want: refused},
		{rule: "an empty name", line: toApply, body: `{"basic_info":{"name":"","id_card_num":"{idcard}","cell_phone_num":"{phone}"}}`, want: refused},
		{rule: "no ID card", line: toApply, body: `{"basic_info":{"name":"{name}","cell_phone_num":"{phone}"}}`, want: refused},
		{rule: "no phone number", line: toApply, body: `{"basic_info":{"name":"{name}","id_card_num":"{idcard}"}}`, want: refused},
		{rule: "a phone number without an account", line: toApply, body: `{"basic_info":{"name":"{name}","id_card_num":"{idcard}","cell_phone_num":"13800138099"}}`, want: refused},
		{rule: "the person beside basic_info", line: toApply, body: `{"name":"{name}","id_card_num":"{idcard}","cell_phone_num":"{phone}"}`, want: refused},
		{rule: "another institution", line: "POST /orgApi/rest/v2/applications/OTHER", body: `{` + person + `}`, want: "refused: 机构不存在"},
		{rule: "version 2 ignores a selection", line: toApply, body: `{"selected_website":[{"name":"unknown","category":"mobile"}],` + person + `}`, want: receipt},

		{rule: "version 3 without a selection", line: toApplyV3, body: `{` + person + `}`, want: receipt3},
		{rule: "version 3 with an empty selection", line: toApplyV3, body: `{"uid":"u1","selected_website":[],"skip_mobile":false,"contacts":[],` + person + `}`, want: receipt3},
		{rule: "version 3 with null", line: toApplyV3, body: `{"selected_website":null,"skip_mobile":null,` + person + `}`, want: receipt3},
		{rule: "version 3 without a person", line: toApplyV3, body: `{"selected_website":[]}`, want: refused},
		{rule: "a selection by website", line: toApplyV3, body: `{"selected_website":[{"website":"chinaunicom","category":"mobile"}],` + person + `}`, want: receipt3},
		{rule: "a selection by name", line: toApplyV3, body: `{"selected_website":[{"category":"mobile","name":"chinaunicom"}],` + person + `}`, want: receipt3},
		{rule: "a selection by both", line: toApplyV3, body: `{"selected_website":[{"website":"chinaunicom","name":"chinaunicom"}],` + person + `}`, want: receipt3},
		{rule: "a selection by the name for people", line: toApplyV3, body: `{"selected_website":[{"website":"chinaunicom","name":"中国联通"},{"name":"安徽移动"}],` + person + `}`, want: receipt3},
		{rule: "a selection of an unknown source", line: toApplyV3, body: `{"selected_website":[{"website":"chinaunicom"},{"website":"unknown"}],` + person + `}`, want: refused},
		{rule: "a selection without a name", line: toApplyV3, body: `{"selected_website":[{"category":"mobile"}],` + person + `}`, want: refused},
		{rule: "a selection that is an empty text", line: toApplyV3, body: `{"selected_website":"",` + person + `}`, want: "refused: 请求格式错误"},
		{rule: "a selection of texts", line: toApplyV3, body: `{"selected_website":["chinaunicom"],` + person + `}`, want: "refused: 请求格式错误"},
		{rule: "the mobile source skipped for another", line: toApplyV3, body: `{"skip_mobile":true,"selected_website":[{"website":"chinaunicom","category":"mobile"}],` + person + `}`, want: "receipt for chinaunicom, code 65557"},
		{rule: "the mobile source skipped, as a text", line: toApplyV3, body: `{"skip_mobile":"true","selected_website":[{"website":"chinaunicom"}],` + person + `}`, want: "receipt for chinaunicom, code 65557"},
		{rule: "the mobile source skipped for nothing", line: toApplyV3, body: `{"skip_mobile":true,"selected_website":[],` + person + `}`, want: refused},
		{rule: "the mobile source skipped without a selection", line: toApplyV3, body: `{"skip_mobile":true,` + person + `}`, want: refused},
		{rule: "a skip that is no bool", line: toApplyV3, body: `{"skip_mobile":1,` + person + `}`, want: "refused: 请求格式错误"},

		{rule: "the sources", line: "GET /orgApi/rest/v2/orgs/DEMO/datasources", want: "14 sources, code <nil>"},
		{rule: "the sources in version 3", line: "GET /orgApi/rest/v3/orgs/DEMO/datasources", want: "14 sources, code 65557"},
		{rule: "the sources of another institution", line: "GET /orgApi/rest/v3/orgs/OTHER/datasources", want: "refused: 机构不存在"},
	})
}
