package proof_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// numbers are those of a host.
func numbers(tb testing.TB) budget.Numbers {
	tb.Helper()
	n, err := budget.NewNumbers(bytes.Repeat([]byte("k"), 32))
	require.NoError(tb, err)
	return n
}

// keyOf is the key of the number of fsmtest.Form.
func keyOf(tb testing.TB) string {
	tb.Helper()
	key, err := numbers(tb).Key("13800138000")
	require.NoError(tb, err)
	return key
}

// counted returns a Bench whose machine counts what is done for numbers.
func counted(t *testing.T, limits budget.Limits) *fsmtest.Bench {
	t.Helper()
	return fsmtest.NewWith(t, carrierfsm.Config{Numbers: numbers(t), Budgets: limits})
}

// plenty are limits for tests that are not about them.
var plenty = budget.Limits{Passwords: 1000, QueryPasswords: 1000, Texts: 1000, Applications: 1000, Places: 1000}

// another returns a Bench for a further verification of the same person.
func another(b *fsmtest.Bench) *fsmtest.Bench { return b.Create(carrierfsm.NewVerification{}) }

// exceeded requires that a budget refused the input, and returns until when.
func exceeded(t *testing.T, err error, kind budget.Kind) time.Time {
	t.Helper()
	require.ErrorIs(t, err, carrierfsm.ErrTooMany)
	var over *budget.ExceededError
	require.ErrorAs(t, err, &over)
	require.Equal(t, kind, over.Kind)
	return over.Until
}

func countOf(t *testing.T, b *fsmtest.Bench, kind budget.Kind) int {
	t.Helper()
	l, err := b.Store.Ledger(t.Context(), keyOf(t))
	require.NoError(t, err)
	return l.Count(kind, budget.Day, b.Clock.Now())
}

// The attack: 30 verifications relayed 32 guesses at one number's password within a
// minute, until the operator locked it.
func TestANumberIsTriedWithTwoWrongPasswordsADayInAnyNumberOfVerifications(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{Applications: 100, Places: 100})
	b.Upstream.Otherwise(fsmtest.Code("10003"))
	guesses := func(until time.Time) {
		for i := range 30 {
			v := another(b)
			v.Must(v.Apply())
			for range 2 {
				if v.Get().Prompt == nil {
					break
				}
				if r, err := v.Password(fmt.Sprintf("%06d", i)); err != nil {
					require.Equal(t, until, exceeded(t, err, budget.Passwords))
					require.Equal(t, &budget.ExceededError{Kind: budget.Passwords, Until: until}, r.Prompt.Limited)
					require.Zero(t, r.Prompt.AttemptsLeft)
				}
			}
			require.NotContains(t, v.Events(), carrierfsm.CaptchaRequested)
		}
	}
	sent := func() (n int) {
		for _, c := range b.Upstream.Calls() {
			if c.Input == carrierfsm.InputPassword {
				n++
			}
		}
		return n
	}
	next := b.Clock.Now().Add(budget.Day)
	guesses(next)
	require.Equal(t, 2, sent())
	b.Clock.Advance(budget.Day - time.Microsecond)
	guesses(next)
	require.Equal(t, 2, sent())
	b.Clock.Advance(time.Microsecond)
	guesses(next.Add(budget.Day))
	require.Equal(t, 4, sent(), "the next day")
}

// Some operators reject a password only after the code.
func TestAPasswordThatIsRejectedWithItsCodeIsCounted(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{Texts: 50, Applications: 50})
	b.Upstream.Otherwise(fsmtest.Code("10003"))
	rejected := 0
	for range 10 {
		v := another(b)
		v.Must(v.Apply())
		v.Upstream.Then(fsmtest.Code("10002"))
		if _, err := v.Password("246810"); err != nil {
			exceeded(t, err, budget.Passwords)
			break
		}
		_, err := v.Captcha("500001")
		require.NoError(t, err)
		rejected++
	}
	require.Equal(t, 2, rejected)
	b.Clock.Advance(budget.Day)
	v := another(b)
	v.Must(v.Apply())
	v.Must(v.Password("246810")) // takes the answer that is left
}

// The attack: 10 texts to a stranger's number within a minute, by apply, reset, cancel.
func TestANumberGetsSoManyTextsADayByWhateverRequest(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{Applications: 100})
	resets := 0
	for range 20 {
		v := another(b)
		v.Upstream.Then(fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Name: "上海移动", Online: true, ResetMethod: carrierfsm.ResetBySMS}))
		v.Must(v.Apply())
		if v.Get().Prompt.Reset {
			v.Upstream.Then(fsmtest.Code("10002"))
			v.Must(v.RequestReset())
			resets++
		} else {
			_, err := v.RequestReset()
			require.Equal(t, b.Clock.Now().Add(budget.Day), exceeded(t, err, budget.Texts))
		}
		v.Must(v.Cancel())
	}
	require.Equal(t, 7, resets)
	require.Equal(t, 7, countOf(t, b, budget.Texts), "the eighth is kept for the answer to a code")
}

func TestTheCodeOfTheLastTextCanBeAnswered(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{Texts: 3})
	b.Reach("10002")
	b.Clock.Advance(time.Minute)
	b.Upstream.Then(fsmtest.Code("10002"))
	v := b.Must(b.Resend())
	b.Clock.Advance(time.Minute)
	_, err := b.Resend()
	exceeded(t, err, budget.Texts)
	require.Equal(t, v.Updated.Add(budget.Day-time.Minute), b.Get().Prompt.Resend.At)
	require.Nil(t, b.Get().Prompt.Limited)
	b.Upstream.Then(fsmtest.Code("10001"))
	require.Equal(t, carrierfsm.PromptSecondCaptcha, b.Must(b.Captcha("500001")).Prompt.Kind)
	require.Equal(t, 3, countOf(t, b, budget.Texts))
	require.NotNil(t, b.Get().Prompt.Limited)
	_, err = b.Captcha("500002")
	exceeded(t, err, budget.Texts)
}

func TestARightPasswordAndARequestThatWasNotSentAreGivenBack(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{})
	for range 5 {
		v := another(b)
		v.Upstream.Then(fsmtest.NotSent())
		v.Must(v.Apply())
		v.Upstream.Then(fsmtest.NotSent())
		v.Must(v.Apply())
		require.Zero(t, countOf(t, b, budget.Applications))
		v.Must(v.Cancel())
	}
	b.Reach()
	for range 2 {
		b.Upstream.Then(fsmtest.NotSent())
		b.Must(b.Password("246810"))
	}
	require.Zero(t, countOf(t, b, budget.Passwords))
	require.Zero(t, countOf(t, b, budget.Texts))
	b.Reach("10022", "10002", "10004", "10008")
	require.Equal(t, carrierfsm.Done, b.Get().State)
	require.Zero(t, countOf(t, b, budget.Passwords))
	require.Zero(t, countOf(t, b, budget.QueryPasswords))
	require.Equal(t, 1, countOf(t, b, budget.Texts))
	require.Equal(t, 1, countOf(t, b, budget.Applications))
}

func TestAnUnknownOutcomeStaysCountedUntilALateReplyShowsWhatItWas(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{})
	b.Reach()
	held, gate := fsmtest.Held(fsmtest.IgnoreContext(fsmtest.Code("10002")))
	b.Upstream.Then(held)
	done := make(chan error, 1)
	go func() { _, err := b.Password("246810"); done <- err }()
	<-gate.Arrived()
	require.Equal(t, 1, countOf(t, b, budget.Passwords), "before the reply")
	b.Clock.Advance(200 * time.Second)
	b.Settle()
	require.Equal(t, 1, countOf(t, b, budget.Passwords))
	require.Equal(t, 1, countOf(t, b, budget.Texts))
	gate.Open()
	require.NoError(t, <-done)
	require.Equal(t, carrierfsm.PromptCaptcha, b.Get().Prompt.Kind)
	require.Zero(t, countOf(t, b, budget.Passwords))
	require.Equal(t, 1, countOf(t, b, budget.Texts))
}

func TestWhatIsCountedOutlastsCancelErasePurgeAndRestart(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{})
	for range 2 {
		v := another(b)
		v.Reach("10003")
		v.Must(v.Cancel())
		require.NoError(t, v.Machine.Erase(t.Context(), v.ID))
	}
	require.NotContains(t, fmt.Sprint(b.Record()), "13800138000")
	_, _, err := b.Machine.Purge(t.Context(), b.Clock.Now().Add(time.Hour))
	require.NoError(t, err)
	b.Restart()
	v := another(b).Replica()
	v.Reach()
	_, err = v.Password("246810")
	exceeded(t, err, budget.Passwords)
	require.Equal(t, &budget.ExceededError{Kind: budget.Passwords, Until: b.Clock.Now().Add(budget.Day)}, v.Get().Prompt.Limited, "after a reload")
	b.Clock.Advance(26 * time.Hour)
	n, err := b.Store.PurgeLedgers(t.Context(), b.Clock.Now(), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n, "the hash goes when its window is over")
}

// A verification that failed says when another one of the number gets further.
func TestTheEndSaysUntilWhenTheNumberIsLimited(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{})
	v := another(b)
	v.Reach("10003")
	until := b.Clock.Now().Add(budget.Day)
	b.Clock.Advance(time.Minute)
	b.Upstream.Then(fsmtest.Code("10003"))
	ended := v.Must(v.Password("000000"))
	require.Equal(t, carrierfsm.AttemptsExhausted, ended.Reason)
	want := &budget.ExceededError{Kind: budget.Passwords, Until: until}
	require.Equal(t, want, ended.End.Limited)
	require.Equal(t, want, v.Get().End.Limited)

	canceled := another(b)
	canceled.Must(canceled.Apply())
	canceled.Must(canceled.Cancel())
	require.Equal(t, want, canceled.Get().End.Limited)
	b.Clock.Advance(budget.Day)
	require.Nil(t, v.Get().End.Limited)

	replaced := b.Create(carrierfsm.NewVerification{Key: keyOf(t)})
	b.Create(carrierfsm.NewVerification{Key: keyOf(t)})
	require.Equal(t, carrierfsm.End{Prompt: carrierfsm.PromptApplication, Replaced: true}, replaced.Get().End)
}

// The attack: a stranger who applied with a number blocked its owner for 30 minutes,
// and the refusal told anybody that the number was verifying.
func TestAStrangerNeitherBlocksANumberNorLearnsThatItIsInUse(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{Places: 2, Applications: 50})
	stranger := b.Create(carrierfsm.NewVerification{Key: keyOf(t)})
	stranger.Must(stranger.Apply())
	owner := b.Create(carrierfsm.NewVerification{Key: keyOf(t)})
	require.Equal(t, []carrierfsm.Event{carrierfsm.ApplicationAccepted, carrierfsm.PasswordRequested, carrierfsm.Canceled}, stranger.Events())
	require.Equal(t, keyOf(t), owner.Record().Key)
	owner.Reach("10002") // proves it
	for range 4 {
		v := b.Create(carrierfsm.NewVerification{Key: keyOf(t)})
		require.Empty(t, v.Record().Key, "there is no refusal")
		require.Equal(t, carrierfsm.AwaitingPassword, v.Must(v.Apply()).State)
	}
	require.Equal(t, 1, countOf(t, b, budget.Places))
	b.Upstream.Then(fsmtest.Code("10008"))
	require.Equal(t, carrierfsm.Done, owner.Must(owner.Captcha("500001")).State)

	// Without a Key the form takes the place.
	first, second, third, fourth := another(b), another(b), another(b), another(b)
	for _, v := range []*fsmtest.Bench{first, second, third} {
		v.Must(v.Apply())
	}
	require.Equal(t, carrierfsm.Failed, first.Get().State)
	require.Equal(t, carrierfsm.AwaitingPassword, second.Get().State, "two places a day were taken")
	fourth.Must(fourth.Apply())
	require.Equal(t, carrierfsm.AwaitingPassword, second.Get().State)
	require.Equal(t, 2, countOf(t, b, budget.Places))
}

func TestTheFormsNumberMustHaveTheVerificationsKey(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{})
	key, err := numbers(t).Key("13800138001")
	require.NoError(t, err)
	v := b.Create(carrierfsm.NewVerification{Key: key})
	_, err = v.Apply()
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	require.Empty(t, b.Upstream.Calls())
	form := fsmtest.Form()
	form.Phone = carrierfsm.NewSecret("+86 138-0013-8001")
	v.Must(v.Submit(carrierfsm.Apply{Form: form, Consent: fsmtest.Consent()}))
}

func TestAFormIsHandedInSoOftenADay(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{})
	for range 6 {
		v := another(b)
		v.Upstream.Then(fsmtest.Refuse("申请信息有误"))
		v.Must(v.Apply())
		v.Must(v.Cancel())
	}
	v := another(b)
	refused, err := v.Apply()
	require.Equal(t, b.Clock.Now().Add(budget.Day), exceeded(t, err, budget.Applications))
	require.NotNil(t, refused.Prompt.Limited)
	require.Empty(t, v.Events(), "a spend that is refused leaves no trace")
	require.Equal(t, int64(1), v.Record().Version)
}

func TestRunDeletesWhatIsCountedNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Numbers: numbers(t), Now: time.Now})
		b.Reach("10003")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Machine.Run(ctx) }()
		left := func() int {
			l, err := b.Store.Ledger(t.Context(), keyOf(t))
			require.NoError(t, err)
			return len(l.Stamps)
		}
		<-time.After(budget.Day - time.Second) // of the bubble
		require.Equal(t, 2, left(), "the form and the password")
		<-time.After(3 * time.Hour)
		require.Zero(t, left())
		stop()
		require.NoError(t, <-done)
	})
}

// A form that is over the limit ends no other verification of the number.
func TestAFormThatABudgetRefusesTakesNoPlace(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{Applications: 1})
	owner := another(b)
	owner.Must(owner.Apply())
	_, err := another(b).Apply()
	exceeded(t, err, budget.Applications)
	form := carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()}
	_, err = b.Machine.Begin(t.Context(), carrierfsm.NewVerification{ID: "begun", Key: keyOf(t)}, form)
	exceeded(t, err, budget.Applications)
	_, err = b.Machine.Get(t.Context(), "begun")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	require.Equal(t, carrierfsm.AwaitingPassword, owner.Get().State)
	require.Zero(t, countOf(t, b, budget.Places))
}

// A person is told of the attempts that the number has left, not the verification alone.
func TestAttemptsLeftAreThoseOfTheNumberToo(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{})
	b.Upstream.Otherwise(fsmtest.Code("10003"))
	first := another(b)
	first.Must(first.Apply())
	require.Equal(t, 2, first.Get().Prompt.AttemptsLeft)
	require.Equal(t, 1, first.Must(first.Password("111111")).Prompt.AttemptsLeft)
	first.Must(first.Cancel())
	second := another(b)
	require.Equal(t, 3, second.Get().Prompt.AttemptsLeft, "of six applications a day one was handed in")
	second.Must(second.Apply())
	require.Equal(t, 1, second.Get().Prompt.AttemptsLeft)
	after := second.Must(second.Password("222222")).Prompt
	require.Zero(t, after.AttemptsLeft)
	require.Equal(t, budget.Passwords, after.Limited.Kind)
}
