package juxinli_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// run is one person's verification by a machine, this client and the simulated
// aggregator, over HTTP.
type run struct {
	*carrierfsm.Machine
	t         *testing.T
	simulator *simulator.Server
	data      *juxinli.Data
	person    simulator.Person
	clock     *fsmtest.Clock
	v         carrierfsm.Verification
}

func newRun(t *testing.T, key string, v3 bool, sources ...carrierfsm.SourceChoice) *run {
	t.Helper()
	r := &run{t: t, person: personOf(t, key), clock: fsmtest.NewClock()}
	r.simulator = simulator.New(simulator.Config{Now: r.clock.Now, ReportLag: time.Minute})
	server := httptest.NewServer(r.simulator)
	t.Cleanup(server.Close)
	r.data = newData(t, server.URL, func(cfg *juxinli.DataConfig) { cfg.Now = r.clock.Now })
	var err error
	r.Machine, err = carrierfsm.New(carrierfsm.Config{
		Numbers: budget.None(),
		Store:   memory.New(), Reporter: r.data, Now: r.clock.Now,
		Upstream: newClient(t, server.URL, func(cfg *juxinli.Config) { cfg.ApplicationsV3 = v3 }),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close(context.Background())) })
	r.v, err = r.Create(t.Context(), carrierfsm.NewVerification{})
	require.NoError(t, err)
	f := form(r.person)
	f.Sources = sources
	r.v, err = r.Submit(context.Background(), r.v.ID, carrierfsm.Apply{
		Form: f, Consent: carrierfsm.Consent{Policy: "test-1", At: time.Now(), Channel: "test"},
	})
	require.NoError(t, err)
	return r
}

// submit returns the next prompt, or the final state.
func (r *run) submit(in carrierfsm.Input) string {
	r.t.Helper()
	v, err := r.Submit(context.Background(), r.v.ID, in)
	require.NoError(r.t, err)
	r.v = v
	if v.Prompt == nil {
		return string(v.State) + " " + string(v.Reason)
	}
	return string(v.Prompt.Kind) + " " + string(v.Reason) + " " + v.Source.Website
}

func (r *run) password(value string) string {
	r.t.Helper()
	return r.submit(carrierfsm.Password{Step: r.v.Step, Password: carrierfsm.NewSecret(value)})
}

func (r *run) code() string {
	r.t.Helper()
	return r.submit(carrierfsm.Captcha{Step: r.v.Step, Code: carrierfsm.NewSecret(r.lastCode())})
}

func (r *run) requestReset() string {
	r.t.Helper()
	return r.submit(carrierfsm.RequestReset{Step: r.v.Step})
}

func (r *run) reset(code, newPassword string) string {
	r.t.Helper()
	return r.submit(carrierfsm.ResetCaptcha{Step: r.v.Step, Code: carrierfsm.NewSecret(code), NewPassword: carrierfsm.NewSecret(newPassword)})
}

func (r *run) skip() string {
	r.t.Helper()
	return r.submit(carrierfsm.SkipSource{Step: r.v.Step})
}

// lastCode returns the code that the phone received last.
func (r *run) lastCode() string {
	inbox := r.simulator.Inbox(r.person.Phone)
	return inbox[len(inbox)-1].Code
}

// requestsTo returns the requests to one of the calls, and checks that all requests
// have the same token.
func (r *run) requestsTo(call string) (list []simulator.Arrival) {
	tokens := make(map[string]bool)
	for _, a := range r.simulator.Requests() {
		if strings.Contains(a.Path, "/messages/") {
			tokens[a.Token] = true
		}
		if strings.HasSuffix(a.Path, call) {
			list = append(list, a)
		}
	}
	require.Len(r.t, tokens, 1)
	return list
}

func TestAWeakPasswordIsResetToAChosenOne(t *testing.T) {
	t.Parallel()
	r := newRun(t, "weak-resettable", false)
	require.Equal(t, "password reset_required chinamobilesh", r.password(r.person.Password))
	require.True(t, r.v.Prompt.Reset)
	require.Equal(t, "简单密码或初始密码无法登录", r.v.Prompt.Message)
	require.Equal(t, "reset_captcha reset_captcha_requested chinamobilesh", r.requestReset())
	require.True(t, r.v.Prompt.NeedsNewPassword)
	require.Equal(t, "reset_captcha new_password_rejected chinamobilesh", r.reset("000000", "12345a"))
	require.Equal(t, "reset_captcha captcha_rejected chinamobilesh", r.reset("000001", r.person.NewPassword))
	code := r.lastCode()
	require.Equal(t, "password password_reset chinamobilesh", r.reset(code, r.person.NewPassword))
	require.Equal(t, 2, r.v.Prompt.AttemptsLeft)
	require.Equal(t, "done collection_started", r.password(r.person.NewPassword))
	require.Equal(t, 1, r.simulator.Arrivals(code))
	require.Equal(t, 1, r.simulator.Arrivals(r.person.Password), "a reset does not send the old password")
	require.Len(t, r.requestsTo("reset/req"), 4)
}

func TestAForgottenPasswordIsResetToATextedOne(t *testing.T) {
	t.Parallel()
	r := newRun(t, "reset-by-sms", false)
	require.True(t, r.v.Prompt.Reset, "before any password")
	r.requestReset()
	require.False(t, r.v.Prompt.NeedsNewPassword)
	require.Equal(t, "password password_reset chinamobilehb", r.reset(r.lastCode(), ""))
	for _, a := range r.requestsTo("reset/req") {
		require.False(t, a.Password)
	}
	require.Equal(t, "captcha captcha_requested chinamobilehb", r.password(r.lastCode()))
	require.Equal(t, "done collection_started", r.code())
}

// The person is asked again after an unknown outcome; the next reply shows what
// upstream did.
func TestAResetWhoseReplyIsLost(t *testing.T) {
	t.Parallel()
	r := newRun(t, "weak-resettable", false)
	r.requestReset()
	r.simulator.FaultNext(simulator.DropAfterReading())
	require.Equal(t, "reset_captcha outcome_unknown chinamobilesh", r.reset(r.lastCode(), r.person.NewPassword))
	require.Equal(t, "done collection_started", r.password(r.person.NewPassword), "the reset had taken effect")
	require.Len(t, r.requestsTo("reset/req"), 2)
}

// Three sources, each with its own prompts; done only when all are collected.
func TestSelectedSourcesAreCollectedOneByOne(t *testing.T) {
	t.Parallel()
	r := newRun(t, "unicom", true, carrierfsm.SourceChoice{Name: "chinamobilesc"}, carrierfsm.SourceChoice{Name: "chinamobilebj", Category: "mobile"})
	require.Equal(t, "chinaunicom", r.v.Source.Website)
	require.Equal(t, "password password_requested chinamobilesc", r.password(r.person.Password))
	require.Equal(t, "password password_rejected chinamobilesc", r.password("000000"))
	require.Equal(t, 1, r.v.Prompt.AttemptsLeft)
	require.Equal(t, "captcha captcha_requested chinamobilesc", r.password(r.person.NextPassword))
	require.Equal(t, "second_captcha captcha_requested chinamobilesc", r.code())
	require.Equal(t, "password password_requested chinamobilebj", r.code())
	require.Equal(t, 2, r.v.Prompt.AttemptsLeft, "attempts count per source")
	require.Equal(t, "captcha captcha_requested chinamobilebj", r.password(r.person.NextPassword))
	require.Equal(t, "query_password query_password_requested chinamobilebj", r.code())
	require.Equal(t, carrierfsm.AwaitingPassword, r.v.State, "not done before the last source is")
	require.Equal(t, "done collection_started",
		r.submit(carrierfsm.QueryPassword{Step: r.v.Step, Password: carrierfsm.NewSecret(r.person.QueryPassword)}))
	requireSources(t, r, map[string]int{"chinaunicom": 3, "chinamobilesc": 5, "chinamobilebj": 4})
}

// requireSources compares how many steps of the history belong to each source.
func requireSources(t *testing.T, r *run, want map[string]int) {
	t.Helper()
	history, err := r.History(t.Context(), r.v.ID)
	require.NoError(t, err)
	got := make(map[string]int)
	for _, h := range history {
		if h.Detail.Source != "" {
			got[h.Detail.Source]++
		}
	}
	require.Equal(t, want, got)
}

func TestOneOfTwoSourcesIsSkipped(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		r := newRun(t, "plain", true, carrierfsm.SourceChoice{Name: "chinaunicom"})
		if first {
			r.password(r.person.Password)
			require.Equal(t, "password password_requested chinaunicom", r.skip())
			require.Equal(t, "done collection_started", r.password(r.person.NextPassword))
		} else {
			r.password(r.person.Password)
			require.Equal(t, "password password_requested chinaunicom", r.code())
			require.Equal(t, "done collection_started", r.skip())
		}
		require.Len(t, r.requestsTo("collect/skip"), 1)
	}
}

// The reply to a skip is lost. Upstream is at the second source by then, and a
// second skip would skip that one too.
func TestASkipWhoseReplyIsLostLosesNoSource(t *testing.T) {
	t.Parallel()
	r := newRun(t, "plain", true, carrierfsm.SourceChoice{Name: "chinaunicom"})
	r.simulator.FaultNext(simulator.DropAfterReading())
	require.Equal(t, "password outcome_unknown chinamobilejs", r.skip())
	require.False(t, r.v.Prompt.Skip)
	_, err := r.Submit(context.Background(), r.v.ID, carrierfsm.SkipSource{Step: r.v.Step})
	require.ErrorIs(t, err, carrierfsm.ErrTooMany)
	require.Equal(t, "password password_requested chinaunicom", r.password(r.person.Password), "the reply names the present source")
	require.Equal(t, "done collection_started", r.password(r.person.NextPassword))
	require.Len(t, r.requestsTo("collect/skip"), 1)
	require.Equal(t, 1, r.simulator.LoginAttempts(r.person.Phone))
}

func TestAChoiceOfSourcesNeedsVersion3(t *testing.T) {
	t.Parallel()
	c, sim, _ := newSimulated(t)
	f := form(personOf(t, "plain"))
	f.Sources = []carrierfsm.SourceChoice{{Name: "chinaunicom"}}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: c})
	require.NoError(t, err)
	v, err := m.Create(t.Context(), carrierfsm.NewVerification{})
	require.NoError(t, err)
	_, err = m.Submit(context.Background(), v.ID, carrierfsm.Apply{
		Form: f, Consent: carrierfsm.Consent{Policy: "test-1", At: time.Now(), Channel: "test"},
	})
	require.ErrorIs(t, err, juxinli.ErrNoChoice)
	_, err = c.Apply(t.Context(), carrierfsm.Application{Form: f})
	require.ErrorIs(t, err, juxinli.ErrNoChoice)
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	require.ErrorIs(t, newGuard(t, c, nil).Check(t.Context(), f), juxinli.ErrNoChoice)
	require.Zero(t, applications(sim))
	v, err = m.Get(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, 3, v.Prompt.AttemptsLeft)
}

// report_ready means that the report can be fetched: the job is done before its
// report exists, and the access token is refused meanwhile.
func TestAReportIsReadyWhenItCanBeFetched(t *testing.T) {
	t.Parallel()
	r := newRun(t, "unicom", false)
	require.Equal(t, "done collection_started", r.password(r.person.Password))
	for range 8 {
		r.clock.Advance(35 * time.Second)
		r.simulator.RevokeAccessTokens()
		_, err := r.Settle(t.Context())
		require.NoError(t, err)
		v, err := r.Get(t.Context(), r.v.ID)
		require.NoError(t, err)
		require.Equal(t, carrierfsm.Done, v.State)
		if v.Reason == carrierfsm.ReportReady {
			report, err := r.data.Report(t.Context(), v.Token)
			require.NoError(t, err)
			require.NotEmpty(t, report.JSON())
			return
		}
		state, err := r.data.Job(t.Context(), v.Token)
		require.NoError(t, err)
		require.Contains(t, []juxinli.JobState{juxinli.JobRunning, juxinli.JobDone}, state)
	}
	t.Fatal("the report does not become ready")
}
