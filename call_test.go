//go:debug panicnil=1

package carrierfsm_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
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

// A store keeps words as columns, and a website must be sent back unchanged.
func TestAWebsiteThatIsNoneIsNeverStored(t *testing.T) {
	t.Parallel()
	for _, website := range []string{"\x00", "chinamobile\x00js", "\xff", "china mobile", "中国移动", "a/b", "a\nb", strings.Repeat("x", 65)} {
		b := fsmtest.New(t, fsmtest.Accept(website))
		v := b.Must(b.Apply())
		require.Equal(t, carrierfsm.OutcomeUnknown, v.Reason, "%q", website)
		require.Empty(t, b.Record().Source)

		b = fsmtest.New(t)
		b.Reach()
		b.Upstream.Then(fsmtest.Next(website))
		v = b.Must(b.Password("246810"))
		require.Equal(t, carrierfsm.OutcomeUnknown, v.Reason, "%q", website)
		require.Equal(t, "chinamobilejs", b.Record().Source)
	}
	longest := strings.Repeat("a.B-_xyz", 8)
	b := fsmtest.New(t, fsmtest.Accept(longest))
	require.Equal(t, longest, b.Must(b.Apply()).Source.Website)
}

func TestATokenThatCantBeSentBackUnchangedIsNeverStored(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"\x00", "token\xff", "token\n", strings.Repeat("x", 513)} {
		receipt := carrierfsm.Receipt{Accepted: true, Token: carrierfsm.NewSecret(token), Source: carrierfsm.Source{Website: "chinamobilejs", Online: true}}
		m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: receiving{receipt}})
		require.NoError(t, err)
		_, err = m.Create(t.Context(), carrierfsm.NewVerification{ID: "v1"})
		require.NoError(t, err)
		v, err := m.Submit(t.Context(), "v1", application(0))
		require.NoError(t, err)
		require.Equal(t, carrierfsm.OutcomeUnknown, v.Reason, "%q", token)
	}
}

// receiving is an upstream with this answer to an application.
type receiving struct{ receipt carrierfsm.Receipt }

func (r receiving) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return r.receipt, nil
}

func (receiving) Collect(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
	return carrierfsm.Reply{}, carrierfsm.ErrNotSent
}

func TestACursorThatNoStoreHasToTakeIsNeverStored(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]carrierfsm.Event{4096: carrierfsm.CaptchaRequested, 4097: carrierfsm.OutcomeUnknown} {
		b := fsmtest.New(t)
		b.Reach()
		b.Upstream.Then(fsmtest.Reply(carrierfsm.Reply{Success: true, Code: "10002", Cursor: make([]byte, size)}))
		require.Equal(t, want, b.Must(b.Password("246810")).Reason)
		require.Less(t, len(b.Record().Body), 1<<20, "what every store takes")
	}
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

// A process that stops between its intent and its call may find its clock set,
// by an hour or by less, in either direction. Another replica may have settled
// the call meanwhile.
func TestACallIsNotBegunLateByEitherClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ stopped, set time.Duration }{
		"stopped, and the wall clock was set back":                       {6 * time.Second, -time.Hour},
		"stopped, and the wall clock was set back by as long":            {6 * time.Second, -6 * time.Second},
		"the wall clock advanced and the monotonic one did not":          {0, 6 * time.Second},
		"the wall clock was set back by more than a call may wait":       {0, -6 * time.Second},
		"stopped for longer than the call may take, wall clock set back": {4 * time.Minute, -4 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
				var set time.Duration
				stopped := committing(b, func(commit func() error) error {
					err := commit()
					if set == 0 {
						pass(c.stopped)
						set = c.set
					}
					return err
				}).Replica(func(cfg *carrierfsm.Config) { cfg.Now = func() time.Time { return time.Now().Add(set) } })
				after := b.Must(stopped.Captcha("500001"))
				require.Equal(t, carrierfsm.UpstreamUnavailable, after.Prompt.Reason)
				require.Zero(t, b.Upstream.Arrivals("500001"))
			})
		})
	}
}

// The wall clock is set back an hour while upstream is silent: the call and the
// commit of its outcome end all the same.
func TestACallEndsByTheMonotonicClockToo(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		var set time.Duration
		commits := 0
		replica := committing(b, func(commit func() error) error {
			if commits++; commits > 1 {
				return errors.New("the disk is full")
			}
			return commit()
		}).Replica(func(cfg *carrierfsm.Config) { cfg.Now = func() time.Time { return time.Now().Add(set) } })
		b.Upstream.Then(fsmtest.Func(func(ctx context.Context, _ carrierfsm.Request) (carrierfsm.Reply, error) {
			set = -time.Hour
			<-ctx.Done()
			return carrierfsm.Reply{}, ctx.Err()
		}))
		begun := time.Now()
		_, err := replica.Captcha("500001")
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.LessOrEqual(t, time.Since(begun), 195*time.Second)
	})
}

// An upstream that is not well written: a fake that fails its test, a panic.
func TestAnUpstreamThatDoesNotReturnIsUnknownAtOnce(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){
		"it ends its goroutine": runtime.Goexit,
		"it panics":             func() { panic("upstream") },
		"it panics with nil":    func() { panic(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
				b.Upstream.Then(fsmtest.Func(func(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
					end()
					return carrierfsm.Reply{Success: true, Code: "10008"}, nil
				}))
				begun := time.Now()
				v := b.Must(b.Captcha("500001"))
				require.Equal(t, carrierfsm.OutcomeUnknown, v.Prompt.Reason)
				require.Zero(t, time.Since(begun))
				require.Zero(t, b.Machine.Stats().InFlight)
			})
		})
	}
}

// A store that ends the goroutine leaves the intent open, for Run to settle.
func TestAStoreThatEndsTheGoroutineLeavesTheOutcomePending(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		commits := 0
		replica := committing(b, func(commit func() error) error {
			if commits++; commits > 1 {
				runtime.Goexit()
			}
			return commit()
		})
		b.Upstream.Then(fsmtest.Code("10008"))
		v, err := replica.Captcha("500001")
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.Empty(t, v)
		require.Zero(t, replica.Machine.Stats().InFlight)
	})
}

// Another replica was given another password meanwhile.
func TestAPasswordThatIsSentNoMoreIsNotKept(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{CaptchaWithoutPassword: true})
	v := b.Reach("10002")
	require.Equal(t, 1, b.Machine.CachedPasswords())
	b.Upstream.Then(fsmtest.Code("10004"), fsmtest.Code("10004"))
	input := captcha(v, "500001")
	input.Password = carrierfsm.NewSecret("864200")
	b.Must(b.Replica().Submit(input))
	b.Must(b.Captcha("500002"))
	require.Equal(t, 1, b.Upstream.Arrivals("246810"), "as the password, before")
	require.Zero(t, b.Machine.CachedPasswords())
}
