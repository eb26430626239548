package proof_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// wire is a server that gives planned answers and records the requests.
type wire struct {
	url string

	mu    sync.Mutex
	next  answer
	token string
	at    dataSource
	got   []sent
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := new(wire)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// plan sets the next answer and returns how many requests there were.
func (w *wire) plan(a answer) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = a
	return len(w.got)
}

// receipt sets the token and the source of accepted applications.
func (w *wire) receipt(token string, at dataSource) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.token, w.at = token, at
}

func (w *wire) since(n int) []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.got[n:]
}

func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var fields struct {
		Basic map[string]string `json:"basic_info"`
	}
	flat := make(map[string]string)
	if json.Unmarshal(body, &fields) == nil && fields.Basic != nil {
		flat = fields.Basic
	} else if err := json.Unmarshal(body, &flat); err != nil {
		panic(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got = append(w.got, sent{r.URL.Path, flat})
	if w.next.lost {
		panic(http.ErrAbortHandler)
	}
	out.Header().Set("Content-Type", "application/json;charset=utf-8")
	_ = json.NewEncoder(out).Encode(w.body(r.URL.Path == pathForm))
}

// body is the answer in JSON. The types of some values vary with the number of
// requests, as those of the aggregator do.
func (w *wire) body(form bool) map[string]any {
	a, n := w.next, len(w.got)
	if !a.success {
		return map[string]any{"success": alternate(n, false, "false"), "message": a.message}
	}
	data := map[string]any{"unheard_of": 1}
	if form {
		data["token"], data["cell_phone_num"], data["datasource"] = w.token, "13800138000", w.at.json()
	} else {
		data["type"], data["content"], data["finish"], data["process_code"] = a.kind, a.content, a.finish, nil
		if a.code != nil {
			data["process_code"] = alternate(n, *a.code, strconv.Itoa(*a.code))
		}
		if a.tpl != "" {
			data["req_msg_tpl"] = map[string]any{"type": a.tpl, "method": "AUTO"}
		}
		if a.next != nil {
			data["next_datasource"] = a.next.json()
		}
	}
	return map[string]any{"success": alternate(n/2, true, "true"), "data": data}
}

func alternate(n int, a, b any) any {
	if n%2 == 0 {
		return a
	}
	return b
}

func (s dataSource) json() map[string]any {
	return map[string]any{
		"id": 1, "website": s.Website, "name": s.Website, "category": "mobile", "status": s.Status, "reset_pwd_method": s.ResetMethod,
	}
}

func drawSource(t *rapid.T) dataSource {
	return dataSource{
		Website:     rapid.SampledFrom([]string{"chinamobilejs", "chinatelecomjl", "chinaunicom"}).Draw(t, "website"),
		Status:      rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 1, 0, 2}).Draw(t, "status"),
		ResetMethod: rapid.IntRange(0, 2).Draw(t, "reset_pwd_method"),
	}
}

func drawReceipt(t *rapid.T) answer {
	switch rapid.IntRange(0, 5).Draw(t, "receipt") {
	case 4:
		return answer{lost: true}
	case 5:
		return answer{message: "身份证号码有误"}
	default:
		return answer{success: true}
	}
}

// drawReply draws an answer of collect/req that has a meaning by the description.
func drawReply(t *rapid.T) answer {
	a := answer{
		success: true, content: "请按提示操作", kind: rapid.SampledFrom([]string{"CONTROL", "ERROR", "RUNNING", "TIP"}).Draw(t, "type"),
		finish: seldom(t, "finish"),
	}
	if !seldom(t, "last source") {
		next := drawSource(t)
		a.next = &next
	}
	tpl := rapid.SampledFrom([]string{"", "SUBMIT_CAPTCHA", "SUBMIT_QUERY_PWD", "RESEND_CAPTCHA"}).Draw(t, "tpl")
	switch rapid.IntRange(0, 23).Draw(t, "answer") { // small numbers are more frequent
	case 23:
		return answer{message: rapid.SampledFrom([]string{"请求失败", "抓取完成"}).Draw(t, "message")}
	case 22:
		a.kind, a.content = "ERROR", "当前网站已经采集完成,请不要重复采集"
		a.code = rapid.SampledFrom([]*int{nil, codeOf(30000)}).Draw(t, "process_code")
	case 21:
		a.code = codeOf(rapid.SampledFrom([]int{10009, 30000, 31000}).Draw(t, "process_code"))
	case 19, 20:
		return answer{lost: true}
	case 16, 17, 18: // no code, or an unknown one
		a.code = rapid.SampledFrom([]*int{nil, codeOf(10005), codeOf(100017)}).Draw(t, "process_code")
		if a.tpl = tpl; tpl != "" {
			a.kind = "CONTROL"
		}
	default:
		codes := []int{10001, 10001, 10002, 10002, 10002, 10003, 10004, 10006, 10007, 10008, 10017, 10018, 10022, 10022, 10023, 0, 10010, 11000, 11001}
		a.code, a.tpl = codeOf(rapid.SampledFrom(codes).Draw(t, "process_code")), tpl
	}
	return a
}

func seldom(t *rapid.T, what string) bool { return rapid.IntRange(0, 4).Draw(t, what) == 4 }

func codeOf(n int) *int { return &n }

func drawReset(t *rapid.T) answer {
	if rapid.IntRange(0, 9).Draw(t, "lost") == 9 {
		return answer{lost: true}
	}
	codes := []int{10001, 10002, 10002, 10004, 10006, 10010, 11001, 11000, 11000, 11000, 31000, 30000, 0}
	return answer{success: true, kind: "CONTROL", content: "请按提示操作", code: codeOf(rapid.SampledFrom(codes).Draw(t, "process_code"))}
}

func drawSkip(t *rapid.T) answer {
	a := answer{success: true, kind: "CONTROL", code: codeOf(10008), finish: rapid.Bool().Draw(t, "finish")}
	if rapid.Bool().Draw(t, "next") {
		next := drawSource(t)
		a.next = &next
	}
	a.lost = seldom(t, "lost")
	return a
}
