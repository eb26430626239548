package simulator_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// asked is one request as some client sends it.
type asked struct {
	rule string
	// key is the person's carrier, "plain" if empty; before are the steps that the
	// person has taken.
	key    string
	before []func(*run) string
	// line is the method and the path; it may end with a query.
	line string
	// head are header lines, a JSON content type if empty.
	head string
	body string
	want string // of summary
}

// The lines of most requests.
const (
	toApply   = "POST /orgApi/rest/v2/applications/DEMO"
	toApplyV3 = "POST /orgApi/rest/v3/applications/DEMO"
	toCollect = "POST /orgApi/rest/v2/messages/collect/req"
	toReset   = "POST /orgApi/rest/v2/messages/reset/req"
	toSkip    = "POST /orgApi/rest/v2/messages/collect/skip"
)

// answerEach sends every request of a table, each to a simulator of its own.
func answerEach(t *testing.T, table []asked) {
	t.Helper()
	for _, a := range table {
		t.Run(a.rule, func(t *testing.T) {
			t.Parallel()
			if a.key == "" {
				a.key = "plain"
			}
			r := newFixture(t).apply(a.key)
			for _, step := range a.before {
				step(r)
			}
			var access []string
			if strings.Contains(a.line, "{access}") {
				access = []string{"{access}", r.accessToken("24")}
			}
			require.Equal(t, a.want, summary(decoded(t, r.exchange(a.line, a.head, a.body, access...).body)))
		})
	}
}

// values returns what a client puts into a request.
func (r *run) values(more ...string) *strings.Replacer {
	p := r.person
	return strings.NewReplacer(append([]string{
		"{token}", r.token, "{website}", r.website, "{phone}", p.Phone, "{name}", p.Name, "{idcard}", p.IDCard, "{password}", p.Password,
		"{next}", p.NextPassword, "{query}", p.QueryPassword, "{new}", p.NewPassword, "{code}", r.code(), "{secret}", clientSecret,
	}, more...)...)
}

// exchange writes a request with the person's values to a connection, byte by byte as
// it stands, and returns the response.
func (r *run) exchange(line, head, body string, more ...string) response {
	r.t.Helper()
	values := r.values(more...)
	line, body = values.Replace(line), values.Replace(body)
	if head == "" {
		head = "Content-Type: application/json"
	}
	var out bytes.Buffer
	_, _ = fmt.Fprintf(&out, "%s HTTP/1.1\r\nHost: www.juxinli.com\r\nConnection: close\r\n", line)
	for _, h := range strings.Split(head, "\n") {
		_, _ = fmt.Fprintf(&out, "%s\r\n", strings.TrimSpace(h))
	}
	switch {
	case strings.Contains(head, "chunked"):
		half := len(body) / 2
		_, _ = fmt.Fprintf(&out, "\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, body[:half], len(body)-half, body[half:])
	case strings.HasPrefix(line, http.MethodPost):
		_, _ = fmt.Fprintf(&out, "Content-Length: %d\r\n\r\n%s", len(body), body)
	default:
		_, _ = out.WriteString("\r\n")
	}
	return r.write(out.Bytes())
}

// write sends bytes on a new connection and reads the response.
func (r *run) write(request []byte) response {
	r.t.Helper()
	conn, err := new(net.Dialer).DialContext(r.t.Context(), "tcp", r.http.Listener.Addr().String())
	require.NoError(r.t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(r.t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = conn.Write(request)
	require.NoError(r.t, err)
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	for err == nil && answer.StatusCode == http.StatusContinue {
		answer, err = http.ReadResponse(in, nil)
	}
	require.NoError(r.t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(r.t, err)
	return response{answer.StatusCode, answer.Header.Get("Content-Type"), answer.Header.Get("Location"), string(body)}
}

// summary returns what a response says, in a few words.
func summary(answer fields) string {
	switch {
	case answer["success"] == "false":
		return fmt.Sprint("data refused: ", answer["code"])
	case answer["access_token"] != nil:
		return fmt.Sprint("access for ", answer["expires_in"])
	case answer["report_data"] != nil:
		return fmt.Sprint("report of ", answer["report_data"].(fields)["person"].(fields)["cell_phone"])
	case answer["raw_data"] != nil:
		return fmt.Sprint("raw data: ", answer["raw_data"].(fields)["members"].(fields)["error_code"])
	}
	if list, found := answer["data"].([]any); found {
		return fmt.Sprint(len(list), " sources, code ", answer["code"])
	}
	data, _ := answer["data"].(fields)
	switch {
	case data["status"] != nil:
		return fmt.Sprint("job ", data["status"])
	case data["token"] != nil:
		return fmt.Sprintf("receipt for %v, code %v", data["datasource"].(fields)["website"], answer["code"])
	}
	return summarize(answer)
}

func TestRequestsInAllTheirFormats(t *testing.T) {
	t.Parallel()
	const login = `{"token":"{token}","website":"{website}","account":"{phone}","password":"{password}","type":""}`
	malformed, sent := "refused: 请求格式错误", "10002 SUBMIT_CAPTCHA"
	answerEach(t, []asked{
		{rule: "JSON without a charset", line: toCollect, head: "Content-Type: application/json", body: login, want: sent},
		{rule: "JSON in capitals", line: toCollect, head: "content-type: Application/JSON; charset=UTF-8", body: login, want: sent},
		{rule: "a space before the charset", line: toCollect, head: "Content-Type: application/json ; charset=utf-8", body: login, want: sent},
		{rule: "JSON in chunks", line: toCollect, head: "Content-Type: application/json\nTransfer-Encoding: chunked", body: login, want: sent},
		{rule: "a client that waits for 100", line: toCollect, head: "Content-Type: application/json\nExpect: 100-continue", body: login, want: sent},
		{rule: "a form", line: toCollect, head: "Content-Type: application/x-www-form-urlencoded", body: login, want: malformed},
		{rule: "no content type", line: toCollect, head: "Accept: */*", body: login, want: malformed},
		{rule: "another content type with the same beginning", line: toCollect, head: "Content-Type: application/jsonp", body: login, want: malformed},

		{rule: "a doubled slash in the path", line: "POST /orgApi/rest/v2//messages/collect/req", body: login, want: sent},
		{rule: "a doubled slash at the beginning", line: "POST //orgApi/rest/v2/messages/collect/req", body: login, want: sent},
		{rule: "many slashes", line: "POST ///orgApi//rest/v2/messages///collect/req", body: login, want: sent},
		{rule: "a doubled slash before the institution", line: "POST /orgApi/rest/v2/applications//DEMO", body: `{"basic_info":{"name":"{name}","id_card_num":"{idcard}","cell_phone_num":"{phone}"}}`, want: "receipt for chinamobilejs, code <nil>"},
		{rule: "a doubled slash in a data call", line: "GET /api//v2/access_report_token?client_secret={secret}&org_name=DEMO&hours=24", want: "access for 24"},
		{rule: "a query after a POST's path", line: toCollect + "?v=1", body: login, want: sent},

		{rule: "fields in another order", line: toCollect, body: `{"type":"","password":"{password}","website":"{website}","account":"{phone}","token":"{token}"}`, want: sent},
		{rule: "spaces and line ends", line: toCollect, body: "{\r\n  \"token\" : \"{token}\",\r\n  \"website\":\"{website}\", \"account\" : \"{phone}\",\"password\":\"{password}\" }\r\n", want: sent},
		{rule: "unknown fields", line: toCollect, body: `{"token":"{token}","website":"{website}","account":"{phone}","password":"{password}","sign":[1,{}],"uid":null}`, want: sent},
		{rule: "escaped characters", line: toCollect, body: `{"token":"{token}","website":"\u0063hinamobilejs","account":"{phone}","password":"{password}"}`, want: sent},
		{rule: "numbers for texts", line: toCollect, body: `{"token":"{token}","website":"{website}","account":{phone},"password":{password}}`, want: sent},
		{rule: "names in capitals are other names", line: toCollect, body: `{"Token":"{token}","website":"{website}","account":"{phone}","password":"{password}"}`, want: "refused: token无效或已过期"},

		{rule: "nothing", line: toCollect, body: "", want: malformed},
		{rule: "no JSON", line: toCollect, body: "token={token}", want: malformed},
		{rule: "half of the JSON", line: toCollect, body: `{"token":"{token}"`, want: malformed},
		{rule: "a list", line: toCollect, body: "[]", want: malformed},
		{rule: "null", line: toCollect, body: "null", want: malformed},
		{rule: "a quote that breaks the JSON", line: toCollect, body: `{"token":"{token}","password":"a"b"}`, want: malformed},
		{rule: "an object for a text", line: toCollect, body: `{"token":"{token}","website":"{website}","account":{"phone":"{phone}"}}`, want: malformed},
		{rule: "a bool for a text", line: toCollect, body: `{"token":"{token}","website":"{website}","password":true}`, want: malformed},
		{rule: "a form as an application", line: toApply, head: "Content-Type: application/x-www-form-urlencoded", body: "name={name}", want: malformed},
		{rule: "an application that is a list", line: toApply, body: "[]", want: malformed},
		{rule: "a skip that is a list", line: toSkip, body: "[1]", want: malformed},
	})
}

// Whatever a client sends, it gets an answer in JSON, and never the start of a
// collection.
func FuzzEveryRequestIsAnswered(f *testing.F) {
	for _, line := range []string{applications, "/orgApi/rest/v3/applications/DEMO", collectReq, skipReq, resetReq, "//orgApi//"} {
		for _, body := range []string{
			`{"basic_info":{"name":"a","id_card_num":1,"cell_phone_num":null},"selected_website":[{"website":"w"},null],"skip_mobile":"true"}`,
			`{"token":"t","website":1e9,"account":null,"type":"SUBMIT_CAPTCHA"}`, `null`, `[`, ``,
		} {
			f.Add(line, "application/json", body)
		}
	}
	sim := simulator.New(simulator.Config{})
	f.Fuzz(func(t *testing.T, path, contentType, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.URL.Path = "/" + path
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, r)
		require.NotContains(t, w.Body.String(), "10008")
		if w.Code == http.StatusOK {
			require.True(t, json.Valid(w.Body.Bytes()), w.Body.String())
		}
	})
}
