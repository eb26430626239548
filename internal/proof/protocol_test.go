package proof_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// For any answers of the upstream in any order, the person is asked, and the upstream
// is sent, what the description of the API says.
func TestTheMachineFollowsTheDescriptionOfTheAPI(t *testing.T) {
	server := newWire(t)
	count := make(map[asked]int)
	rapid.Check(t, func(t *rapid.T) {
		d := newDialogue(t, server)
		d.count = count
		t.Repeat(map[string]func(*rapid.T){
			"answers": d.answers, "answers again": d.answers, "asks for another code": d.resends, "resets": d.resets, "skips": d.skips,
			"clicks again": d.clicksAgain, "answers what is not asked": d.answersAnother,
		})
	})
	t.Logf("how often the person was asked for what: %v", count)
	for _, ask := range []asked{askForm, askPassword, askQuery, askCode, askSecond, askCXXD, askSomeCode, askReset, collecting, over} {
		require.True(t, testing.Short() || count[ask] > 0, "no run asks for %q", ask)
	}
}

// dialogue is one application: the machine and the model.
type dialogue struct {
	*rapid.T
	protocol
	m       *Machine
	wire    *wire
	now     time.Time
	codeAt  time.Time // when an answer said last that a code was sent
	v       Verification
	secrets int           // how many were made
	latest  func() Input  // the last input that was sent
	count   map[asked]int // of all dialogues
	unsure  bool          // the reply to a skip was lost
}

func newDialogue(t *rapid.T, server *wire) *dialogue {
	d := &dialogue{T: t, protocol: protocol{ask: askForm, phone: "13800138000"}, wire: server, now: time.Unix(1_900_000_000, 0).UTC()}
	client, err := juxinli.New(juxinli.Config{BaseURL: server.url, Org: "DEMO"})
	require.NoError(t, err)
	const many, long = 1000, 1000 * time.Hour // the description has no limits
	d.m, err = New(Config{
		Numbers: budget.None(), Store: memory.New(), Upstream: client, Now: func() time.Time { return d.now },
		Limits: Limits{
			Applications: many, Passwords: many, QueryPasswords: many, Captchas: many, Resends: many, Resets: many,
			CodeLife: long, IdleLife: long, Life: long,
		},
	})
	require.NoError(t, err)
	d.v, err = d.m.Create(context.Background(), NewVerification{ID: "v1"})
	require.NoError(t, err)
	d.compare()
	return d
}

// kindsOf are the prompts that ask for it.
var kindsOf = map[asked][]PromptKind{
	askForm: {PromptApplication}, askPassword: {PromptPassword}, askQuery: {PromptQueryPassword},
	askCode: {PromptCaptcha}, askSecond: {PromptSecondCaptcha}, askCXXD: {PromptOwnSMS},
	askSomeCode: {PromptCaptcha, PromptSecondCaptcha, PromptOwnSMS}, askReset: {PromptResetCaptcha},
}

// compare compares the verification with the model.
func (d *dialogue) compare() {
	d.Helper()
	switch d.ask {
	case collecting:
		require.Equal(d, Done, d.v.State)
		require.Nil(d, d.v.Prompt)
	case over:
		require.Equal(d, Failed, d.v.State)
		require.Nil(d, d.v.Prompt)
	default:
		require.NotNil(d, d.v.Prompt, "%s must be asked for, but it is %s by %s", d.ask, d.v.State, d.v.Reason)
		require.Contains(d, kindsOf[d.ask], d.v.Prompt.Kind)
		require.Equal(d, d.at.Website, d.v.Source.Website)
		require.Equal(d, d.ask == askPassword && d.mayReset, d.v.Prompt.Reset, "a reset is offered where the source allows it")
		require.Equal(d, d.ask == askReset && d.at.ResetMethod == 2, d.v.Prompt.NeedsNewPassword)
	}
}

func (d *dialogue) ended() bool { return d.ask == collecting || d.ask == over }

// long reports whether the machine's limit of fifty steps is near.
func (d *dialogue) long() bool { return d.v.Step > 40 }

// send submits an input, which the upstream will answer thus, and checks that it
// made the one request that the description demands.
func (d *dialogue) send(in func() Input, want sent, a answer, follow func(answer)) {
	d.Helper()
	d.latest = in
	before := d.wire.plan(a)
	v, err := d.m.Submit(context.Background(), "v1", in())
	require.NoError(d, err)
	got := d.wire.since(before)
	require.Len(d, got, 1, "one request a submission")
	require.Equal(d, want.path, got[0].path)
	for name, value := range want.fields {
		require.Equal(d, value, got[0].fields[name], "%s of %s", name, want.path)
	}
	follow(a)
	if d.fresh {
		d.codeAt = d.now
	}
	d.v = v
	d.count[d.ask]++
	d.compare()
}

// refused submits an input that must not be sent.
func (d *dialogue) refused(in Input, want ...error) {
	d.Helper()
	before := d.wire.plan(answer{success: true})
	_, err := d.m.Submit(context.Background(), "v1", in)
	require.Error(d, err)
	for _, w := range want {
		require.ErrorIs(d, err, w)
	}
	require.Empty(d, d.wire.since(before), "a refused input is not sent")
	d.v, err = d.m.Get(context.Background(), "v1")
	require.NoError(d, err)
	d.compare()
}

// secret returns a value that was not used before.
func (d *dialogue) secret() string {
	d.secrets++
	return fmt.Sprintf("%06d", d.secrets)
}

// answers submits what is asked for.
func (d *dialogue) answers(t *rapid.T) {
	d.T = t
	if d.ended() || d.long() {
		return
	}
	step, secret := d.v.Step, d.secret()
	switch d.ask {
	case askForm:
		at := drawSource(t)
		token := fmt.Sprintf("%032d", d.secrets)
		a := drawReceipt(t)
		d.wire.receipt(token, at)
		d.send(func() Input { return application(step) }, sent{pathForm, map[string]string{"cell_phone_num": d.phone}}, a,
			func(a answer) { d.received(a, token, at) })
	case askPassword:
		want := d.sendsPassword(secret)
		d.send(func() Input { return Password{Step: step, Password: NewSecret(secret)} }, want, drawReply(t), d.collected)
	case askQuery:
		d.send(func() Input { return QueryPassword{Step: step, Password: NewSecret(secret)} }, d.sendsQuery(secret), drawReply(t), d.collected)
	case askReset:
		newPassword := ""
		if d.at.ResetMethod == 2 {
			newPassword = d.secret()
		}
		d.send(func() Input {
			return ResetCaptcha{Step: step, Code: NewSecret(secret), NewPassword: NewSecret(newPassword)}
		}, d.sendsResetCode(secret, newPassword), drawReset(t), d.wasReset)
	default:
		d.send(func() Input { return Captcha{Step: step, Code: NewSecret(secret)} }, d.sendsCode(secret), drawReply(t), d.collected)
	}
}

// resends requests another code, 60 s after the last one and not earlier.
func (d *dialogue) resends(t *rapid.T) {
	d.T = t
	if d.ended() || d.long() {
		return
	}
	if d.v.Prompt.Resend == nil {
		require.False(d, d.ask == askCode || d.ask == askSecond, "another code can be requested")
		return
	}
	step := d.v.Step
	in := func() Input { return ResendCaptcha{Step: step} }
	if d.fresh && d.now.Before(d.codeAt.Add(time.Minute)) {
		d.refused(in(), ErrTooSoon)
	}
	d.now = d.now.Add(time.Minute)
	if d.ask == askReset {
		d.send(in, d.sendsResend(), drawReset(t), d.wasReset)
		return
	}
	a, ask := drawReply(t), d.ask
	d.send(in, d.sendsResend(), a, func(a answer) {
		d.collected(a)
		if d.ask == askCode && ask.code() { // the same code again
			d.ask = askSomeCode
		}
	})
}

// resets requests a reset of the password.
func (d *dialogue) resets(t *rapid.T) {
	d.T = t
	step := d.v.Step
	in := func() Input { return RequestReset{Step: step} }
	switch {
	case d.long() || step == 0:
	case d.ask == askPassword && d.mayReset:
		d.send(in, d.sendsReset(), drawReset(t), d.wasReset)
	default:
		d.refused(in(), ErrNotAwaited)
	}
}

// skips skips the source. The description does not say whether a skip whose reply was
// lost may be repeated.
func (d *dialogue) skips(t *rapid.T) {
	d.T = t
	if d.ended() || d.long() || d.ask == askForm || d.unsure || rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
		return
	}
	step, a := d.v.Step, drawSkip(t)
	d.unsure = a.lost
	d.send(func() Input { return SkipSource{Step: step} }, d.sendsSkip(), a, d.skipped)
}

// clicksAgain submits the last input again.
func (d *dialogue) clicksAgain(t *rapid.T) {
	d.T = t
	switch {
	case d.latest == nil:
	case d.ended():
		d.refused(d.latest(), ErrNotAwaited)
	default:
		d.refused(d.latest(), ErrStale)
	}
}

// answersAnother submits something else than what is asked for.
func (d *dialogue) answersAnother(t *rapid.T) {
	d.T = t
	if d.v.Step == 0 {
		return
	}
	secret := NewSecret(d.secret())
	switch {
	case d.ask.code() || d.ask == askReset:
		d.refused(QueryPassword{Step: d.v.Step, Password: secret}, ErrNotAwaited)
	default:
		d.refused(Captcha{Step: d.v.Step, Code: secret}, ErrNotAwaited)
	}
}
