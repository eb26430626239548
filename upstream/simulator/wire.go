package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// object is a JSON object on its way out.
type object map[string]any

// incoming is a request that was read.
type incoming struct {
	path   string
	json   bool
	fields collectFields
	body   []byte
}

// collectFields are the fields of a collect request.
type collectFields struct {
	Token    string `json:"token"`
	Website  string `json:"website"`
	Account  string `json:"account"`
	Password string `json:"password"`
	Captcha  string `json:"captcha"`
	Type     string `json:"type"`
	QueryPwd string `json:"queryPwd"`
}

// applicationFields are the fields of an application.
type applicationFields struct {
	BasicInfo struct {
		Name  string `json:"name"`
		ID    string `json:"id_card_num"`
		Phone string `json:"cell_phone_num"`
	} `json:"basic_info"`
}

func parse(r *http.Request, body []byte) incoming {
	in := incoming{path: r.URL.Path, body: body}
	in.json = strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
	_ = json.Unmarshal(body, &in.fields) // what is no collect request has none of the fields
	return in
}

// WithBody puts the body that was read back into the request.
func (in incoming) WithBody(r *http.Request) *http.Request {
	again := r.Clone(r.Context())
	again.Body = http.NoBody
	return again.WithContext(withIncoming(again.Context(), in))
}

// recorder keeps an answer until it is known how to deliver it.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.body = append(r.body, b...)
	return len(b), nil
}

const jsonType = "application/json;charset=utf-8"

func send(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", jsonType)
	sendBody(w, v)
}

func sendBody(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil { // a script with a value that JSON does not know
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

func refuse(w http.ResponseWriter, message string) {
	send(w, object{"success": false, "message": message})
}

// source is a carrier as a DataSource.
func source(c Carrier) object {
	status := 1
	if c.Offline {
		status = 0
	}
	sms := 0
	if len(c.Asks) > 0 {
		sms = 1
	}
	return object{
		"id": "simulated-" + c.Website, "website": c.Website, "name": c.Name,
		"category": "mobile", "category_name": "移动运营商",
		"create_time": calendar(time.Unix(1_400_000_000, 0)), "update_time": calendar(time.Unix(1_700_000_000, 0)),
		"offline_times": 0, "status": status, "website_code": 12,
		"reset_pwd_method": c.ResetMethod, "sms_required": sms,
		"required_captcha_user_identified": 0, "reset_pwd_frozen_time": 0,
	}
}

func calendar(t time.Time) object {
	t = t.UTC()
	return object{
		"year": t.Year(), "month": int(t.Month()), "dayOfMonth": t.Day(),
		"hourOfDay": t.Hour(), "minute": t.Minute(), "second": t.Second(),
	}
}
