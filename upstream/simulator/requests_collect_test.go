package simulator_test

import "testing"

func TestPasswordsAndCodesAsClientsSendThem(t *testing.T) {
	t.Parallel()
	const (
		sent   = "10002 SUBMIT_CAPTCHA"
		source = `"token":"{token}","website":"{website}"`
		full   = source + `,"account":"{phone}"`
		others = `{"token":"{token}","website":"{website}","account":"13800138099"`
	)
	asks := []func(*run) string{password}
	answerEach(t, []asked{
		{rule: "a password with every field", line: toCollect, body: `{` + full + `,"password":"{password}","captcha":"","type":"","queryPwd":""}`, want: sent},
		{rule: "a password without a type", line: toCollect, body: `{` + full + `,"password":"{password}"}`, want: sent},
		{rule: "a password with null", line: toCollect, body: `{` + full + `,"password":"{password}","captcha":null,"type":null,"queryPwd":null}`, want: sent},
		{rule: "a password without an account", line: toCollect, body: `{` + source + `,"password":"{password}"}`, want: "30000"},
		{rule: "a password with an empty account", line: toCollect, body: `{` + source + `,"account":"","password":"{password}"}`, want: "30000"},
		{rule: "a password with another account", line: toCollect, body: others + `,"password":"{password}"}`, want: "30000"},
		{rule: "a password with another website", line: toCollect, body: `{"token":"{token}","website":"chinaunicom","account":"{phone}","password":"{password}"}`, want: "30000"},
		{rule: "a password without a website", line: toCollect, body: `{"token":"{token}","account":"{phone}","password":"{password}"}`, want: "30000"},
		{rule: "a password with the name of the source", line: toCollect, body: `{"token":"{token}","website":"江苏移动","account":"{phone}","password":"{password}"}`, want: "30000"},
		{rule: "no password", line: toCollect, body: `{` + full + `}`, want: "10003"},
		{rule: "no token", line: toCollect, body: `{"website":"{website}","account":"{phone}","password":"{password}"}`, want: "refused: token无效或已过期"},
		{rule: "an unknown token", line: toCollect, body: `{"token":"00000000000000000000000000000001","website":"{website}","account":"{phone}"}`, want: "refused: token无效或已过期"},

		{rule: "a code with everything again", before: asks, line: toCollect, body: `{` + full + `,"password":"{password}","captcha":"{code}","type":"SUBMIT_CAPTCHA","queryPwd":""}`, want: "10008 end"},
		{rule: "a code without an account and a password", before: asks, line: toCollect, body: `{` + source + `,"captcha":"{code}","type":"SUBMIT_CAPTCHA"}`, want: "10008 end"},
		{rule: "a code with both empty", before: asks, line: toCollect, body: `{` + source + `,"account":"","password":"","captcha":"{code}","type":"SUBMIT_CAPTCHA"}`, want: "10008 end"},
		{rule: "a code with both null", before: asks, line: toCollect, body: `{"type":"SUBMIT_CAPTCHA","captcha":"{code}","password":null,"account":null,` + source + `}`, want: "10008 end"},
		{rule: "a code with another account", before: asks, line: toCollect, body: others + `,"captcha":"{code}","type":"SUBMIT_CAPTCHA"}`, want: "30000"},
		{rule: "a code with another website", before: asks, line: toCollect, body: `{"token":"{token}","website":"chinaunicom","captcha":"{code}","type":"SUBMIT_CAPTCHA"}`, want: "30000"},
		{rule: "a code with another password", before: asks, line: toCollect, body: `{` + full + `,"password":"another","captcha":"{code}","type":"SUBMIT_CAPTCHA"}`, want: "10008 end"},
		{rule: "a code with a small type", before: asks, line: toCollect, body: `{` + source + `,"captcha":"{code}","type":"submit_captcha"}`, want: "30000"},
		{rule: "a code with the whole message", before: asks, line: toCollect, body: `{` + source + `,"captcha":"验证码{code}","type":"SUBMIT_CAPTCHA"}`, want: "10004 SUBMIT_CAPTCHA"},
		{rule: "a code under another name", before: asks, line: toCollect, body: `{` + source + `,"Captcha":"{code}","type":"SUBMIT_CAPTCHA"}`, want: "10004 SUBMIT_CAPTCHA"},
		{rule: "no code", before: asks, line: toCollect, body: `{` + source + `,"type":"SUBMIT_CAPTCHA"}`, want: "10004 SUBMIT_CAPTCHA"},
		{rule: "a code that nobody asked for", line: toCollect, body: `{` + source + `,"captcha":"123456","type":"SUBMIT_CAPTCHA"}`, want: "30000"},
		{rule: "a second code without an account", key: "sichuan", before: []func(*run) string{password, code}, line: toCollect, body: `{"captcha":"{code}","type":"SUBMIT_CAPTCHA",` + source + `}`, want: "10008 end"},
		{rule: "a code of CXXD without an account", key: "jilin", before: []func(*run) string{password, ownSMS}, line: toCollect, body: `{` + source + `,"captcha":"{code}","type":"SUBMIT_CAPTCHA"}`, want: "10008 end"},
		{rule: "a code after the collection has started", before: []func(*run) string{password, code}, line: toCollect, body: `{` + source + `,"captcha":"{code}","type":"SUBMIT_CAPTCHA"}`, want: "ERROR"},

		{rule: "a resend with everything again", before: asks, line: toCollect, body: `{` + full + `,"password":"{password}","captcha":"","type":"RESEND_CAPTCHA"}`, want: sent},
		{rule: "a resend without an account", before: asks, line: toCollect, body: `{"type":"RESEND_CAPTCHA",` + source + `}`, want: sent},
		{rule: "a resend with an empty account", before: asks, line: toCollect, body: `{` + source + `,"account":"","type":"RESEND_CAPTCHA","captcha":""}`, want: sent},
		{rule: "a resend with another account", before: asks, line: toCollect, body: others + `,"type":"RESEND_CAPTCHA"}`, want: "30000"},
		{rule: "a resend that nobody asked for", line: toCollect, body: `{` + source + `,"type":"RESEND_CAPTCHA"}`, want: "30000"},

		{rule: "a query password without an account", key: "beijing", before: []func(*run) string{password, code}, line: toCollect, body: `{` + source + `,"queryPwd":"{query}","type":"SUBMIT_QUERY_PWD"}`, want: "10008 end"},
		{rule: "a query password with everything again", key: "beijing", before: []func(*run) string{password, code}, line: toCollect, body: `{` + full + `,"password":"{password}","captcha":"","queryPwd":"{query}","type":"SUBMIT_QUERY_PWD"}`, want: "10008 end"},
		{rule: "a query password that is a number", key: "beijing", before: []func(*run) string{password, code}, line: toCollect, body: `{` + source + `,"account":"","queryPwd":{query},"type":"SUBMIT_QUERY_PWD"}`, want: "10008 end"},
		{rule: "a query password with another account", key: "beijing", before: []func(*run) string{password, code}, line: toCollect, body: others + `,"queryPwd":"{query}","type":"SUBMIT_QUERY_PWD"}`, want: "30000"},
		{rule: "a query password as the password", key: "beijing", before: []func(*run) string{password, code}, line: toCollect, body: `{` + source + `,"password":"{query}","type":"SUBMIT_QUERY_PWD"}`, want: "10023 SUBMIT_QUERY_PWD"},
		{rule: "a query password under a name in small letters", key: "beijing", before: []func(*run) string{password, code}, line: toCollect, body: `{` + source + `,"querypwd":"{query}","type":"SUBMIT_QUERY_PWD"}`, want: "10023 SUBMIT_QUERY_PWD"},
		{rule: "a query password that nobody asked for", before: asks, line: toCollect, body: `{` + source + `,"queryPwd":"{query}","type":"SUBMIT_QUERY_PWD"}`, want: "30000"},

		{rule: "an unknown type", line: toCollect, body: `{` + full + `,"password":"{password}","type":"SUBMIT_PASSWORD"}`, want: "30000"},
		{rule: "a type that is a number", line: toCollect, body: `{` + full + `,"password":"{password}","type":0}`, want: "30000"},

		{rule: "a skip with the token", key: "two-sources", line: toSkip, body: `{"token":"{token}"}`, want: "10008 then chinatelecomah"},
		{rule: "a skip with everything", key: "two-sources", line: toSkip, body: `{` + full + `,"type":"SKIP","password":""}`, want: "10008 then chinatelecomah"},
		{rule: "a skip without a token", line: toSkip, body: `{}`, want: "refused: token无效或已过期"},
		{rule: "a code for a source that is past", key: "two-sources", before: []func(*run) string{password, code}, line: toCollect, body: `{` + source + `,"captcha":"{code}","type":"SUBMIT_CAPTCHA"}`, want: "ERROR then chinatelecomah"},
	})
}

func TestResetsAsClientsSendThem(t *testing.T) {
	t.Parallel()
	const (
		full   = `"token":"{token}","website":"{website}","account":"{phone}"`
		sent   = "10002 SUBMIT_RESET_PWD"
		others = `{"token":"{token}","website":"{website}","account":"13800138099"`
	)
	key, asks := "weak-resettable", []func(*run) string{askReset}
	answerEach(t, []asked{
		{rule: "a reset that begins with its own type", key: key, line: toReset, body: `{` + full + `,"password":"","captcha":"","type":"RESEND_RESET_PWD_CAPTCHA"}`, want: sent},
		{rule: "a reset that begins with its own type only", key: key, line: toReset, body: `{"type":"RESEND_RESET_PWD_CAPTCHA",` + full + `}`, want: sent},
		{rule: "a reset that begins with an empty type", key: key, line: toReset, body: `{` + full + `,"password":"","captcha":"","type":""}`, want: sent},
		{rule: "a reset that begins without a type", key: key, line: toReset, body: `{` + full + `}`, want: sent},
		{rule: "a reset that begins with null", key: key, line: toReset, body: `{` + full + `,"captcha":null,"type":null,"password":null}`, want: sent},
		{rule: "a reset that begins as a submit without a code", key: key, line: toReset, body: `{` + full + `,"captcha":"","type":"SUBMIT_RESET_PWD"}`, want: sent},
		{rule: "a reset that begins as a submit with a password", key: key, line: toReset, body: `{` + full + `,"password":"{new}","type":"SUBMIT_RESET_PWD"}`, want: sent},
		{rule: "a reset that begins with a weak password", key: key, before: []func(*run) string{password}, line: toReset, body: `{` + full + `}`, want: sent},
		{rule: "another code, without a type", key: key, before: asks, line: toReset, body: `{` + full + `}`, want: sent},
		{rule: "a reset with a code and no type", key: key, before: asks, line: toReset, body: `{` + full + `,"password":"{new}","captcha":"{code}"}`, want: "30000"},
		{rule: "a reset with an unknown type", key: key, line: toReset, body: `{` + full + `,"type":"RESET"}`, want: "30000"},
		{rule: "a reset with the type of another call", key: key, line: toReset, body: `{` + full + `,"type":"RESEND_CAPTCHA"}`, want: "30000"},
		{rule: "a reset with another account", key: key, line: toReset, body: others + `,"type":"RESEND_RESET_PWD_CAPTCHA"}`, want: "30000"},
		{rule: "a reset without an account", key: key, line: toReset, body: `{"token":"{token}","website":"{website}","type":"RESEND_RESET_PWD_CAPTCHA"}`, want: "30000"},
		{rule: "a reset with another website", key: key, line: toReset, body: `{"token":"{token}","website":"chinaunicom","account":"{phone}"}`, want: "30000"},
		{rule: "a reset at a source without one", key: "weak", line: toReset, body: `{` + full + `}`, want: "31000"},

		{rule: "a code and a new password", key: key, before: asks, line: toReset, body: `{"password":"{new}","type":"SUBMIT_RESET_PWD","captcha":"{code}",` + full + `}`, want: "11000"},
		{rule: "a code and a new password that are numbers", key: key, before: asks, line: toReset, body: `{` + full + `,"password":{new},"captcha":"{code}","type":"SUBMIT_RESET_PWD"}`, want: "11000"},
		{rule: "a new password that is short", key: key, before: asks, line: toReset, body: `{` + full + `,"password":"12345","captcha":"{code}","type":"SUBMIT_RESET_PWD"}`, want: "11001 SUBMIT_RESET_PWD"},
		{rule: "a new password with a letter", key: key, before: asks, line: toReset, body: `{` + full + `,"password":"97531a","captcha":"{code}","type":"SUBMIT_RESET_PWD"}`, want: "10010 SUBMIT_RESET_PWD"},
		{rule: "a wrong code", key: key, before: asks, line: toReset, body: `{` + full + `,"password":"{new}","captcha":"0","type":"SUBMIT_RESET_PWD"}`, want: "10004 SUBMIT_RESET_PWD"},
		{rule: "a code before any was asked for", key: key, line: toReset, body: `{` + full + `,"password":"{new}","captcha":"123456","type":"SUBMIT_RESET_PWD"}`, want: "30000"},
		{rule: "a code where the operator texts the password", key: "reset-by-sms", before: asks, line: toReset, body: `{` + full + `,"captcha":"{code}","type":"SUBMIT_RESET_PWD"}`, want: "11000"},
	})
}
