package carrierfsm_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// The password reset and the skipping of a source, as values; and what of them
// goes upstream.

func resettable(m ResetMethod) func(*Opened) {
	return func(o *Opened) { o.At.ResetMethod = m }
}

func TestAResetIsOfferedWhereTheSourceAllowsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule   string
		ask    PromptKind
		method ResetMethod
		resets int
		want   error
	}{
		{"by SMS", PromptPassword, ResetBySMS, 0, nil},
		{"with a new password", PromptPassword, ResetWithNewPassword, 0, nil},
		{"the last one", PromptPassword, ResetBySMS, 1, nil},
		{"one more than the last", PromptPassword, ResetBySMS, 2, ErrTooMany},
		{"a source that can't", PromptPassword, ResetNone, 0, ErrNotAwaited},
		{"a method that nobody knows", PromptPassword, 3, 0, ErrNotAwaited},
		{"at a query password", PromptQueryPassword, ResetBySMS, 0, ErrNotAwaited},
		{"at a code", PromptCaptcha, ResetBySMS, 0, ErrNotAwaited},
		{"in a reset", PromptResetCaptcha, ResetBySMS, 0, ErrNotAwaited},
	} {
		o := standing(c.ask)
		o.At.ResetMethod, o.Resets = c.method, c.resets
		err := o.Refuse(RequestReset{Step: o.Step}, after(0), DefaultLimits())
		require.ErrorIs(t, err, c.want, c.rule)
		require.Equal(t, err == nil, o.Prompt(DefaultLimits()).Reset, c.rule)
		if c.want != nil {
			continue
		}
		require.NoError(t, err, c.rule)
		asked := submitted(o, InputRequestReset)
		require.Equal(t, CallReset, asked.Intent.Call)
		require.Equal(t, c.resets+1, asked.Resets)
		require.Empty(t, asked.Attempts, "it spends no password")
		back := asked.Settle(Faulted(FaultNotSent), after(3*time.Minute), DefaultLimits())
		require.Equal(t, c.resets, back.Resets, "what was not sent is given back")
		require.Equal(t, c.resets+1, asked.Settle(Faulted(FaultUnknown), after(3*time.Minute), DefaultLimits()).Resets)
	}
}

func TestANewPasswordGoesWithTheCodeWhereTheSourceWantsIt(t *testing.T) {
	t.Parallel()
	for method, wanted := range map[ResetMethod]bool{ResetBySMS: false, ResetWithNewPassword: true} {
		o := standing(PromptResetCaptcha)
		o.At.ResetMethod = method
		require.Equal(t, wanted, o.Prompt(DefaultLimits()).NeedsNewPassword)
		bare := ResetCaptcha{Step: o.Step, Code: NewSecret("500001")}
		full := ResetCaptcha{Step: o.Step, Code: NewSecret("500001"), NewPassword: NewSecret("864200")}
		right, wrong := bare, full
		if wanted {
			right, wrong = full, bare
		}
		require.NoError(t, o.Refuse(right, after(0), DefaultLimits()))
		require.ErrorIs(t, o.Refuse(wrong, after(0), DefaultLimits()), ErrInvalid)
	}
	require.False(t, standing(PromptPassword).Prompt(DefaultLimits()).NeedsNewPassword)
}

func TestWhatAResetLeadsTo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule  string
		ask   PromptKind
		input InputKind
		out   Outcome
		want  []Event
		state State
		next  PromptKind
	}{
		{"a code was sent", PromptPassword, InputRequestReset, said("10002"), []Event{ResetCaptchaRequested}, AwaitingCaptcha, PromptResetCaptcha},
		{"the code was right", PromptResetCaptcha, InputResetCaptcha, said("11000"), []Event{PasswordReset}, AwaitingPassword, PromptPassword},
		{"another code is wanted", PromptResetCaptcha, InputResetCaptcha, said("10001"), []Event{ResetCaptchaRequested}, AwaitingCaptcha, PromptResetCaptcha},
		{"a wrong code", PromptResetCaptcha, InputResetCaptcha, said("10004"), []Event{CaptchaRejected}, AwaitingCaptcha, PromptResetCaptcha},
		{"a code that was too old", PromptResetCaptcha, InputResetCaptcha, said("10006"), []Event{CaptchaReissued}, AwaitingCaptcha, PromptResetCaptcha},
		{"a bad new password", PromptResetCaptcha, InputResetCaptcha, said("10010"), []Event{NewPasswordRejected}, AwaitingCaptcha, PromptResetCaptcha},
		{"a bad new password, told otherwise", PromptResetCaptcha, InputResetCaptcha, said("11001"), []Event{NewPasswordRejected}, AwaitingCaptcha, PromptResetCaptcha},
		{"it failed", PromptResetCaptcha, InputResetCaptcha, said("31000"), []Event{ResetFailed}, Failed, ""},
		{"it failed for good", PromptResetCaptcha, InputResetCaptcha, said("30000"), []Event{ResetFailed}, Failed, ""},
		{"a request refused", PromptPassword, InputRequestReset, said("31000"), []Event{ResetFailed}, Failed, ""},
		{"nobody knows", PromptResetCaptcha, InputResetCaptcha, Faulted(FaultUnknown), []Event{OutcomeUnknown}, AwaitingCaptcha, PromptResetCaptcha},
		{"a request of which nobody knows", PromptPassword, InputRequestReset, said("0"), []Event{OutcomeUnknown}, AwaitingPassword, PromptPassword},
		{"only 11000 is success", PromptResetCaptcha, InputResetCaptcha, said("10008"), []Event{ReplyUnrecognized}, AwaitingCaptcha, PromptResetCaptcha},
		{"a password leaves the reset", PromptResetCaptcha, InputPassword, said("10002"), []Event{CaptchaRequested}, AwaitingCaptcha, PromptCaptcha},
		{"a wrong one too", PromptResetCaptcha, InputPassword, said("10003"), []Event{PasswordRejected}, AwaitingPassword, PromptPassword},
		{"a source left out", PromptCaptcha, InputSkipSource, said("10008"), []Event{CollectionStarted}, Done, ""},
		{"a source left out, another follows", PromptCaptcha, InputSkipSource, nextSource(), []Event{SourceCollected, PasswordRequested}, AwaitingPassword, PromptPassword},
		{"a source that can't be left out", PromptSecondCaptcha, InputSkipSource, Replied(Reply{}), []Event{ReplyUnrecognized}, AwaitingCaptcha, PromptSecondCaptcha},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			o := standing(c.ask)
			o.At.ResetMethod = ResetBySMS
			o = submitted(o, c.input)
			d := o.Settle(c.out, after(3*time.Minute), DefaultLimits())
			require.Equal(t, c.want, happened(d))
			require.Equal(t, c.state, d.State)
			require.Equal(t, c.next, d.Ask)
			judgeSteps(t, o, d)
			for _, transition := range d.Transitions()[:1] {
				require.Equal(t, coreSource.Website, transition.Detail.Source)
			}
			if d.Ask == PromptResetCaptcha && c.want[0] == ResetCaptchaRequested {
				require.Equal(t, after(8*time.Minute), d.Code)
				require.Equal(t, after(4*time.Minute), d.ResendAt)
			}
		})
	}
}

// Where no reset is left, one that is too weak is the end: nothing that the
// person could do here would help.
func TestATooWeakPasswordIsTheEndWhereNoResetIsLeft(t *testing.T) {
	t.Parallel()
	for resets, want := range map[int]Event{0: ResetRequired, 1: ResetRequired, 2: ResetUnsupported} {
		o := standing(PromptPassword)
		o.At.ResetMethod, o.Resets = ResetBySMS, resets
		d := submitted(o, InputPassword).Settle(said("10007"), after(3*time.Minute), DefaultLimits())
		require.Equal(t, []Event{want}, happened(d))
		require.Equal(t, want == ResetUnsupported, d.State == Failed)
		require.Equal(t, ResetBySMS, d.At.ResetMethod, "the source is what it was")
	}
}

func TestAPasswordThatWasResetMayBeTriedAsOftenAsTheFirst(t *testing.T) {
	t.Parallel()
	o := submitted(answeringReset(t), InputResetCaptcha)
	d := o.Settle(said("11000"), after(3*time.Minute), DefaultLimits())
	require.Empty(t, d.Attempts)
	require.Zero(t, d.Resends)
	require.Equal(t, 1, d.Resets, "resets are counted on: nobody resets for ever")
}

func answeringReset(t *testing.T) Opened {
	t.Helper()
	o := standing(PromptResetCaptcha)
	resettable(ResetBySMS)(&o)
	o.Attempts, o.Resends, o.Resets = o.Attempts.Put(PromptPassword, 2), 2, 1
	return o
}

func TestWithoutPasswordsLeftAResetIsTheOnlyWayOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule   string
		method ResetMethod
		resets int
		out    Outcome
		ends   bool
	}{
		{"too weak, and it can be reset", ResetBySMS, 0, said("10007"), false},
		{"not known, and it can be reset", ResetBySMS, 0, Faulted(FaultUnknown), false},
		{"wrong: operators lock numbers", ResetBySMS, 0, said("10003"), true},
		{"too weak, and no resets are left", ResetBySMS, 2, said("10007"), true},
		{"not known, and it can't be reset", ResetNone, 0, Faulted(FaultUnknown), true},
	} {
		o := standing(PromptPassword)
		o.At.ResetMethod, o.Resets = c.method, c.resets
		o.Attempts = o.Attempts.Put(PromptPassword, 1)
		d := submitted(o, InputPassword).Settle(c.out, after(3*time.Minute), DefaultLimits())
		require.Equal(t, c.ends, d.State.Terminal(), c.rule)
		if !c.ends {
			require.Zero(t, d.After().Prompt(DefaultLimits()).AttemptsLeft, c.rule)
			require.True(t, d.After().Prompt(DefaultLimits()).Reset, c.rule)
		}
	}
}

// Upstream is not told which source to leave out: a skip that was perhaps
// received, made again, would leave out the next one.
func TestASkipThatWasPerhapsReceivedIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule string
		out  Outcome
		want error
	}{
		{"its reply is lost", Faulted(FaultUnknown), ErrTooMany},
		{"upstream may be at it still", said("0"), ErrTooMany},
		{"nobody understands what it said", said("10002"), ErrTooMany},
		{"upstream refused it", Replied(Reply{}), nil},
		{"it was not sent", Faulted(FaultNotSent), nil},
		{"the next source follows", nextSource(), nil},
	} {
		d := submitted(standing(PromptCaptcha), InputSkipSource).Settle(c.out, after(3*time.Minute), DefaultLimits())
		requireSkip(t, d.After(), c.want, c.rule)
	}
}

func TestASourceThatUpstreamSpeaksOfCanBeLeftOut(t *testing.T) {
	t.Parallel()
	doubtful := submitted(standing(PromptPassword), InputSkipSource).Settle(Faulted(FaultUnknown), after(3*time.Minute), DefaultLimits()).After()
	requireSkip(t, doubtful, ErrTooMany, "to begin with")
	for _, c := range []struct {
		rule string
		out  Outcome
		want error
	}{
		{"a wrong password", said("10003"), nil},
		{"a code was sent", said("10002"), nil},
		{"it begins another one", nextSource(), nil},
		{"nobody knows", Faulted(FaultUnknown), ErrTooMany},
		{"upstream does not know", said("0"), ErrTooMany},
		{"nobody understands it", said("19999"), ErrTooMany},
		{"nothing was sent", Faulted(FaultNotSent), ErrTooMany},
	} {
		d := submitted(doubtful, InputPassword).Settle(c.out, after(5*time.Minute), DefaultLimits())
		requireSkip(t, d.After(), c.want, c.rule)
	}
	d, due := submitted(doubtful, InputPassword).Overdue(after(9*time.Minute), DefaultLimits())
	require.True(t, due)
	requireSkip(t, d.After(), ErrTooMany, "given up")
}

func requireSkip(t *testing.T, o Opened, want error, rule string) {
	t.Helper()
	require.ErrorIs(t, o.Refuse(SkipSource{Step: o.Step}, after(5*time.Minute), DefaultLimits()), want, rule)
	require.Equal(t, want == nil, o.Prompt(DefaultLimits()).Skip, rule)
}

func TestAResetAndASkipCarryTheirOwnSecretsAndNoServicePassword(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t, fsmtest.AcceptAt(Source{Website: "chinamobilesh", Online: true, ResetMethod: ResetWithNewPassword}))
	got := make(map[InputKind][3]string) // password, code, new password
	for _, code := range []ProcessCode{"10007", "10002", "11000", "10002", "10008"} {
		b.Upstream.Then(fsmtest.Func(func(_ context.Context, r Request) (Reply, error) {
			var values [3]string
			for i, s := range []Secret{r.Password, r.Captcha, r.NewPassword} {
				s.Use(func(value []byte) { values[i] = string(value) })
			}
			got[r.Input] = values
			return Reply{Success: true, Code: code}, nil
		}))
	}
	b.Must(b.Apply())
	b.Must(b.Password("123456"))
	b.Must(b.RequestReset())
	b.Must(b.ResetCaptcha("500001", "864200"))
	b.Must(b.Password("864200")) // held for its code
	require.Equal(t, Done, b.Must(b.SkipSource()).State)
	require.Equal(t, map[InputKind][3]string{
		InputPassword: {"864200"}, InputRequestReset: {}, InputResetCaptcha: {"", "500001", "864200"}, InputSkipSource: {},
	}, got)
}
