package simulator_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// Each file in testdata/clients has the requests of one client, as they stand on the
// connection. A block begins with ###. Lines with ! are what happens before the
// request: "person KEY", "wait DURATION", "text CXXD". Lines with < are what the
// response must say, as summary has it, and values that later requests repeat:
// "token = data.token". {token}, {code} and so on stand for values, {length} for that
// of the body.
func TestRecordedClientsRunThroughTheWholeFlow(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/clients/*.http")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 3)
	paths, types := make(map[string]bool), make(map[string]bool)
	for _, file := range files {
		c := newClient(t, file)
		for _, block := range c.blocks {
			c.play(block)
		}
		c.hangUp()
		for _, a := range c.Requests() {
			paths[strings.ReplaceAll(a.Path, "//", "/")] = true
			types[a.Type] = true
		}
	}
	for _, path := range []string{
		datasources, "/orgApi/rest/v3/orgs/DEMO/datasources", applications, "/orgApi/rest/v3/applications/DEMO",
		collectReq, skipReq, resetReq, accessToken, "/api/access_report_token", jobStatus,
		reportData, "/api/access_report_data", rawData, "/api/access_raw_data",
	} {
		require.True(t, paths[path], "no client requests %s", path)
	}
	for _, kind := range []string{"", "SUBMIT_CAPTCHA", "RESEND_CAPTCHA", "SUBMIT_QUERY_PWD", "RESEND_RESET_PWD_CAPTCHA", "SUBMIT_RESET_PWD"} {
		require.True(t, types[kind], "no client sends %q", kind)
	}
}

// client replays the requests of one file, on one connection where the client keeps it.
type client struct {
	*fixture
	blocks []string
	person simulator.Person
	values map[string]string
	conn   net.Conn
	in     *bufio.Reader
}

func newClient(t *testing.T, file string) *client {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	blocks := strings.Split(string(text), "\n### ")
	return &client{fixture: newFixture(t), blocks: blocks[1:], values: map[string]string{"secret": clientSecret}}
}

// play sends the request of one block and compares the response.
func (c *client) play(block string) {
	c.t.Helper()
	title, rest, _ := strings.Cut(block, "\n")
	var request, expected []string
	for _, line := range strings.Split(rest, "\n") {
		switch {
		case strings.HasPrefix(line, "! "):
			c.do(line[2:])
		case strings.HasPrefix(line, "< "):
			expected = append(expected, line[2:])
		default:
			request = append(request, line)
		}
	}
	answer := decoded(c.t, c.exchange(title, strings.Join(request, "\n")))
	require.Equal(c.t, c.fill(expected[0]), summary(answer), title)
	for _, line := range expected[1:] {
		name, path, found := strings.Cut(line, " = ")
		require.True(c.t, found, line)
		c.values[name] = valueAt(c.t, answer, path)
	}
}

// do does what happens before a request.
func (c *client) do(what string) {
	c.t.Helper()
	word, argument, _ := strings.Cut(what, " ")
	switch word {
	case "person":
		p := personAt(c.t, argument)
		c.person = p
		for name, value := range map[string]string{
			"phone": p.Phone, "name": p.Name, "idcard": p.IDCard, "password": p.Password, "next": p.NextPassword,
			"query": p.QueryPassword, "new": p.NewPassword,
		} {
			c.values[name] = value
		}
	case "wait":
		d, err := time.ParseDuration(argument)
		require.NoError(c.t, err)
		c.advance(d)
	case "text":
		c.TextCXXD(c.person.Phone)
	default:
		c.t.Fatalf("unknown step %q", what)
	}
}

// fill replaces {name} by values.
func (c *client) fill(text string) string {
	if inbox := c.Inbox(c.person.Phone); len(inbox) > 0 {
		c.values["code"] = inbox[len(inbox)-1].Code
	}
	for name, value := range c.values {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// exchange sends a request and returns the body of the response.
func (c *client) exchange(title, request string) string {
	c.t.Helper()
	head, body, _ := strings.Cut(c.fill(strings.TrimSpace(request)), "\n\n")
	head = strings.ReplaceAll(strings.ReplaceAll(head, "{length}", fmt.Sprint(len(body))), "\n", "\r\n") + "\r\n\r\n"
	if strings.Contains(head, "chunked") {
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}
	if c.conn == nil {
		var err error
		c.conn, err = new(net.Dialer).DialContext(c.t.Context(), "tcp", c.http.Listener.Addr().String())
		require.NoError(c.t, err)
		require.NoError(c.t, c.conn.SetDeadline(time.Now().Add(30*time.Second)))
		c.in = bufio.NewReader(c.conn)
	}
	_, err := io.WriteString(c.conn, head)
	require.NoError(c.t, err, title)
	if strings.Contains(head, "100-continue") {
		answer, err := http.ReadResponse(c.in, nil)
		require.NoError(c.t, err, title)
		require.Equal(c.t, http.StatusContinue, answer.StatusCode, title)
		_ = answer.Body.Close()
	}
	_, err = io.WriteString(c.conn, body)
	require.NoError(c.t, err, title)
	answer, err := http.ReadResponse(c.in, nil)
	require.NoError(c.t, err, title)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err, title)
	require.Equal(c.t, http.StatusOK, answer.StatusCode, title)
	if answer.Close {
		c.hangUp()
	}
	return string(text)
}

func (c *client) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// valueAt returns the text at a path like data.token.
func valueAt(t *testing.T, answer fields, path string) string {
	t.Helper()
	var at any = answer
	for _, name := range strings.Split(path, ".") {
		object, found := at.(fields)
		require.True(t, found, path)
		at = object[name]
	}
	text, found := at.(string)
	require.True(t, found, path)
	return text
}
