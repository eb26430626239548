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
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/examples/secondvendor"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(tb testing.TB, v *vendor) *secondvendor.Client {
	tb.Helper()
	c, err := secondvendor.New(secondvendor.Config{
		BaseURL: v.URL, Key: carrierfsm.NewSecret(institutionKey), Poll: time.Millisecond,
	})
	require.NoError(tb, err)
	return c
}

func TestSecondVendorKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestUpstream(t, func(tb testing.TB) fsmtest.UpstreamSubject {
		v := newVendor(tb)
		c := newClient(tb, v)
		application := carrierfsm.Application{Form: fsmtest.Form()}
		unknown := carrierfsm.Application{Form: carrierfsm.Form{Name: carrierfsm.NewSecret("无"), IDCard: carrierfsm.NewSecret("无"), Phone: carrierfsm.NewSecret("13800138098")}}
		return fsmtest.UpstreamSubject{
			Upstream:    c,
			Again:       func() carrierfsm.Upstream { return newClient(tb, v) },
			Application: application,
			Refused:     &unknown,
			Request: func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error) {
				receipt, err := c.Apply(tb.Context(), application)
				if err == nil {
					v.setPhase(fsmtest.Reveal(receipt.Token), phaseFor[kind])
				}
				return request(kind, receipt, secret), err
			},
			Break:    v.Break,
			Arrivals: v.Arrivals,
			Recovers: true,
		}
	})
}

// phaseFor is the phase in which a task accepts an input.
var phaseFor = map[carrierfsm.InputKind]string{
	carrierfsm.InputPassword: "WAIT_PASSWORD", carrierfsm.InputCaptcha: "WAIT_CODE",
	carrierfsm.InputResendCaptcha: "WAIT_CODE", carrierfsm.InputQueryPassword: "WAIT_QUERY_PASSWORD",
}

func request(kind carrierfsm.InputKind, to carrierfsm.Receipt, secret string) carrierfsm.Request {
	r := carrierfsm.Request{Input: kind, Token: to.Token, Website: to.Source.Website, Account: carrierfsm.NewSecret(phone)}
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
	t            *testing.T
	m            *carrierfsm.Machine
	verification carrierfsm.Verification
}

func newRun(t *testing.T) *run {
	t.Helper()
	r := &run{vendor: newVendor(t), t: t}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: newClient(t, r.vendor)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.Background())) })
	r.m = m
	r.verification, err = m.Create(t.Context(), carrierfsm.NewVerification{})
	require.NoError(t, err)
	r.submit(carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
	return r
}

func (r *run) submit(in carrierfsm.Input) {
	r.t.Helper()
	v, err := r.m.Submit(r.t.Context(), r.verification.ID, in)
	require.NoError(r.t, err)
	r.verification = v
}

// answer answers the prompt and returns the next one: "captcha because of …".
func (r *run) answer(value string) string {
	r.t.Helper()
	secret, step := carrierfsm.NewSecret(value), r.verification.Step
	switch r.verification.Prompt.Kind {
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
	if r.verification.Prompt == nil {
		return string(r.verification.State)
	}
	return fmt.Sprintf("%s because of %s", r.verification.Prompt.Kind, r.verification.Reason)
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
		require.Equal(t, 1, r.Arrivals(secret), secret)
	}
	require.Equal(t, 7, r.count("POST"))
	require.Equal(t, 6*3, r.count("GET"), "polls within the calls")
}

func TestALostReplyIsLookedUp(t *testing.T) {
	t.Parallel()
	for _, b := range []fsmtest.Breakage{
		fsmtest.BreakReply, fsmtest.BreakMidway, fsmtest.BreakHalf, fsmtest.BreakGarbage, fsmtest.BreakHTML, fsmtest.BreakStatus, fsmtest.BreakRedirect,
	} {
		r := newRun(t)
		r.Break(b)
		require.Equal(t, "captcha because of captcha_requested", r.answer(password), b)
		require.Equal(t, "query_password because of query_password_requested", r.answer(code), b)
		require.Equal(t, 1, r.Arrivals(password), b)
	}
}

// If the look-up fails too, the outcome is unknown. The next answer gets the
// present phase, and its secret is not used up.
func TestAFailedLookUpIsUnknownUntilTheNextAnswer(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	r.Break(fsmtest.BreakReply)
	r.mu.Lock()
	r.failingPolls = 1
	r.mu.Unlock()
	require.Equal(t, "password because of outcome_unknown", r.answer(password))
	require.Equal(t, 1, r.Arrivals(password))
	require.Equal(t, "captcha because of captcha_requested", r.answer("999999"), "the task had accepted the password")
	require.Equal(t, "query_password because of query_password_requested", r.answer(code))
}

// The look-up returns the same round, so the input may still arrive.
func TestAnIgnoredInputIsUnknownAndNotSentAgain(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	r.Break(fsmtest.BreakIgnored)
	require.Equal(t, "password because of outcome_unknown", r.answer(password))
	require.Equal(t, 1, r.Arrivals(password))
	require.Equal(t, "captcha because of captcha_requested", r.answer(password), "the person entered it again")
}

func TestAnUnexpectedInputReturnsThePresentPhase(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := newClient(t, v)
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.NoError(t, err)
	reply, err := c.Collect(t.Context(), request(carrierfsm.InputCaptcha, receipt, code))
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ProcessCode("10003"), reply.Code, "the code for the password")
	require.Equal(t, "1", string(reply.Cursor))
}

func TestNoErrorRepeatsTheResponse(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := newClient(t, v)
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.NoError(t, err)
	v.Break(fsmtest.BreakEcho)
	v.failingPolls = 1
	_, err = c.Collect(t.Context(), request(carrierfsm.InputPassword, receipt, password))
	require.Error(t, err)
	for _, value := range []string{password, institutionKey, fsmtest.Reveal(receipt.Token)} {
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), value)
	}
}

func TestAFailedPollIsRetried(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	r.mu.Lock()
	r.failingPolls = 5
	r.mu.Unlock()
	require.Equal(t, "captcha because of captcha_requested", r.answer(password))
	require.Equal(t, 5+3, r.count("GET"), "three successful polls after five failed ones")
}

// The call ends while the task crawls. The next answer is for an older round, so its
// secret is not used up, and the call returns the present phase.
func TestATaskThatCrawlsForTooLongIsUnknownAndRecovers(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := newClient(t, v)
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.NoError(t, err)
	v.setForever(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v.setOnPoll(func(polls int) {
		if polls == 3 {
			cancel()
		}
	})
	_, err = c.Collect(ctx, request(carrierfsm.InputPassword, receipt, password))
	require.Error(t, err)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
	v.setForever(false)
	reply, err := c.Collect(t.Context(), request(carrierfsm.InputPassword, receipt, "999999"))
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ProcessCode("10002"), reply.Code)
	require.Equal(t, 1, v.Arrivals(password))
}

func TestACodeIsResent(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := newClient(t, v)
	receipt, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.NoError(t, err)
	v.setPhase(fsmtest.Reveal(receipt.Token), "WAIT_CODE")
	reply, err := c.Collect(t.Context(), request(carrierfsm.InputResendCaptcha, receipt, ""))
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ProcessCode("10002"), reply.Code)
	require.Equal(t, "2", string(reply.Cursor))
}

func TestOnlyRefusalsOfTheInputAreReplies(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c, err := secondvendor.New(secondvendor.Config{BaseURL: v.URL, Key: carrierfsm.NewSecret("wrong")})
	require.NoError(t, err)
	_, err = c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.Error(t, err)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
	r := request(carrierfsm.InputPassword, carrierfsm.Receipt{Token: carrierfsm.NewSecret("00000000000000000000000000000099")}, password)
	_, err = c.Collect(t.Context(), r)
	require.Error(t, err, "the key is wrong")
	reply, err := newClient(t, v).Collect(t.Context(), r)
	require.NoError(t, err)
	require.False(t, reply.Success)
	require.Equal(t, "no such task", fsmtest.Reveal(reply.Content))
}

func TestNothingIsSentToAnUntrustedServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	c, err := secondvendor.New(secondvendor.Config{BaseURL: server.URL, Key: carrierfsm.NewSecret(institutionKey)})
	require.NoError(t, err)
	_, err = c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
}

func TestNewRefusesWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	key := carrierfsm.NewSecret(institutionKey)
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

func TestTheKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	c := newClient(t, v)
	v.Break(fsmtest.BreakConnection)
	_, err := c.Apply(t.Context(), carrierfsm.Application{Form: fsmtest.Form()})
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		text := fmt.Sprintf(format+format+format, c, *c, err)
		require.False(t, strings.Contains(text, institutionKey) || strings.Contains(text, fmt.Sprintf("%x", institutionKey)))
	}
}
