package carrierfsm_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// The cursor that an adapter returns is its only memory.
func TestTheCursorOfAReplyComesBackWithTheNextRequest(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach()
	var got []string
	for _, cursor := range []string{"round 1", "round 2", "", "ignored"} {
		b.Upstream.Then(fsmtest.Func(func(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			got = append(got, string(r.Cursor))
			return carrierfsm.Reply{Success: true, Code: "10002", Cursor: []byte(cursor)}, nil
		}))
	}
	b.Must(b.Password("246810"))
	for range 3 {
		b.Must(b.Captcha("500001"))
	}
	require.Equal(t, []string{"", "round 1", "round 2", ""}, got)
}

func TestACallThatIsCutOffAtItsDeadlineIsUnknown(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.Func(func(ctx context.Context, _ carrierfsm.Request) (carrierfsm.Reply, error) {
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, 180*time.Second, time.Until(deadline))
			<-ctx.Done()
			return carrierfsm.Reply{}, ctx.Err()
		}))
		v := b.Must(b.Captcha("500001"))
		require.Equal(t, carrierfsm.OutcomeUnknown, v.Prompt.Reason)
		require.False(t, v.Prompt.Resend.At.After(time.Now()), "another code may be requested at once")
		require.Equal(t, 2, v.Prompt.AttemptsLeft, "the attempt is spent")
	})
}

func TestACallBeginsWithinFiveSecondsOfItsIntentOrNotAtAll(t *testing.T) {
	t.Parallel()
	// stalled submits a code in a process that stops between its intent and its call.
	stalled := func(b *fsmtest.Bench, d time.Duration) carrierfsm.Verification {
		slow := committing(b, func(commit func() error) error {
			err := commit()
			pass(d)
			return err
		})
		return b.Must(slow.Captcha("500001"))
	}
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		after := stalled(b, 5*time.Second+time.Microsecond)
		require.Equal(t, carrierfsm.UpstreamUnavailable, after.Prompt.Reason)
		require.Equal(t, 3, after.Prompt.AttemptsLeft, "the attempt is given back")
		require.Zero(t, b.Upstream.Arrivals("500001"))
	})
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.Code("10008"))
		require.Equal(t, carrierfsm.Done, stalled(b, 5*time.Second).State)
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
	})
}

func TestAResetAndASkipCarryTheirOwnSecretsAndNoServicePassword(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t, fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}))
	got := make(map[carrierfsm.InputKind][3]string) // password, code, new password
	for _, code := range []carrierfsm.ProcessCode{"10007", "10002", "11000", "10002", "10008"} {
		b.Upstream.Then(fsmtest.Func(func(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			var values [3]string
			for i, s := range []carrierfsm.Secret{r.Password, r.Captcha, r.NewPassword} {
				s.Use(func(value []byte) { values[i] = string(value) })
			}
			got[r.Input] = values
			return carrierfsm.Reply{Success: true, Code: code}, nil
		}))
	}
	b.Must(b.Apply())
	b.Must(b.Password("123456"))
	b.Must(b.RequestReset())
	b.Must(b.ResetCaptcha("500001", "864200"))
	b.Must(b.Password("864200")) // held for its code
	require.Equal(t, carrierfsm.Done, b.Must(b.SkipSource()).State)
	require.Equal(t, map[carrierfsm.InputKind][3]string{
		carrierfsm.InputPassword: {"864200"}, carrierfsm.InputRequestReset: {}, carrierfsm.InputResetCaptcha: {"", "500001", "864200"}, carrierfsm.InputSkipSource: {},
	}, got)
}

// The code of a reset is requested again as it was requested first.
func TestAResendIsRelayedAsTheRequestForItsCode(t *testing.T) {
	t.Parallel()
	last := func(b *fsmtest.Bench) carrierfsm.InputKind {
		b.Clock.Advance(time.Minute)
		b.Upstream.Then(fsmtest.Code("10002"))
		b.Must(b.Resend())
		calls := b.Upstream.Calls()
		return calls[len(calls)-1].Input
	}
	login := fsmtest.New(t)
	login.Reach("10002")
	require.Equal(t, carrierfsm.InputResendCaptcha, last(login))

	reset := fsmtest.New(t, fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Online: true, ResetMethod: carrierfsm.ResetBySMS}))
	reset.Must(reset.Apply())
	reset.Upstream.Then(fsmtest.Code("10002"))
	reset.Must(reset.RequestReset())
	require.Equal(t, carrierfsm.InputRequestReset, last(reset))
}

// An adapter may start goroutines of its own that end with the context.
func TestTheContextOfACallEndsWithIt(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach()
	var during error
	var call context.Context
	b.Upstream.Then(fsmtest.Func(func(ctx context.Context, _ carrierfsm.Request) (carrierfsm.Reply, error) {
		call, during = ctx, ctx.Err()
		return carrierfsm.Reply{Success: true, Code: "10002"}, nil
	}))
	b.Must(b.Password("246810"))
	require.NoError(t, during)
	require.ErrorIs(t, call.Err(), context.Canceled)
}
