package simulator

import (
	"encoding/json"
	"maps"
	"net/http"
)

// Answer is a complete response, valid or not. The zero Answer has status 200 and
// an empty body. The With methods return a changed copy.
type Answer struct {
	// Status is the HTTP status. Zero means 200.
	Status int
	// ContentType defaults to JSON.
	ContentType string
	// Raw is the body, unless it is empty.
	Raw string
	// Body is the JSON object to send if Raw is empty. Values may be of any type,
	// also of wrong ones. It must not be changed once the answer is in a script.
	Body map[string]any
}

// NeverSeen is a process_code that no document lists: Code(NeverSeen).
const NeverSeen = 19999

// Data returns an answer with "success" true and the data.
func Data(data map[string]any) Answer {
	return Answer{Body: object{"success": true, "data": data}}
}

// Code returns an answer with a process_code of any type, without a template. Nil
// sends null; Without("process_code") leaves it out.
func Code(code any) Answer {
	return Data(object{"type": "CONTROL", "content": "", "process_code": code, "finish": false})
}

// Running is upstream's own timeout: it may still be at work.
func Running() Answer {
	return Data(object{"type": "RUNNING", "content": "采集请求超时", "process_code": 0, "finish": false})
}

// Tip is a progress message without a code.
func Tip() Answer { return Data(object{"type": "TIP", "content": "正在登录"}) }

// Error returns a flow error with a text and without a code.
func Error(content string) Answer {
	return Data(object{"type": "ERROR", "content": content, "finish": false})
}

// AlreadyCollected is the answer to a submit after the collection has started. The
// server also sends it without a script.
func AlreadyCollected() Answer { return Error("当前网站已经采集完成,请不要重复采集") }

// Refusal returns an answer with "success" false, a text and no data.
func Refusal(message string) Answer {
	return Answer{Body: object{"success": false, "message": message}}
}

// CrawlFinished is upstream's other form of AlreadyCollected.
func CrawlFinished() Answer { return Refusal("抓取完成") }

// With sets a field of "data".
func (a Answer) With(field string, value any) Answer {
	return a.withData(merged(a.data(), object{field: value}))
}

// Without removes fields of "data".
func (a Answer) Without(fields ...string) Answer {
	data := merged(a.data(), nil)
	for _, field := range fields {
		delete(data, field)
	}
	return a.withData(data)
}

// WithTemplate sets req_msg_tpl, the type of the next request.
func (a Answer) WithTemplate(kind string) Answer {
	return a.With("req_msg_tpl", object{"type": kind, "method": "AUTO"})
}

// WithNext sets next_datasource.
func (a Answer) WithNext(c Carrier) Answer { return a.With("next_datasource", datasource(c)) }

// WithSuccess sets "success", to a value of any type.
func (a Answer) WithSuccess(value any) Answer {
	a.Body = merged(a.Body, object{"success": value})
	return a
}

// data returns the object in "data", nil if there is none.
func (a Answer) data() object {
	data, _ := a.Body["data"].(object)
	return data
}

func (a Answer) withData(data object) Answer {
	a.Body = merged(a.Body, object{"data": data})
	return a
}

// merged returns a copy of an object with the fields of another.
func merged(into, from object) object {
	out := make(object, len(into)+len(from))
	maps.Copy(out, into)
	maps.Copy(out, from)
	return out
}

// send writes the answer, or a 500 if JSON can't encode its body.
func (a Answer) send(w http.ResponseWriter) {
	body := []byte(a.Raw)
	if a.Raw == "" && a.Body != nil {
		var err error
		if body, err = json.Marshal(a.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", orDefault(a.ContentType, jsonType))
	w.WriteHeader(orDefault(a.Status, http.StatusOK))
	_, _ = w.Write(body)
}
