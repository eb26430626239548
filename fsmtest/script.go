package fsmtest

import (
	"fmt"

	"github.com/carrierfsm/carrierfsm"
)

// upstream parses the answers of a story's command and scripts them.
func (i *interpreter) upstream(words []string) ([]string, error) {
	for len(words) > 0 {
		prefix := ""
		if words[0] == "held" || words[0] == "ignore-context" {
			prefix, words = words[0], words[1:]
		}
		a, rest, err := parseAnswer(words)
		if err != nil {
			return nil, err
		}
		if prefix != "" {
			a, i.gate = Held(a)
		}
		if prefix == "ignore-context" {
			a = IgnoreContext(a)
		}
		i.Upstream.Then(a)
		words = rest
	}
	return nil, nil
}

// wordAnswers are the answers of one word.
var wordAnswers = map[string]Answer{
	"refuse":            Refuse("申请信息有误"),
	"offline":           AcceptAt(carrierfsm.Source{Website: "chinamobilexz", Name: "西藏移动"}),
	"resettable":        AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Name: "上海移动", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}),
	"resettable-by-sms": AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Name: "上海移动", Online: true, ResetMethod: carrierfsm.ResetBySMS}),
	"lost":              Lost(),
	"not-sent":          NotSent(),
	"panic":             Panics(),
	"running":           Reply(carrierfsm.Reply{Success: true, Code: "0", Type: "RUNNING", Content: carrierfsm.NewSecret("采集请求超时")}),
	"tip":               Reply(carrierfsm.Reply{Success: true, Type: "TIP", Content: carrierfsm.NewSecret("正在登录")}),
	"error":             Reply(carrierfsm.Reply{Success: true, Type: "ERROR", Content: carrierfsm.NewSecret("运营商异常")}),
	"refuse-skip":       Reply(carrierfsm.Reply{Content: carrierfsm.NewSecret("不能跳过")}),
	"failure":           Reply(carrierfsm.Reply{Content: carrierfsm.NewSecret("系统异常")}),
	"next-resettable":   Reply(carrierfsm.Reply{Success: true, Code: "10008", Type: "CONTROL", Next: &carrierfsm.Source{Website: "chinamobileah", Name: "安徽移动", Online: true, ResetMethod: carrierfsm.ResetBySMS}}),
	"already":           Reply(carrierfsm.Reply{Success: true, Type: "ERROR", AlreadyCollected: true}),
}

// parseAnswer parses one answer and returns the words after it.
func parseAnswer(words []string) (a Answer, rest []string, err error) {
	if len(words) == 0 {
		return a, nil, fmt.Errorf("an answer is missing")
	}
	if a, found := wordAnswers[words[0]]; found {
		return a, words[1:], nil
	}
	if len(words) > 1 {
		switch words[0] {
		case "accept":
			return Accept(words[1]), words[2:], nil
		case "next":
			return Next(words[1]), words[2:], nil
		case "tpl":
			return Reply(carrierfsm.Reply{Success: true, Type: "CONTROL", Template: words[1]}), words[2:], nil
		case "10002+":
			return Reply(carrierfsm.Reply{Success: true, Code: "10002", Type: "CONTROL", Template: words[1]}), words[2:], nil
		}
	}
	return Code(carrierfsm.ProcessCode(words[0])), words[1:], nil
}
