package main

import (
	"net/http"

	"github.com/carrierfsm/carrierfsm/httpapi"
)

// pageWords are the texts of the page around the screen; httpapi has those of the
// screen.
type pageWords struct {
	Title, Other, OtherLang, Loading, Offline, NoScript, About string
	problems                                                   map[string]string
}

// words are the texts of the page, by language.
var words = map[string]pageWords{
	"zh": {
		Title: "手机号验证", Other: "English", OtherLang: "en", Loading: "正在载入……",
		Offline: "连接中断，正在重试。您填写的内容没有丢失。", NoScript: "本页面需要启用 JavaScript。",
		About: "演示服务：请勿填写真实的个人信息。",
		problems: map[string]string{
			"no_ticket":   "浏览器没有保存本次验证的凭证，请允许 Cookie 后刷新页面。",
			"still_alive": "本次验证尚未结束，请先取消。",
		},
	},
	"en": {
		Title: "Phone number verification", Other: "中文", OtherLang: "zh", Loading: "Loading…",
		Offline: "The connection is lost; trying again. What you typed is still here.", NoScript: "This page needs JavaScript.",
		About: "A demonstration: enter no real person's data.",
		problems: map[string]string{
			"no_ticket":   "Your browser does not keep this verification. Allow cookies and reload the page.",
			"still_alive": "This verification has not ended yet. Cancel it first.",
		},
	},
}

// terms is what a person agrees to. A host has its own.
var terms = map[string][]string{
	"zh": {
		"为核实这个手机号属于您本人，您授权我们使用您填写的姓名、身份证号、手机号和服务密码，通过数据服务商登录您的运营商账户。",
		"服务密码和验证码只用于本次验证，用后即销毁，不会保存。您可以随时取消，也可以要求删除本次验证的记录。",
	},
	"en": {
		"To confirm that this number is yours, you allow us to use your name, ID card number, phone number and service password to sign in to your carrier account through our data provider.",
		"The password and codes are used for this verification only, destroyed afterwards, and never stored. You can cancel at any time, and ask us to delete the record of this verification.",
	},
}

// problem returns a problem of this site, in the request's language.
func problem(r *http.Request, status int, code string) *httpapi.Problem {
	return &httpapi.Problem{Status: status, Code: code, Title: words[httpapi.Language(r).Language()].problems[code]}
}

// refuse responds with a problem of httpapi.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	httpapi.WriteProblem(w, r, httpapi.Problem{Status: status, Code: code})
}
