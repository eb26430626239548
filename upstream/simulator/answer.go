package simulator

import (
	"encoding/json"
	"maps"
	"net/http"
)

// Answer is a whole answer, however odd. The zero Answer is status 200 and an
// empty body. Its With methods return a changed copy.
type Answer struct {
	// Status is the HTTP status. Zero means 200.
	Status int
	// ContentType defaults to JSON.
	ContentType string
	// Raw, where not empty, is the body as it stands.
	Raw string
	// Body is the JSON object to send otherwise. A value may be of any type,
	// right or wrong. It must not be changed once the answer is in a script.
	Body map[string]any
}

// NeverSeen is a process_code that no document lists: Code(NeverSeen).
const NeverSeen = 19999

// Data is an answer with "success" true and this data.
func Data(data map[string]any) Answer {
	return Answer{Body: object{"success": true, "data": data}}
}

// Code is an answer with a process_code, of any type, and nothing else to go
// by. Nil sends null; leave the code out by Without("process_code").
func Code(code any) Answer {
	return Data(object{"type": "CONTROL", "content": "", "process_code": code, "finish": false})
}

// Running is upstream's own time-out: perhaps still at work.
func Running() Answer {
	return Data(object{"type": "RUNNING", "content": "采集请求超时", "process_code": 0, "finish": false})
}

// Tip is a word on the progress, without a code.
func Tip() Answer { return Data(object{"type": "TIP", "content": "正在登录"}) }

// Error is a flow error with this text and without a code.
func Error(content string) Answer {
	return Data(object{"type": "ERROR", "content": content, "finish": false})
}

// AlreadyCollected is what a submit is answered with once collection has
// started. The server says so itself, too.
func AlreadyCollected() Answer { return Error("当前网站已经采集完成,请不要重复采集") }

// Refusal is "success" false with this text, and no data.
func Refusal(message string) Answer {
	return Answer{Body: object{"success": false, "message": message}}
}

// CrawlFinished is the other word for AlreadyCollected.
func CrawlFinished() Answer { return Refusal("抓取完成") }

// With sets a field of "data".
func (a Answer) With(field string, value any) Answer {
	return a.withData(merged(a.data(), object{field: value}))
}

// Without leaves fields of "data" out.
func (a Answer) Without(fields ...string) Answer {
	data := merged(a.data(), nil)
	for _, field := range fields {
		delete(data, field)
	}
	return a.withData(data)
}

// WithTemplate sets req_msg_tpl: the type to send next.
func (a Answer) WithTemplate(kind string) Answer {
	return a.With("req_msg_tpl", object{"type": kind, "method": "AUTO"})
}

// WithNext sets next_datasource.
func (a Answer) WithNext(c Carrier) Answer { return a.With("next_datasource", datasource(c)) }

// WithSuccess sets "success", to a bool, a string or anything else.
func (a Answer) WithSuccess(value any) Answer {
	a.Body = merged(a.Body, object{"success": value})
	return a
}

// data is the object in "data", nil when there is none.
func (a Answer) data() object {
	data, _ := a.Body["data"].(object)
	return data
}

func (a Answer) withData(data object) Answer {
	a.Body = merged(a.Body, object{"data": data})
	return a
}

// merged is a copy of an object with the fields of another set in it.
func merged(into, from object) object {
	out := make(object, len(into)+len(from))
	maps.Copy(out, into)
	maps.Copy(out, from)
	return out
}

// send writes the answer. A body that JSON can't express becomes a 500.
func (a Answer) send(w http.ResponseWriter) {
	body := []byte(a.Raw)
	if a.Raw == "" && a.Body != nil {
		var err error
		if body, err = json.Marshal(a.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", or(a.ContentType, jsonType))
	w.WriteHeader(or(a.Status, http.StatusOK))
	_, _ = w.Write(body)
}
