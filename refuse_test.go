package carrierfsm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

var inputKinds = []InputKind{
	InputApply, InputPassword, InputQueryPassword, InputCaptcha, InputResendCaptcha,
	InputRequestReset, InputResetCaptcha, InputSkipSource, InputCancel,
}

// expectedInputs are the inputs that each prompt accepts, a column for each of
// inputKinds: + accepted, . not awaited.
var expectedInputs = map[PromptKind]string{
	//                   apply password query captcha resend reset code skip cancel
	PromptApplication:   "+ . . . . . . . +",
	PromptPassword:      ". + . . . + . + +",
	PromptQueryPassword: ". . + . . . . + +",
	PromptCaptcha:       ". . . + + . . + +",
	PromptSecondCaptcha: ". . . + + . . + +",
	PromptOwnSMS:        ". . . + . . . + +", // the person texts for another code
	PromptResetCaptcha:  ". + . . + . + + +", // a password ends the reset
}

// The refusals in their order: ended, canceled, in flight, stale, not yet shown, not
// awaited.
func TestAnInputIsTakenOnlyWhereItsOwnPromptIsAsked(t *testing.T) {
	t.Parallel()
	now := after(2 * time.Minute)
	for ask, row := range expectedInputs {
		taken := strings.Fields(row)
		require.Len(t, taken, len(inputKinds))
		for i, kind := range inputKinds {
			for _, inFlight := range []bool{false, true} {
				for _, shift := range []int{-1, 0, 1} {
					o := prompted(ask)
					o.At.ResetMethod = ResetBySMS
					if inFlight {
						o.Intent = &Intent{Version: o.Version, At: coreStart, Deadline: after(coreTimeout)}
					}
					var want error
					switch {
					case kind == InputCancel:
					case inFlight:
						want = ErrInFlight
					case shift < 0:
						want = ErrStale
					case shift > 0:
						want = ErrInvalid
					case taken[i] == ".":
						want = ErrNotAwaited
					}
					got := o.Refuse(inputFor(kind, o.Step+shift), now, DefaultLimits())
					require.ErrorIs(t, got, want, "%s at %s, in flight %t, step %+d", kind, ask, inFlight, shift)
					if want == nil {
						require.NoError(t, got)
					}
				}
			}
		}
	}
	require.Len(t, expectedInputs, len(PromptKinds()))
}

func TestWhatHasEndedAwaitsNothing(t *testing.T) {
	t.Parallel()
	for _, o := range []Snapshot{ended(Done, CollectionStarted), ended(Failed, VerificationRejected), ended(Failed, Erased)} {
		for _, kind := range inputKinds {
			for _, shift := range []int{-1, 0, 1} {
				err := o.Refuse(inputFor(kind, o.Step+shift), after(0), DefaultLimits())
				require.ErrorIs(t, err, ErrNotAwaited, "%s in %s", kind, o.State)
			}
		}
	}
}

func TestAResendHasItsTimeAndItsNumber(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule    string
		ask     PromptKind
		at      time.Duration
		resends int
		want    error
	}{
		{"at once", PromptCaptcha, 0, 0, ErrTooSoon},
		{"a moment before its time", PromptCaptcha, time.Minute - 1, 0, ErrTooSoon},
		{"at its time", PromptCaptcha, time.Minute, 0, nil},
		{"of a second code, at its time", PromptSecondCaptcha, time.Minute, 0, nil},
		{"of a second code, too soon", PromptSecondCaptcha, 0, 0, ErrTooSoon},
		{"the last one", PromptCaptcha, time.Minute, 2, nil},
		{"one more than the last", PromptCaptcha, time.Minute, 3, ErrTooMany},
		{"too many and too soon", PromptCaptcha, 0, 3, ErrTooMany},
		{"of a code that the person texts for", PromptOwnSMS, time.Minute, 0, ErrNotAwaited},
		{"of a reset code", PromptResetCaptcha, time.Minute, 0, nil},
		{"of a password", PromptPassword, time.Minute, 0, ErrNotAwaited},
	}
	for _, c := range cases {
		o := prompted(c.ask)
		o.Resends = c.resends
		err := o.Refuse(ResendCaptcha{Step: o.Step}, after(c.at), DefaultLimits())
		require.ErrorIs(t, err, c.want, c.rule)
		if c.want == nil {
			require.NoError(t, err, c.rule)
			require.Equal(t, c.resends+1, submitted(o, InputResendCaptcha).Resends)
			require.Equal(t, 3-c.resends, o.Prompt(DefaultLimits()).Resend.Left, c.rule)
		}
		if errors.Is(c.want, ErrTooMany) || errors.Is(c.want, ErrNotAwaited) {
			require.Nil(t, o.Prompt(DefaultLimits()).Resend, c.rule)
		}
	}
}

func TestNoMoreAnswersThanTheLimit(t *testing.T) {
	t.Parallel()
	limits := map[PromptKind]int{
		PromptApplication: 3, PromptPassword: 2, PromptQueryPassword: 3,
		PromptCaptcha: 3, PromptSecondCaptcha: 3, PromptOwnSMS: 3, PromptResetCaptcha: 3,
	}
	for ask, limit := range limits {
		for n := range limit + 2 {
			o := prompted(ask)
			o.Attempts = o.Attempts.Put(ask, n)
			err := o.Refuse(inputFor(answerOf[ask], o.Step), after(0), DefaultLimits())
			require.Equal(t, max(0, limit-n), o.Prompt(DefaultLimits()).AttemptsLeft)
			if n < limit {
				require.NoError(t, err, "%s, %d of %d", ask, n, limit)
			} else {
				require.ErrorIs(t, err, ErrTooMany, "%s, %d of %d", ask, n, limit)
			}
		}
	}
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
		{"an unknown method", PromptPassword, 3, 0, ErrNotAwaited},
		{"at a query password", PromptQueryPassword, ResetBySMS, 0, ErrNotAwaited},
		{"at a code", PromptCaptcha, ResetBySMS, 0, ErrNotAwaited},
		{"in a reset", PromptResetCaptcha, ResetBySMS, 0, ErrNotAwaited},
	} {
		o := prompted(c.ask)
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
		require.Empty(t, asked.Attempts, "it spends no password attempt")
		back := asked.Settle(Faulted(FaultNotSent), after(3*time.Minute), DefaultLimits())
		require.Equal(t, c.resets, back.Resets, "what was not sent is given back")
		require.Equal(t, c.resets+1, asked.Settle(Faulted(FaultUnknown), after(3*time.Minute), DefaultLimits()).Resets)
	}
}

func TestANewPasswordGoesWithTheCodeWhereTheSourceWantsIt(t *testing.T) {
	t.Parallel()
	for method, wanted := range map[ResetMethod]bool{ResetBySMS: false, ResetWithNewPassword: true} {
		o := prompted(PromptResetCaptcha)
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
	require.False(t, prompted(PromptPassword).Prompt(DefaultLimits()).NeedsNewPassword)
}

// A skip does not name its source. Sent again after it was perhaps received, it would
// skip the next source.
func TestASkipThatWasPerhapsReceivedIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule string
		out  Outcome
		want error
	}{
		{"its reply is lost", Faulted(FaultUnknown), ErrTooMany},
		{"the upstream is still working", reply("0"), ErrTooMany},
		{"its reply is unknown", reply("10002"), ErrTooMany},
		{"the upstream refused it", Replied(Reply{}), nil},
		{"it was not sent", Faulted(FaultNotSent), nil},
		{"the next source follows", nextSource(), nil},
	} {
		d := submitted(prompted(PromptCaptcha), InputSkipSource).Settle(c.out, after(3*time.Minute), DefaultLimits())
		requireSkip(t, d.After(), c.want, c.rule)
	}
}

func TestASourceThatUpstreamSpeaksOfCanBeLeftOut(t *testing.T) {
	t.Parallel()
	doubtful := submitted(prompted(PromptPassword), InputSkipSource).Settle(Faulted(FaultUnknown), after(3*time.Minute), DefaultLimits()).After()
	requireSkip(t, doubtful, ErrTooMany, "to begin with")
	for _, c := range []struct {
		rule string
		out  Outcome
		want error
	}{
		{"a wrong password", reply("10003"), nil},
		{"a code was sent", reply("10002"), nil},
		{"the next source starts", nextSource(), nil},
		{"the outcome is unknown", Faulted(FaultUnknown), ErrTooMany},
		{"the upstream does not know", reply("0"), ErrTooMany},
		{"the reply is unknown", reply("19999"), ErrTooMany},
		{"nothing was sent", Faulted(FaultNotSent), ErrTooMany},
	} {
		d := submitted(doubtful, InputPassword).Settle(c.out, after(5*time.Minute), DefaultLimits())
		requireSkip(t, d.After(), c.want, c.rule)
	}
	d, due := submitted(doubtful, InputPassword).Overdue(after(9*time.Minute), DefaultLimits())
	require.True(t, due)
	requireSkip(t, d.After(), ErrTooMany, "given up")
}

func requireSkip(t *testing.T, o Snapshot, want error, rule string) {
	t.Helper()
	require.ErrorIs(t, o.Refuse(SkipSource{Step: o.Step}, after(5*time.Minute), DefaultLimits()), want, rule)
	require.Equal(t, want == nil, o.Prompt(DefaultLimits()).Skip, rule)
}
