package carrierfsm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// Whatever upstream answers, in whatever order, the person is asked what the
// API's description says, and upstream is sent what it says, once.
func TestTheMachineFollowsTheDescriptionOfTheAPI(t *testing.T) {
	server := newWire(t)
	met := make(map[asked]int)
	rapid.Check(t, func(t *rapid.T) {
		d := newDialogue(t, server)
		d.met = met
		t.Repeat(map[string]func(*rapid.T){
			"answers": d.answers, "answers again": d.answers, "asks for another code": d.resends, "resets": d.resets, "skips": d.skips,
			"clicks again": d.clicksAgain, "answers what is not asked": d.answersAnother,
		})
	})
	t.Logf("what was asked, and how often: %v", met)
	for _, ask := range []asked{askForm, askPassword, askQuery, askCode, askSecond, askCXXD, askSomeCode, askReset, collecting, over} {
		require.True(t, testing.Short() || met[ask] > 0, "nothing led to %q", ask)
	}
}

// dialogue is one application: the machine, and the model of what should be.
type dialogue struct {
	*rapid.T
	protocol
	m      *Machine
	wire   *wire
	now    time.Time
	codeAt time.Time // when the latest answer said that a code was sent
	v      Verification
	typed  int
	latest func() Input // the input that was sent last
	met    map[asked]int
	unsure bool // a skip was perhaps received
}

func newDialogue(t *rapid.T, server *wire) *dialogue {
	d := &dialogue{T: t, protocol: protocol{ask: askForm, phone: "13800138000"}, wire: server, now: coreStart}
	client, err := juxinli.New(juxinli.Config{BaseURL: server.url, Org: "DEMO"})
	require.NoError(t, err)
	const many, long = 1000, 1000 * time.Hour // what the description does not bound
	d.m, err = New(Config{
		Store: memory.New(), Upstream: client, Now: func() time.Time { return d.now },
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

// kindsOf are the prompts that ask for what the description wants.
var kindsOf = map[asked][]PromptKind{
	askForm: {PromptApplication}, askPassword: {PromptPassword}, askQuery: {PromptQueryPassword},
	askCode: {PromptCaptcha}, askSecond: {PromptSecondCaptcha}, askCXXD: {PromptOwnSMS},
	askSomeCode: {PromptCaptcha, PromptSecondCaptcha, PromptOwnSMS}, askReset: {PromptResetCaptcha},
}

// compare holds what the host is told against the model.
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
		require.NotNil(d, d.v.Prompt, "%s is to be asked, it stands at %s by %s", d.ask, d.v.State, d.v.Reason)
		require.Contains(d, kindsOf[d.ask], d.v.Prompt.Kind)
		require.Equal(d, d.at.Website, d.v.Source.Website)
		require.Equal(d, d.ask == askPassword && d.mayReset, d.v.Prompt.Reset, "a reset is offered where the source allows it")
		require.Equal(d, d.ask == askReset && d.at.ResetMethod == 2, d.v.Prompt.NeedsNewPassword)
	}
}

func (d *dialogue) ended() bool { return d.ask == collecting || d.ask == over }

// long tells whether the machine's own bound of fifty steps is near.
func (d *dialogue) long() bool { return d.v.Step > 40 }

// send hands in an input, with the answer that upstream will give, and sees
// that it led to the one request that the description asks for.
func (d *dialogue) send(in func() Input, want sent, a answer, took func(answer)) {
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
	took(a)
	if d.fresh {
		d.codeAt = d.now
	}
	d.v = v
	d.met[d.ask]++
	d.compare()
}

// refused hands in an input that must not be sent.
func (d *dialogue) refused(in Input, want ...error) {
	d.Helper()
	before := d.wire.plan(answer{success: true})
	_, err := d.m.Submit(context.Background(), "v1", in)
	require.Error(d, err)
	for _, w := range want {
		require.ErrorIs(d, err, w)
	}
	require.Empty(d, d.wire.since(before), "what is refused is not sent")
	d.v, err = d.m.Get(context.Background(), "v1")
	require.NoError(d, err)
	d.compare()
}

// secret is something that was never typed before.
func (d *dialogue) secret() string {
	d.typed++
	return fmt.Sprintf("%06d", d.typed)
}

// answers what is asked.
func (d *dialogue) answers(t *rapid.T) {
	d.T = t
	if d.ended() || d.long() {
		return
	}
	step, secret := d.v.Step, d.secret()
	switch d.ask {
	case askForm:
		at := drawSource(t)
		token := fmt.Sprintf("%032d", d.typed)
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
		chosen := ""
		if d.at.ResetMethod == 2 {
			chosen = d.secret()
		}
		d.send(func() Input {
			return ResetCaptcha{Step: step, Code: NewSecret(secret), NewPassword: NewSecret(chosen)}
		}, d.sendsResetCode(secret, chosen), drawReset(t), d.wasReset)
	default:
		d.send(func() Input { return Captcha{Step: step, Code: NewSecret(secret)} }, d.sendsCode(secret), drawReply(t), d.collected)
	}
}

// resends: 60 s after the code before, and not earlier.
func (d *dialogue) resends(t *rapid.T) {
	d.T = t
	if d.ended() || d.long() || d.v.Prompt.Resend == nil {
		require.False(d, d.ask == askCode || d.ask == askSecond, "a code may be sent again")
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
		if d.ask == askCode && ask.code() { // the same one, once more
			d.ask = askSomeCode
		}
	})
}

// resets the password, where the source lets it.
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

// skips the source. Whether a skip that was perhaps received may be repeated,
// the description does not say.
func (d *dialogue) skips(t *rapid.T) {
	d.T = t
	if d.ended() || d.long() || d.ask == askForm || d.unsure || rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
		return
	}
	step, a := d.v.Step, drawSkip(t)
	d.unsure = a.lost
	d.send(func() Input { return SkipSource{Step: step} }, d.sendsSkip(), a, d.skipped)
}

// clicksAgain: the same once more, when it has been answered already.
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

// answersAnother answers something else than what is asked.
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
