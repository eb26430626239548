package carrierfsm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

var inputKinds = []InputKind{
	InputApply, InputPassword, InputQueryPassword, InputCaptcha, InputResendCaptcha,
	InputRequestReset, InputResetCaptcha, InputSkipSource, InputCancel,
}

// expectedInputs are the inputs that each prompt takes, one column for each
// of inputKinds: + taken, . not awaited.
var expectedInputs = map[PromptKind]string{
	//                   apply password query captcha resend reset code skip cancel
	PromptApplication:   "+ . . . . . . . +",
	PromptPassword:      ". + . . . + . + +",
	PromptQueryPassword: ". . + . . . . + +",
	PromptCaptcha:       ". . . + + . . + +",
	PromptSecondCaptcha: ". . . + + . . + +",
	PromptOwnSMS:        ". . . + . . . + +", // another code needs another message of the person's own
	PromptResetCaptcha:  ". + . . + . + + +", // a password leaves the reset
}

// The verdict in the order in which it is looked for: ended, canceled, under
// way, older, newer, not awaited.
func TestAnInputIsTakenOnlyWhereItsOwnPromptIsAsked(t *testing.T) {
	t.Parallel()
	now := after(2 * time.Minute)
	for ask, row := range expectedInputs {
		taken := strings.Fields(row)
		require.Len(t, taken, len(inputKinds))
		for i, kind := range inputKinds {
			for _, inFlight := range []bool{false, true} {
				for _, shift := range []int{-1, 0, 1} {
					o := standing(ask)
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
	for _, o := range []Opened{ended(Done, CollectionStarted), ended(Failed, VerificationRejected), ended(Failed, Erased)} {
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
		o := standing(c.ask)
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
			o := standing(ask)
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

func TestAPasswordTypedBesideACodeCountsForBoth(t *testing.T) {
	t.Parallel()
	in := Captcha{Step: coreStep, Code: NewSecret("500001"), Password: NewSecret("246810")}
	o := standing(PromptCaptcha)
	o.Attempts = o.Attempts.Put(PromptPassword, 1)
	require.NoError(t, o.Refuse(in, after(0), DefaultLimits()))
	next := o.Intend(in, after(0), after(coreTimeout), coreGrace)
	require.Empty(t, cmp.Diff(Tallied(map[PromptKind]int{PromptCaptcha: 1, PromptPassword: 2}), next.Attempts))
	require.Equal(t, coreStep, next.PasswordStep)
	given := next.Settle(Faulted(FaultNotSent), after(time.Second), DefaultLimits())
	require.Empty(t, cmp.Diff(Tallied(map[PromptKind]int{PromptCaptcha: 0, PromptPassword: 1}), given.Attempts), "both are given back")

	o.Attempts = o.Attempts.Put(PromptPassword, 2)
	require.ErrorIs(t, o.Refuse(in, after(0), DefaultLimits()), ErrTooMany)
	in.Password = Secret{}
	require.NoError(t, o.Refuse(in, after(0), DefaultLimits()), "the code alone is still taken")
}

func TestAnIntentSpendsTheAttemptAndIsNoStep(t *testing.T) {
	t.Parallel()
	calls := map[InputKind]Call{
		InputApply: CallApply, InputPassword: CallCollect, InputQueryPassword: CallCollect,
		InputCaptcha: CallCollect, InputResendCaptcha: CallResend, InputResetCaptcha: CallReset,
	}
	for ask, kind := range answerOf {
		before := standing(ask)
		o := submitted(before, kind)
		require.Equal(t, before.Version+1, o.Version)
		require.Equal(t, before.Step, o.Step)
		require.Equal(t, before.State, o.State)
		require.Equal(t, before.Ask, o.Ask)
		require.Equal(t, 1, o.Attempts.Of(ask))
		require.Empty(t, before.Attempts, "the old value is left as it was")
		require.Nil(t, before.Intent)
		deadline := after(2*time.Minute + coreTimeout)
		require.Empty(t, cmp.Diff(&Intent{
			Version: o.Version, Call: calls[kind], Input: kind, At: after(2 * time.Minute), Deadline: deadline, Counted: []PromptKind{ask},
		}, o.Intent))
		require.Equal(t, deadline.Add(coreGrace), o.Due, "every other timer waits")
		require.Equal(t, "13800138000", o.Account)
		require.Equal(t, "test-1", o.Consent.Policy)
	}
	resend := submitted(standing(PromptCaptcha), InputResendCaptcha)
	require.Equal(t, CallResend, resend.Intent.Call)
	require.Empty(t, resend.Intent.Counted, "a resend spends no answer")
	require.Empty(t, resend.Attempts)
}
