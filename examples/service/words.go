package main

import (
	"net/http"

	"github.com/carrierfsm/carrierfsm/httpapi"
)

// pageWords are the texts of the page around the screen; httpapi has those of the
// screen.
type pageWords struct {
	Title, Other, OtherLang, Loading, NoScript string
	Offline, Unsent                            string // of the connection, and what happens to an answer
	About, Help, Back                          string
	problems                                   map[string]string
}

// words are the texts of the page, by language.
var words = map[string]pageWords{
	"zh": {
		Title: "手机号验证", Other: "English", OtherLang: "en", Loading: "正在载入……",
		Offline: "网络连接已断开，正在重试。您填写的内容没有丢失。", NoScript: "本页面需要启用 JavaScript。",
		Unsent: "网络连接已断开，刚才的操作没有提交。连接恢复后会自动提交；如果您修改了内容，请重新提交。",
		About:  "演示服务：请勿填写真实的个人信息。", Help: "需要帮助？", Back: "返回首页",
		problems: map[string]string{
			"no_ticket":   "浏览器没有保存本次验证的凭证，请允许 Cookie 后刷新页面。",
			"still_alive": "本次验证尚未结束，请先取消。",
		},
	},
	"en": {
		Title: "Phone number verification", Other: "中文", OtherLang: "zh", Loading: "Loading…",
		Offline: "The connection is lost; trying again. What you typed is still here.", NoScript: "This page needs JavaScript.",
		Unsent: "The connection is lost, and your last action was not sent. It is sent once the connection is back. If you change anything, send it again yourself.",
		About:  "A demonstration: enter no real person's data.", Help: "Need help?", Back: "Back to the start",
		problems: map[string]string{
			"no_ticket":   "Your browser does not keep this verification. Allow cookies and reload the page.",
			"still_alive": "This verification has not ended yet. Cancel it first.",
		},
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
