package juxinli

import (
	"encoding/json"
	"math"
	"strconv"
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
	Type     text       `json:"type"`
	Content  text       `json:"content"`
	Code     number     `json:"process_code"`
	Finish   boolean    `json:"finish"`
	Template *template  `json:"req_msg_tpl"`
	Next     *rawSource `json:"next_datasource"`
}

type template struct {
	Type text `json:"type"`
}

type receiptData struct {
	Token  text      `json:"token"`
	Source rawSource `json:"datasource"`
}

type rawSource struct {
	Website text   `json:"website"`
	Name    text   `json:"name"`
	Status  number `json:"status"`
	Reset   number `json:"reset_pwd_method"`
}

func (s rawSource) source() carrierfsm.Source {
	method := carrierfsm.ResetNone
	switch s.Reset {
	case "1":
		method = carrierfsm.ResetBySMS
	case "2":
		method = carrierfsm.ResetWithNewPassword
	}
	return carrierfsm.Source{
		Website: string(s.Website), Name: string(s.Name), Online: s.Status == "1", ResetMethod: method,
	}
}

// open reads the envelope: an object that says whether it was a success.
func open(answer []byte) (envelope, error) {
	var e envelope
	if !utf8.Valid(answer) || json.Unmarshal(answer, &e) != nil || e.Success == notTold {
		return e, ErrMalformed
	}
	return e, nil
}

func decodeReply(answer []byte) (carrierfsm.Reply, error) {
	e, err := open(answer)
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	var d replyData
	if !absent(e.Data) && json.Unmarshal(e.Data, &d) != nil {
		return carrierfsm.Reply{}, ErrMalformed
	}
	r := carrierfsm.Reply{
		Success: e.Success == told, Code: carrierfsm.ProcessCode(d.Code), Type: string(d.Type),
		Finish: d.Finish == told, Content: string(d.Content),
	}
	if r.Content == "" {
		r.Content = string(e.Message)
	}
	if d.Template != nil {
		r.Template = string(d.Template.Type)
	}
	if d.Next != nil && d.Next.Website != "" {
		next := d.Next.source()
		r.Next = &next
	}
	r.AlreadyCollected = alreadyCollected(r)
	return r, nil
}

// alreadyCollected reads the words by which upstream says that this website
// was collected before. Nothing else of this module reads words.
func alreadyCollected(r carrierfsm.Reply) bool {
	if r.Success && r.Type != "ERROR" {
		return false
	}
	for _, words := range []string{"已经采集完成", "重复采集"} {
		if strings.Contains(r.Content, words) {
			return true
		}
	}
	return !r.Success && strings.Contains(r.Content, "抓取完成")
}

func decodeReceipt(answer []byte) (carrierfsm.Receipt, error) {
	e, err := open(answer)
	if err != nil {
		return carrierfsm.Receipt{}, err
	}
	if e.Success != told || e.Code != "" && e.Code != accepted {
		return carrierfsm.Receipt{Message: string(e.Message)}, nil
	}
	var d receiptData
	if absent(e.Data) || json.Unmarshal(e.Data, &d) != nil || d.Token == "" || d.Source.Website == "" {
		return carrierfsm.Receipt{}, ErrMalformed
	}
	return carrierfsm.Receipt{
		Accepted: true, Message: string(e.Message), Token: string(d.Token), Source: d.Source.source(),
	}, nil
}

func decodeSources(answer []byte) ([]carrierfsm.Source, error) {
	e, err := open(answer)
	if err != nil {
		return nil, err
	}
	var raw []rawSource
	if e.Success != told || absent(e.Data) || json.Unmarshal(e.Data, &raw) != nil {
		return nil, ErrMalformed
	}
	list := make([]carrierfsm.Source, len(raw))
	for i, s := range raw {
		list[i] = s.source()
	}
	return list, nil
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// boolean is a bool that may come as a string, or not at all.
type boolean int8

const (
	notTold boolean = iota
	toldNot
	told
)

// UnmarshalJSON takes true, false, "true", "False" …; anything else is not told.
func (b *boolean) UnmarshalJSON(raw []byte) error {
	switch strings.ToLower(strings.Trim(string(raw), `" `)) {
	case "true":
		*b = told
	case "false":
		*b = toldNot
	}
	return nil
}

// text is a string that may come as null or as a number.
type text string

// UnmarshalJSON takes a string, or a number as it is written; anything else is empty.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*t = text(s)
		return nil
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		*t = text(n)
	}
	return nil
}

// number is an integer in decimal digits, which may come as a string or not
// at all. What is no integer is kept as it came: it can't be taken for one.
type number string

// UnmarshalJSON takes 10002, "10002", 10002.0 and null.
func (n *number) UnmarshalJSON(raw []byte) error {
	s := strings.TrimSpace(strings.Trim(string(raw), `"`))
	if s == "null" || s == "" {
		*n = ""
		return nil
	}
	*n = number(s)
	if raw[0] == '"' {
		return nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1e15 {
		*n = number(strconv.FormatInt(int64(f), 10))
	}
	return nil
}
