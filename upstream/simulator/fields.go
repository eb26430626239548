package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// fields are the fields of a JSON object that a client sent. Names are matched
// exactly: "querypwd" is not "queryPwd".
type fields map[string]json.RawMessage

// decode reads a request's JSON object. ok is false if the request has another
// content type or is not such an object.
func decode(r *http.Request) (f fields, ok bool) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return nil, false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &f) != nil {
		return nil, false
	}
	return f, f != nil
}

// text returns the text of a field, or the digits of a number; empty if the field is
// absent or null. ok is false for a value of any other kind.
func (f fields) text(name string) (value string, ok bool) {
	raw := f[name]
	if len(raw) == 0 || json.Unmarshal(raw, &value) == nil {
		return value, true
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), true
	}
	return "", false
}

// texts reads several fields, and reports whether all are texts.
func (f fields) texts(into map[string]*string) bool {
	all := true
	for name, value := range into {
		text, ok := f.text(name)
		*value, all = text, all && ok
	}
	return all
}

// flag returns a field that is true, "true", false, "false", null or absent.
func (f fields) flag(name string) (on, ok bool) {
	switch strings.ToLower(strings.Trim(string(f[name]), `" `)) {
	case "true":
		return true, true
	case "", "false", "null":
		return false, true
	default:
		return false, false
	}
}

// list returns the objects of a field that is a list, null or absent.
func (f fields) list(name string) (objects []fields, ok bool) {
	if len(f[name]) == 0 {
		return nil, true
	}
	return objects, json.Unmarshal(f[name], &objects) == nil
}

// object returns a field that is an object; none if it is null or absent.
func (f fields) object(name string) (o fields, ok bool) {
	if len(f[name]) == 0 {
		return nil, true
	}
	return o, json.Unmarshal(f[name], &o) == nil
}
