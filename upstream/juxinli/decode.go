package juxinli

import (
	"cmp"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/carrierfsm/carrierfsm"
)

// envelope wraps the data of every response.
type envelope struct {
	Success boolean         `json:"success"`
	Code    number          `json:"code"` // v3
	Message text            `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// acceptedCode is the code of version 3 for an accepted application.
const acceptedCode = "65557"

type replyData struct {
	Type     word                `json:"type"`
	Content  text                `json:"content"`
	Code     number              `json:"process_code"`
	Finish   boolean             `json:"finish"`
	Template optional[template]  `json:"req_msg_tpl"`
	Next     optional[rawSource] `json:"next_datasource"`
}

// template is req_msg_tpl. It may be a whole request with a password and a token
// in it, so nothing but the type is decoded.
type template struct {
	Type word `json:"type"`
}

// UnmarshalJSON takes an object; the type of any other value is invalidWord.
func (t *template) UnmarshalJSON(raw []byte) error {
	type object template
	*t = template{}
	if json.Unmarshal(raw, (*object)(t)) != nil {
		t.Type = invalidWord
	}
	return nil
}

type receiptData struct {
	Token  text                `json:"token"`
	Source optional[rawSource] `json:"datasource"`
}

type rawSource struct {
	Website text   `json:"website"`
	Name    text   `json:"name"`
	Status  number `json:"status"`
	Reset   number `json:"reset_pwd_method"`
}

// Bounds of decoded texts, in bytes.
const (
	maxName    = 256
	maxContent = 4096
)

// usable reports whether the source can be named in a request.
func (s rawSource) usable() bool { return s.Website != "" && len(s.Website) <= maxName }

func (s rawSource) source() carrierfsm.Source {
	method := carrierfsm.ResetNone
	switch s.Reset {
	case "1":
		method = carrierfsm.ResetBySMS
	case "2":
		method = carrierfsm.ResetWithNewPassword
	}
	return carrierfsm.Source{
		Website: string(s.Website), Name: truncate(s.Name, maxName), Online: s.Status == "1", ResetMethod: method,
	}
}

// unwrap decodes the envelope: an object with a valid "success".
func unwrap(body []byte) (envelope, error) {
	var e envelope
	if !utf8.Valid(body) || json.Unmarshal(body, &e) != nil || e.Success == boolAbsent {
		return e, ErrMalformed
	}
	return e, nil
}

// decodeReply decodes the response to a collect call. A success needs readable
// data; a failure needs none.
func decodeReply(body []byte) (carrierfsm.Reply, error) {
	e, err := unwrap(body)
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	defer clear(e.Data) // a copy of what the response may repeat
	d, err := e.replyData()
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	r := carrierfsm.Reply{
		Success: e.Success == boolTrue, Code: carrierfsm.ProcessCode(d.Code), Type: string(d.Type),
		Template: string(d.Template.value.Type), Finish: d.Finish == boolTrue,
		Content: carrierfsm.NewSecret(truncate(cmp.Or(d.Content, e.Message), maxContent)),
	}
	switch {
	case d.Next.value.usable():
		next := d.Next.value.source()
		r.Next = &next
	case d.Next.present && !r.Finish:
		// The next source has no website. Without a next source the reply would
		// mean that all are collected.
		return carrierfsm.Reply{}, ErrMalformed
	}
	r.AlreadyCollected = alreadyCollected(r, string(d.Content), string(e.Message))
	return r, nil
}

func (e envelope) replyData() (replyData, error) {
	var d optional[replyData]
	if len(e.Data) > 0 && d.UnmarshalJSON(e.Data) != nil {
		if e.Success == boolTrue {
			return replyData{}, ErrMalformed
		}
		return replyData{}, nil
	}
	return d.value, nil
}

// finished is upstream's text for a collection that has ended.
const finished = "抓取完成"

// alreadyCollected matches the texts by which upstream says that this website was
// collected before: in the content of an ERROR, in either text of a failure, or as
// the whole text of a success that has no known code. It is the only place that
// matches texts of upstream.
func alreadyCollected(r carrierfsm.Reply, content, message string) bool {
	switch {
	case !r.Success:
		return containsAny(content, "已经采集完成", "重复采集", finished) || containsAny(message, "已经采集完成", "重复采集", finished)
	case strings.TrimSpace(cmp.Or(content, message)) == finished:
		// The reply table ignores the flag beside all other known codes.
		return r.Code != "0" && r.Code != "30000"
	default:
		return r.Type == "ERROR" && containsAny(content, "已经采集完成", "重复采集")
	}
}

// containsAny reports whether a text has one of the words and no negation:
// 尚未抓取完成 (not collected yet) has the same words.
func containsAny(text string, words ...string) bool {
	if strings.ContainsAny(text, "未没") {
		return false
	}
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// decodeReceipt decodes the response to an application. Only version 3 has a
// code; an application is accepted if both the code and "success" say so.
func decodeReceipt(body []byte, v3 bool) (carrierfsm.Receipt, error) {
	e, err := unwrap(body)
	if err != nil {
		return carrierfsm.Receipt{}, err
	}
	message := truncate(e.Message, maxContent)
	if e.Success != boolTrue || v3 && e.Code != "" && e.Code != acceptedCode {
		return carrierfsm.Receipt{Message: carrierfsm.NewSecret(message)}, nil
	}
	var d receiptData
	if json.Unmarshal(e.Data, &d) != nil || d.Token == "" || len(d.Token) > maxName || !d.Source.value.usable() {
		return carrierfsm.Receipt{}, ErrMalformed
	}
	return carrierfsm.Receipt{
		Accepted: true, Message: carrierfsm.NewSecret(message), Token: carrierfsm.NewSecret([]byte(d.Token)), Source: d.Source.value.source(),
	}, nil
}

func decodeSources(body []byte) ([]carrierfsm.Source, error) {
	e, err := unwrap(body)
	if err != nil {
		return nil, err
	}
	var raw []rawSource
	if e.Success != boolTrue || len(e.Data) == 0 || json.Unmarshal(e.Data, &raw) != nil {
		return nil, ErrMalformed
	}
	list := make([]carrierfsm.Source, len(raw))
	for i, s := range raw {
		list[i] = s.source()
	}
	return list, nil
}

// truncate shortens a text to at most n bytes, between characters.
func truncate(t text, n int) string {
	if len(t) <= n {
		return string(t)
	}
	for n > 0 && !utf8.RuneStart(t[n]) {
		n--
	}
	return string(t[:n])
}
