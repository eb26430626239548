package secondvendor_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/examples/secondvendor"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(tb testing.TB, v *vendor) *secondvendor.Client {
	tb.Helper()
	c, err := secondvendor.New(secondvendor.Config{
		BaseURL: v.URL, Key: carrierfsm.NewSecret(theKey), Poll: time.Millisecond,
	})
	require.NoError(tb, err)
	return c
}

func TestSecondVendorKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestUpstream(t, func(tb testing.TB) fsmtest.UpstreamSubject {
		v := newVendor(tb)
		c := client(tb, v)
		application := carrierfsm.Application{Form: fsmtest.Form()}
		nobody := carrierfsm.Application{Form: carrierfsm.Form{Name: "无", IDCard: "无", Phone: "13800138098"}}
		return fsmtest.UpstreamSubject{
			Upstream:    c,
			Again:       func() carrierfsm.Upstream { return client(tb, v) },
			Application: application,
			Refused:     &nobody,
			Request: func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error) {
				receipt, err := c.Apply(tb.Context(), application)
				if err == nil {
					v.put(receipt.Token, waiting[kind])
				}
				return request(kind, receipt, secret), err
			},
			Break:    v.breakNext,
			Arrivals: v.arrived,
			Recovers: true,
		}
	})
}

// waiting is the phase in which a task takes each input.
var waiting = map[carrierfsm.InputKind]string{
	carrierfsm.InputPassword: "WAIT_PASSWORD", carrierfsm.InputCaptcha: "WAIT_CODE",
	carrierfsm.InputResendCaptcha: "WAIT_CODE", carrierfsm.InputQueryPassword: "WAIT_QUERY_PASSWORD",
}

func request(kind carrierfsm.InputKind, to carrierfsm.Receipt, secret string) carrierfsm.Request {
	r := carrierfsm.Request{Input: kind, Token: to.Token, Website: to.Source.Website, Account: phone}
	switch kind {
	case carrierfsm.InputPassword:
		r.Password = carrierfsm.NewSecret(secret)
	case carrierfsm.InputCaptcha:
		r.Captcha = carrierfsm.NewSecret(secret)
	case carrierfsm.InputQueryPassword:
		r.QueryPassword = carrierfsm.NewSecret(secret)
	}
	return r
}

// run is a verification with the vendor.
type run struct {
	*vendor
	t *testing.T
	m *carrierfsm.Machine
	v carrierfsm.Verification
}

func newRun(t *testing.T) *run {
	t.Helper()
	r := &run{vendor: newVendor(t), t: t}
	m, err := carrierfsm.New(carrierfsm.Config{Store: memory.New(), Upstream: client(t, r.vendor)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.Background())) })
	r.m = m
	r.v, err = m.Create(t.Context(), carrierfsm.NewVerification{})
	require.NoError(t, err)
	r.submit(carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	return r
}

func (r *run) submit(in carrierfsm.Input) {
	r.t.Helper()
	v, err := r.m.Submit(r.t.Context(), r.v.ID, in)
	require.NoError(r.t, err)
	r.v = v
}

// answer answers the prompt, and tells what comes next: "captcha because of …".
func (r *run) answer(value string) string {
	r.t.Helper()
	secret, step := carrierfsm.NewSecret(value), r.v.Step
	switch r.v.Prompt.Kind {
	case carrierfsm.PromptPassword:
		r.submit(carrierfsm.Password{Step: step, Password: secret})
	case carrierfsm.PromptQueryPassword:
		r.submit(carrierfsm.QueryPassword{Step: step, Password: secret})
	default:
		r.submit(carrierfsm.Captcha{Step: step, Code: secret})
	}
	return r.next()
}

func (r *run) next() string {
	if r.v.Prompt == nil {
		return string(r.v.State)
	}
	return fmt.Sprintf("%s because of %s", r.v.Prompt.Kind, r.v.Reason)
}

func TestAVerificationWithTheSecondVendor(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	require.Equal(t, "password because of password_requested", r.next())
	require.Equal(t, "password because of password_rejected", r.answer("000000"))
	require.Equal(t, "captcha because of captcha_requested", r.answer(password))
	require.Equal(t, "captcha because of captcha_rejected", r.answer("000001"))
	require.Equal(t, "query_password because of query_password_requested", r.answer(code))
	require.Equal(t, "query_password because of query_password_rejected", r.answer("000002"))
	require.Equal(t, "done", r.answer(query))
	for _, secret := range []string{"000000", password, "000001", code, "000002", query} {
		require.Equal(t, 1, r.arrived(secret), secret)
	}
	require.Equal(t, 7, r.count("POST"))
	require.Equal(t, 6*3, r.count("GET"), "polls inside the calls")
}

func TestAReplyThatWasLostIsLookedUp(t *testing.T) {
	t.Parallel()
	for _, b := range []fsmtest.Breakage{
		fsmtest.BreakReply, fsmtest.BreakMidway, fsmtest.BreakHalf, fsmtest.BreakGarbage, fsmtest.BreakHTML, fsmtest.BreakStatus, fsmtest.BreakRedirect,
	} {
		r := newRun(t)
		r.breakNext(b)
		require.Equal(t, "captcha because of captcha_requested", r.answer(password), b)
		require.Equal(t, "query_password because of query_password_requested", r.answer(code), b)
		require.Equal(t, 1, r.arrived(password), b)
	}
}

// Where the look fails too the outcome is unknown. The next answer finds out
// where the task really is, and is not used up by it.
func TestWhatCantBeLookedUpIsUnknownUntilTheNextAnswer(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	r.breakNext(fsmtest.BreakReply)
	r.mu.Lock()
	r.breakGet = 1
	r.mu.Unlock()
	require.Equal(t, "password because of outcome_unknown", r.answer(password))
	require.Equal(t, 1, r.arrived(password))
	require.Equal(t, "captcha because of captcha_requested", r.answer("999999"), "it was taken after all")
	require.Equal(t, "query_password because of query_password_requested", r.answer(code))
}

// The look shows the round that was answered: the answer may arrive yet.
func TestAnAnswerThatWasNotTakenIsUnknownAndNotSentAgain(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	r.breakNext(notTaken)
	require.Equal(t, "password because of outcome_unknown", r.answer(password))
	require.Equal(t, 1, r.arrived(password))
	require.Equal(t, "captcha because of captcha_requested", r.answer(password), "the person typed it again")
}

func TestAnAnswerToWhatIsNotAskedTellsWhatIs(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := client(t, v)
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.NoError(t, err)
	reply, err := c.Collect(t.Context(), request(carrierfsm.InputCaptcha, receipt, code))
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ProcessCode("10003"), reply.Code, "the password")
	require.Equal(t, "1", string(reply.Cursor))
}

// late is a context whose deadline is found to be over only when the
// connection stands: the process stood still meanwhile.
type late struct {
	context.Context //nolint:containedctx // it is one
	looks           int
}

func (l *late) Deadline() (time.Time, bool) {
	l.looks++
	return time.Now().Add(-time.Hour), l.looks > 1
}

func TestAProcessThatStoodStillSendsNothing(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	_, err := client(t, v).Apply(&late{Context: t.Context()}, carrierfsm.Application{Form: fsmtest.Form()})
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	require.Zero(t, v.count("POST"))
}

func TestNoErrorRepeatsTheAnswer(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := client(t, v)
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.NoError(t, err)
	v.breakNext(parrot)
	v.breakGet = 1
	_, err = c.Collect(t.Context(), request(carrierfsm.InputPassword, receipt, password))
	require.Error(t, err)
	for _, value := range []string{password, theKey, receipt.Token} {
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), value)
	}
}

func TestAPollThatFailsIsNoOutcome(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	r.mu.Lock()
	r.breakGet = 5
	r.mu.Unlock()
	require.Equal(t, "captcha because of captcha_requested", r.answer(password))
	require.Equal(t, 5+1, r.count("GET"), "the task went on meanwhile")
}

// The call ends while the task crawls. The next answer is not used up: the task
// is in another round, and the call waits until it asks for something.
func TestATaskThatCrawlsForTooLongIsUnknownAndCarriesOn(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := client(t, v)
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.NoError(t, err)
	v.crawl(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v.watch(func(looks int) {
		if looks == 3 {
			cancel()
		}
	})
	_, err = c.Collect(ctx, request(carrierfsm.InputPassword, receipt, password))
	require.Error(t, err)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
	v.crawl(false)
	reply, err := c.Collect(t.Context(), request(carrierfsm.InputPassword, receipt, "999999"))
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ProcessCode("10002"), reply.Code)
	require.Equal(t, 1, v.arrived(password))
}

func TestACodeIsAskedForAgain(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := client(t, v)
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.NoError(t, err)
	v.put(receipt.Token, "WAIT_CODE")
	reply, err := c.Collect(t.Context(), request(carrierfsm.InputResendCaptcha, receipt, ""))
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ProcessCode("10002"), reply.Code)
	require.Equal(t, "2", string(reply.Cursor))
}

func TestWhatIsNoRefusalOfTheInputEndsNothing(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c, err := secondvendor.New(secondvendor.Config{BaseURL: v.URL, Key: carrierfsm.NewSecret("wrong")})
	require.NoError(t, err)
	_, err = c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.Error(t, err)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
	r := request(carrierfsm.InputPassword, carrierfsm.Receipt{Token: "00000000000000000000000000000099"}, password)
	_, err = c.Collect(t.Context(), r)
	require.Error(t, err, "the key is wrong")
	reply, err := client(t, v).Collect(t.Context(), r)
	require.NoError(t, err)
	require.False(t, reply.Success)
	require.Equal(t, "no such task", reply.Content)
}

func TestAServerThatIsNotTrustedIsSentNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	c, err := secondvendor.New(secondvendor.Config{BaseURL: server.URL, Key: carrierfsm.NewSecret(theKey)})
	require.NoError(t, err)
	_, err = c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
}

func TestNewRefusesWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	key := carrierfsm.NewSecret(theKey)
	for _, cfg := range []secondvendor.Config{
		{Key: key},
		{BaseURL: "https://example.com"},
		{BaseURL: "http://example.com", Key: key},
		{BaseURL: "ftp://127.0.0.1", Key: key},
		{BaseURL: "https://u:p@example.com", Key: key},
	} {
		_, err := secondvendor.New(cfg)
		require.Error(t, err)
	}
}

func TestNothingOfTheClientPrintsItsKey(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := client(t, v)
	v.Close()
	_, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		text := fmt.Sprintf(format+format+format, c, *c, err)
		require.False(t, strings.Contains(text, theKey) || strings.Contains(text, fmt.Sprintf("%x", theKey)))
	}
}
