package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// program is a running command.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *bufio.Reader
	errs *strings.Builder
	url  string
}

// start runs it on a free port. It is killed if it runs for a minute.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t, errs: new(strings.Builder)}
	p.cmd = exec.CommandContext(t.Context(), binary, append([]string{"simulator", "serve", "-listen", "127.0.0.1:0"}, args...)...)
	p.cmd.Stderr = p.errs
	pipe, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewReader(pipe)
	require.NoError(t, p.cmd.Start())
	kill := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Kill() })
	t.Cleanup(func() {
		kill.Stop()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	return p
}

// until returns what it prints up to a line that matches.
func (p *program) until(pattern string) (printed string) {
	p.t.Helper()
	for {
		line, err := p.out.ReadString('\n')
		require.NoError(p.t, err, "%s%s", printed, p.errs)
		printed += line
		if regexp.MustCompile(pattern).MatchString(strings.TrimSuffix(line, "\n")) {
			return printed
		}
	}
}

// do sends a request and returns the response's body.
func (p *program) do(method, path, body string) string {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	require.NoError(p.t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(p.t, err)
	defer func() { _ = answer.Body.Close() }()
	require.Less(p.t, answer.StatusCode, 300)
	text, err := io.ReadAll(answer.Body)
	require.NoError(p.t, err)
	return string(text)
}

// application submits a person's form and returns the token.
func (p *program) application(of simulator.Person) string {
	p.t.Helper()
	answer := p.do(http.MethodPost, "/orgApi/rest/v2//applications/MINE",
		`{"basic_info":{"name":"`+of.Name+`","id_card_num":"`+of.IDCard+`","cell_phone_num":"`+of.Phone+`"}}`)
	return regexp.MustCompile(`[0-9a-f]{32}`).FindString(answer)
}

func personAt(t *testing.T, key string) simulator.Person {
	t.Helper()
	for i, c := range simulator.Carriers() {
		if c.Key == key {
			return simulator.People()[i]
		}
	}
	t.Fatalf("no carrier %q", key)
	return simulator.Person{}
}

func TestTheSimulatorServesAClientOfAnyLanguage(t *testing.T) {
	t.Parallel()
	p := start(t, "-org", "MINE", "-collect", "1ns")
	printed := p.until("^" + simulator.People()[len(simulator.People())-1].Phone)
	p.url = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(printed)
	require.NotEmpty(t, p.url, printed)
	for i, person := range simulator.People() {
		require.Regexp(t, person.Phone+" .*"+person.IDCard+" .*"+person.Website+" .*"+regexp.QuoteMeta(simulator.Carriers()[i].Description), printed)
	}
	first := simulator.People()[0]
	for _, value := range []string{first.Name, first.Password, first.QueryPassword, first.NextPassword, first.NewPassword, "MINE", "simulated-client-secret"} {
		require.Contains(t, printed, value)
	}

	jilin := personAt(t, "jilin")
	phone := "/phones/" + jilin.Phone
	token := p.application(jilin)
	source := `{"token":"` + token + `","website":"` + jilin.Website + `"`
	require.Contains(t, p.do(http.MethodPost, "/orgApi/rest/v2/messages/collect/req", source+`,"account":"`+jilin.Phone+`","password":"`+jilin.Password+`"}`), "10017")
	require.JSONEq(t, "[]", p.do(http.MethodGet, phone, ""))
	p.do(http.MethodPost, phone+"/cxxd", "")
	code := regexp.MustCompile(`\d{6}`).FindString(p.until(jilin.Phone + ` received the code \d{6}$`)[len(jilin.Phone):])
	var inbox []struct{ Code string }
	require.NoError(t, json.Unmarshal([]byte(p.do(http.MethodGet, phone, "")), &inbox))
	require.Equal(t, code, inbox[0].Code)
	require.Contains(t, p.do(http.MethodPost, "/orgApi/rest/v2/messages/collect/req", source+`,"captcha":"`+code+`","type":"SUBMIT_CAPTCHA"}`), "10008")

	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(p.out)
	require.NoError(t, err)
	require.Empty(t, string(rest), "each message is printed once")
	require.NoError(t, p.cmd.Wait(), p.errs)
}

func TestTheSimulatorPrintsAPasswordThatAnOperatorTexts(t *testing.T) {
	t.Parallel()
	p := start(t, "-org", "MINE")
	p.url = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(p.until("aggregator is at"))
	p.until("^" + simulator.People()[len(simulator.People())-1].Phone)
	person := personAt(t, "reset-by-sms")
	reset := `{"token":"` + p.application(person) + `","website":"` + person.Website + `","account":"` + person.Phone + `"`
	p.do(http.MethodPost, "/orgApi/rest/v2/messages/reset/req", reset+`}`)
	code := regexp.MustCompile(`\d{6}$`).FindString(strings.TrimSpace(p.until("received the code")))
	require.Contains(t, p.do(http.MethodPost, "/orgApi/rest/v2/messages/reset/req", reset+`,"captcha":"`+code+`","type":"SUBMIT_RESET_PWD"}`), "11000")
	require.Regexp(t, person.Phone+` received the new password \d{6}\n$`, p.until("received"))
}
