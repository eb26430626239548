package juxinli

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/carrierfsm/carrierfsm"
)

// envelope is what every answer is wrapped in.
type envelope struct {
	Success boolean         `json:"success"`
	Code    number          `json:"code"` // v3
	Message text            `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// accepted is v3's code for an application that was taken.
const accepted = "65557"

type replyData struct {
	Type     word                `json:"type"`
	Content  text                `json:"content"`
	Code     number              `json:"process_code"`
	Finish   boolean             `json:"finish"`
	Template optional[template]  `json:"req_msg_tpl"`
	Next     optional[rawSource] `json:"next_datasource"`
}

type template struct {
	Type word `json:"type"`
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

// Bounds of what is handed on, in bytes.
const (
	maxName    = 256
	maxContent = 4096
)

// usable tells whether the source can be named in a request.
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
		Website: string(s.Website), Name: cut(s.Name, maxName), Online: s.Status == "1", ResetMethod: method,
	}
}

// unwrap reads the envelope: an object that says whether it was a success.
func unwrap(answer []byte) (envelope, error) {
	var e envelope
	if !utf8.Valid(answer) || json.Unmarshal(answer, &e) != nil || e.Success == notTold {
		return e, ErrMalformed
	}
	return e, nil
}

// decodeReply reads the answer to a collect call. A success whose data can't
// be read is malformed; a failure needs no data.
func decodeReply(answer []byte) (carrierfsm.Reply, error) {
	e, err := unwrap(answer)
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	d, err := e.replyData()
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	r := carrierfsm.Reply{
		Success: e.Success == told, Code: carrierfsm.ProcessCode(d.Code), Type: string(d.Type),
		Template: string(d.Template.value.Type), Finish: d.Finish == told, Content: cut(d.Content, maxContent),
	}
	if r.Content == "" {
		r.Content = cut(e.Message, maxContent)
	}
	switch {
	case d.Next.value.usable():
		next := d.Next.value.source()
		r.Next = &next
	case d.Next.there && !r.Finish:
		// There is a next source and no knowing which. Without it the reply
		// would read as the end of it all.
		return carrierfsm.Reply{}, ErrMalformed
	}
	r.AlreadyCollected = collected(r, string(d.Content), string(e.Message))
	return r, nil
}

func (e envelope) replyData() (replyData, error) {
	var d optional[replyData]
	if len(e.Data) > 0 && d.UnmarshalJSON(e.Data) != nil {
		if e.Success == told {
			return replyData{}, ErrMalformed
		}
		return replyData{}, nil
	}
	return d.value, nil
}

// collected reads the words by which upstream says that this website was
// collected before: in the content of an ERROR, or in either text of a
// failure. Nothing else of this module reads words.
func collected(r carrierfsm.Reply, content, message string) bool {
	if r.Success {
		return r.Type == "ERROR" && says(content, "已经采集完成", "重复采集")
	}
	return says(content, "已经采集完成", "重复采集", "抓取完成") || says(message, "已经采集完成", "重复采集", "抓取完成")
}

// says tells whether a text has one of the words and no "not yet": 尚未抓取完成
// has the same words and means the opposite.
func says(text string, words ...string) bool {
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

// decodeReceipt reads the answer to an application. Only version 3 has a code,
// and it decides beside success.
func decodeReceipt(answer []byte, v3 bool) (carrierfsm.Receipt, error) {
	e, err := unwrap(answer)
	if err != nil {
		return carrierfsm.Receipt{}, err
	}
	message := cut(e.Message, maxContent)
	if e.Success != told || v3 && e.Code != "" && e.Code != accepted {
		return carrierfsm.Receipt{Message: message}, nil
	}
	var d receiptData
	if json.Unmarshal(e.Data, &d) != nil || d.Token == "" || len(d.Token) > maxName || !d.Source.value.usable() {
		return carrierfsm.Receipt{}, ErrMalformed
	}
	return carrierfsm.Receipt{
		Accepted: true, Message: message, Token: string(d.Token), Source: d.Source.value.source(),
	}, nil
}

func decodeSources(answer []byte) ([]carrierfsm.Source, error) {
	e, err := unwrap(answer)
	if err != nil {
		return nil, err
	}
	var raw []rawSource
	if e.Success != told || len(e.Data) == 0 || json.Unmarshal(e.Data, &raw) != nil {
		return nil, ErrMalformed
	}
	list := make([]carrierfsm.Source, len(raw))
	for i, s := range raw {
		list[i] = s.source()
	}
	return list, nil
}

// cut shortens a text to at most n bytes, between characters.
func cut(t text, n int) string {
	if len(t) <= n {
		return string(t)
	}
	for n > 0 && !utf8.RuneStart(t[n]) {
		n--
	}
	return string(t[:n])
}
