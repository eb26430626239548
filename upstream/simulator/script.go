package simulator

import "net/http"

// Answer is a whole answer to a collect request, however odd.
type Answer struct {
	// Status is the HTTP status. Zero means 200.
	Status int
	// ContentType defaults to JSON.
	ContentType string
	// Raw, where not empty, is the body as it stands.
	Raw string
	// Body is the JSON object to send otherwise. A value may be of any type,
	// right or wrong.
	Body map[string]any
}

// Script sets the answers to the next collect requests of a person, before
// anything else is looked at but the token.
func (s *Server) Script(phone string, answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[phone] = append(s.scripts[phone], answers...)
}

// Data is an answer with "success" true and this data.
func Data(data map[string]any) Answer {
	return Answer{Body: object{"success": true, "data": data}}
}

// Code is an answer with a process_code, of any type, and nothing else.
func Code(code any) Answer {
	return Data(object{"type": "CONTROL", "content": "", "process_code": code, "finish": false})
}

// Running is upstream's own time-out: perhaps still at work.
func Running() Answer {
	return Data(object{"type": "RUNNING", "content": "采集请求超时", "process_code": 0, "finish": false})
}

// Tip is a word on the progress.
func Tip() Answer { return Data(object{"type": "TIP", "content": "正在登录"}) }

// Error is a flow error with this text and without a code.
func Error(content string) Answer {
	return Data(object{"type": "ERROR", "content": content, "finish": false})
}

// Refusal is "success" false with this text.
func Refusal(message string) Answer {
	return Answer{Body: object{"success": false, "message": message}}
}

// scripted takes the next answer of a person. The caller holds the lock.
func (s *Server) scripted(phone string) (a Answer, ok bool) {
	list := s.scripts[phone]
	if len(list) == 0 {
		return Answer{}, false
	}
	s.scripts[phone] = list[1:]
	return list[0], true
}

func (a Answer) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", or(a.ContentType, jsonType))
	if a.Status != 0 {
		w.WriteHeader(a.Status)
	}
	if a.Raw != "" {
		_, _ = w.Write([]byte(a.Raw))
		return
	}
	if a.Body != nil {
		sendBody(w, a.Body)
	}
}
