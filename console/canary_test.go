package console_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"html"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// canaries are the secrets and personal values of the canary test: upstream
// repeats them in its texts, and no page may contain any of them.
var canaries = map[string]string{
	"password": `Pw"7f3a/91&x`, "wrong password": `Wr'ong+4c?%2`, "query password": `Qp<88>b1=e0;`, "code": `73519426`, "wrong code": `40917263`,
	"phone": "13800138000", "id card": "11010119900307889X", "name": "测试用户", "token": "00000000000000000000000000000001",
	"another number": "13800138042",
}

// echoReply repeats the named values and those that every call carries.
func echoReply(code carrierfsm.ProcessCode, names ...string) fsmtest.Answer {
	return fsmtest.Reply(carrierfsm.Reply{Success: true, Code: code, Type: "CONTROL", Content: carrierfsm.NewSecret(echo(names...))})
}

func echo(names ...string) string {
	text := "您好"
	for _, name := range append(names, "phone", "token", "another number", "id card") {
		text += " / " + canaries[name]
	}
	return text
}

func TestNoPageHoldsASecretOrAWholeNumber(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newFixture(t, carrierfsm.Config{})
	s.setHandlers(map[string]outbox.Handler{
		"notify": func(context.Context, carrierfsm.Transition) error {
			return errors.New("no mail to" + echo("name", "code"))
		},
	})
	s.setConsole(s.Machine, func(c *console.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	pages := make(map[string]string)
	look := func() { // at every page that is linked
		clear(pages)
		s.crawl("", pages)
		require.Greater(t, len(pages), 12, "there is a page of each kind")
		for path, page := range pages {
			s.requireNoCanary(path, page)
		}
	}
	s.Upstream.Then(
		fsmtest.Refuse(echo("name")), fsmtest.Accept("chinamobilejs"), echoReply("10003", "wrong password"), echoReply("10002", "password"),
		echoReply("10004", "wrong code", "password"), echoReply("10022", "code", "password"), echoReply("10023", "query password", "password"), echoReply("10008"),
	)
	s.must(s.Apply())
	look()
	s.must(s.Apply())
	s.must(s.Password(canaries["wrong password"]))
	look()
	s.must(s.Password(canaries["password"]))
	s.must(s.Captcha(canaries["wrong code"]))
	look()
	require.Contains(t, pages["verification?id=v1"], "138****8000")
	require.Contains(t, pages["verification?id=v1"], "您好", "the rest of upstream's text is shown")
	s.must(s.Captcha(canaries["code"]))
	s.must(s.QueryPassword(canaries["query password"]))
	_, err := s.handlers.Deliver(context.Background())
	require.Error(t, err)
	look()
	require.Contains(t, pages["handlers?name=notify"], "no mail to", "the rest of the handler's error is shown")
	s.must(s.QueryPassword(canaries["query password"]))
	require.Equal(t, carrierfsm.Done, s.Get().State)
	look()
	s.post(s.action("replay", "handler", "notify", "step", "1"))
	s.get("verification?id=" + canaries["phone"])
	s.post(url.Values{"do": {"cancel"}, "id": {canaries["phone"]}, "step": {"1"}, "reason": {"asked for"}})
	s.post(s.action("erase", "sure", "on", "reason", "asked for by "+canaries["phone"]))
	look()
	require.Contains(t, pages["acts"], "asked for by ****")
	s.requireNoCanary("the log", log.String())
}

var linkPattern = regexp.MustCompile(`(?:href|src)="([^"#]*)"`)

// crawl follows all links from path, and adds the pages by their path.
func (s *fixture) crawl(path string, pages map[string]string) {
	if _, seen := pages[path]; seen {
		return
	}
	page := s.page(path)
	pages[path] = page
	for _, m := range linkPattern.FindAllStringSubmatch(page, -1) {
		s.crawl(strings.TrimPrefix(html.UnescapeString(m[1]), "./"), pages)
	}
}

var (
	longNumber = regexp.MustCompile(`[0-9]{11,}`)
	actID      = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
)

func (s *fixture) requireNoCanary(where, text string) {
	s.t.Helper()
	text = html.UnescapeString(text)
	for name, secret := range canaries {
		sum := sha256.Sum256([]byte(secret))
		for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)), hex.EncodeToString(sum[:])} {
			require.False(s.t, strings.Contains(text, form), "%s has the %s", where, name)
		}
	}
	if strings.HasSuffix(strings.Split(where, "?")[0], ".css") || strings.HasSuffix(where, "the log") {
		return
	}
	for _, number := range longNumber.FindAllString(actID.ReplaceAllString(text, ""), -1) {
		require.Len(s.t, number, 16, "%s has the number %s, which is no page key", where, number)
	}
}

func TestTheCanaryTestFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"13800138000", "x 13800138099 x", url.QueryEscape(canaries["password"]), html.EscapeString(canaries["query password"])} {
		probe := &fixture{t: new(testing.T)}
		done := make(chan bool)
		go func() {
			defer close(done)
			probe.requireNoCanary("a page", text)
		}()
		<-done
		require.True(t, probe.t.Failed(), text)
	}
}

func TestUpstreamsTextIsEscaped(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{}, fsmtest.Reply(carrierfsm.Reply{
		Success: true, Code: "10002", Type: `CON"TROL<b>`, Template: `x' onload='y`, Content: carrierfsm.NewSecret(hostileText),
	}))
	s.must(s.Apply())
	s.must(s.Password("246810"))
	page := s.page("verification?id=v1")
	for _, raw := range []string{"<script>alert", "<img", "TROL<b>", "' onload='"} {
		require.NotContains(t, page, raw)
	}
	require.Contains(t, html.UnescapeString(page), html.UnescapeString(hostileText), "the library decodes upstream's escapes")
}

func TestNoPageOffersToSendAnythingAgain(t *testing.T) {
	t.Parallel()
	s := newBusyFixture(t)
	pages := make(map[string]string)
	s.crawl("", pages)
	calls := len(s.Upstream.Calls())
	doing := regexp.MustCompile(`name="do" value="([^"]*)"|[?&;]do=([a-z]*)`)
	found := make(map[string]bool)
	for path, page := range pages {
		for _, words := range []string{"send again", "Send again", "resend", "Resend", "retry", "Retry"} {
			require.NotContains(t, strings.ReplaceAll(page, "resend captcha", ""), words, path)
		}
		for _, m := range doing.FindAllStringSubmatch(page, -1) {
			found[m[1]+m[2]] = true
		}
	}
	require.Equal(t, map[string]bool{"cancel": true, "expire": true, "erase": true, "replay": true}, found)
	s.Clock.Advance(time.Second)
	require.Len(t, s.Upstream.Calls(), calls, "no page calls upstream")
}
