package carrierfsm_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// What may happen while a call is in flight. The time is that of a synctest
// bubble.

// atCode runs f in a synctest bubble, with a verification that waits for its code.
// Its machine has the time of the bubble.
func atCode(t *testing.T, cfg carrierfsm.Config, f func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Now = time.Now
		b := fsmtest.NewWith(t, cfg)
		f(t, b, b.Reach("10002"))
	})
}

func TestASecondClickBeforeTheReplyIsRefusedAndNotSent(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		again, err := b.Submit(captcha(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrInFlight)
		require.True(t, again.InFlight)
		require.NoError(t, <-done)
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
		require.Equal(t, carrierfsm.Done, b.Get().State)
	})
}

func TestASecondClickAfterTheReplyIsStaleAndNotSent(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.Code("10001"))
		b.Must(b.Submit(captcha(v, "500001")))
		current, err := b.Submit(captcha(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrStale)
		require.Equal(t, carrierfsm.PromptSecondCaptcha, current.Prompt.Kind, "a refusal comes with the present prompt")
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
	})
}

func TestAResendIsRefusedWhileAnAnswerIsUnderWay(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		pass(2 * time.Minute)
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10004")))
		done := background(b, captcha(v, "500001"))
		_, err := b.Submit(carrierfsm.ResendCaptcha{Step: v.Step})
		require.ErrorIs(t, err, carrierfsm.ErrInFlight)
		require.NoError(t, <-done)
		require.Len(t, b.Upstream.Calls(), 3, "the application, the password, the code")
	})
}

// At settlement a terminal reply wins, then the cancellation, then the overdue life.
func TestWhatWinsWhenAnAnswerUnderWayIsSettled(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule   string
		answer carrierfsm.ProcessCode
		cancel bool
		takes  time.Duration
		want   []carrierfsm.Event
	}{
		{"a terminal reply wins over a cancellation", "10008", true, time.Minute, []carrierfsm.Event{carrierfsm.CollectionStarted}},
		{"a cancellation wins over a further prompt", "10001", true, time.Minute, []carrierfsm.Event{carrierfsm.CaptchaRequested, carrierfsm.Canceled}},
		{"a terminal reply wins over the overdue life", "10008", false, time.Hour, []carrierfsm.Event{carrierfsm.CollectionStarted}},
		{"the overdue life wins over a further prompt", "10001", false, time.Hour, []carrierfsm.Event{carrierfsm.CaptchaRequested, carrierfsm.Expired}},
		{"a cancellation wins over the overdue life", "10001", true, time.Hour, []carrierfsm.Event{carrierfsm.CaptchaRequested, carrierfsm.Canceled}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			atCode(t, carrierfsm.Config{CallTimeout: 2 * time.Hour}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
				b.Upstream.Then(fsmtest.After(c.takes, fsmtest.Code(c.answer)))
				done := background(b, captcha(v, "500001"))
				if c.cancel {
					for range 2 { // the second changes nothing
						_, err := b.Cancel()
						require.ErrorIs(t, err, carrierfsm.ErrPending)
						require.True(t, b.Get().Canceling)
					}
				}
				require.NoError(t, <-done)
				require.Empty(t, cmp.Diff(c.want, latest(b, len(c.want))))
				require.True(t, b.Get().State.Terminal())
			})
		})
	}
}

func TestEraseWinsAtOnceAndTheReplyIsDropped(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		require.NoError(t, b.Machine.Erase(context.Background(), b.ID))
		require.Equal(t, carrierfsm.Failed, b.Get().State)
		require.ErrorIs(t, <-done, carrierfsm.ErrStale)
		require.Equal(t, []carrierfsm.Event{carrierfsm.Erased}, latest(b, 1))
		require.EqualValues(t, 1, b.Machine.Stats().Dropped)
	})
}

func TestTheCallersContextEndsTheWaitingAndNotTheCall(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		pending, err := b.Machine.Submit(ctx, b.ID, captcha(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, pending.InFlight)
		pass(time.Hour)
		require.Equal(t, carrierfsm.Done, b.Get().State)
	})
}

func TestAStoreThatFailsBeforeTheIntentSendsNothing(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	full := b.Replica(func(c *carrierfsm.Config) {
		c.Store = storeWith{Store: c.Store, commit: func(func() error) error { return errors.New("the disk is full") }}
		c.CaptchaWithoutPassword = true
	})
	_, err := full.Captcha("500001")
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	require.NotErrorIs(t, err, carrierfsm.ErrPending)
	require.Zero(t, b.Upstream.Arrivals("500001"))
	_, err = full.Cancel()
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	require.Equal(t, 3, b.Get().Prompt.AttemptsLeft)
}

// checking is an upstream whose Check returns an error.
type checking struct {
	carrierfsm.Upstream
	err error
}

func (c checking) Check(context.Context, carrierfsm.Form) error { return c.err }

func TestAFormThatFailsItsCheckIsNotSentAndSpendsNothing(t *testing.T) {
	t.Parallel()
	offline := errors.New("this operator is offline")
	b := fsmtest.New(t).Replica(func(c *carrierfsm.Config) { c.Upstream = checking{c.Upstream, offline} })
	returned, err := b.Apply()
	require.ErrorIs(t, err, offline)
	require.Empty(t, b.Upstream.Calls())
	v := b.Get()
	require.Equal(t, v, returned, "the form can be submitted again")
	require.Equal(t, carrierfsm.Created, v.State)
	require.Equal(t, 3, v.Prompt.AttemptsLeft)
	require.Empty(t, b.Events())
}

// With every refusal comes what can be asked of the person now.
func TestARefusalComesWithTheCurrentVerification(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, c := range map[string]struct {
		in  carrierfsm.Input
		ctx context.Context //nolint:containedctx // of the case
		err error
	}{
		"no input":                 {nil, ctx, carrierfsm.ErrInvalid},
		"an empty code":            {carrierfsm.Captcha{Step: 1}, ctx, carrierfsm.ErrInvalid},
		"no step":                  {carrierfsm.Captcha{Code: carrierfsm.NewSecret("500001")}, ctx, carrierfsm.ErrInvalid},
		"an operator without name": {carrierfsm.Cancel{}, carrierfsm.ByOperator(ctx, ""), carrierfsm.ErrInvalid},
		"a form without consent":   {carrierfsm.Apply{Form: fsmtest.Form()}, ctx, carrierfsm.ErrConsentRequired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := fsmtest.New(t)
			want := b.Reach("10002")
			got, err := b.Machine.Submit(c.ctx, b.ID, c.in)
			require.ErrorIs(t, err, c.err)
			require.Equal(t, want.Prompt.Kind, got.Prompt.Kind)
			require.Equal(t, want.Step, got.Step)
			var where *carrierfsm.Error
			require.ErrorAs(t, err, &where)
			require.Equal(t, want.Step, where.Step)
			_, err = b.Machine.Submit(c.ctx, "unknown", c.in)
			require.ErrorIs(t, err, c.err, "where there is none, the reason stays")
		})
	}
	lost := fsmtest.New(t).Replica(func(c *carrierfsm.Config) { c.Store = &contested{Store: c.Store} })
	got, err := lost.Apply()
	require.ErrorIs(t, err, carrierfsm.ErrConflict)
	require.Equal(t, carrierfsm.PromptApplication, got.Prompt.Kind)
}

// A caller that leaves is not told that the store failed.
func TestAnEndedContextIsReturnedAsItsOwnError(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(ctx context.Context, b *fsmtest.Bench) error{
		"create": func(ctx context.Context, b *fsmtest.Bench) error {
			_, err := b.Machine.Create(ctx, carrierfsm.NewVerification{})
			return err
		},
		"get":     func(ctx context.Context, b *fsmtest.Bench) error { _, err := b.Machine.Get(ctx, b.ID); return err },
		"read":    func(ctx context.Context, b *fsmtest.Bench) error { _, err := b.Machine.Read(ctx, b.ID); return err },
		"history": func(ctx context.Context, b *fsmtest.Bench) error { _, err := b.Machine.History(ctx, b.ID); return err },
		"list": func(ctx context.Context, b *fsmtest.Bench) error {
			_, err := b.Machine.List(ctx, carrierfsm.Query{})
			return err
		},
		"overdue": func(ctx context.Context, b *fsmtest.Bench) error {
			_, err := b.Machine.Overdue(ctx, 0, carrierfsm.PageKey{}, 0)
			return err
		},
		"submit": func(ctx context.Context, b *fsmtest.Bench) error {
			_, err := b.Machine.Submit(ctx, b.ID, application(0))
			return err
		},
		"cancel": func(ctx context.Context, b *fsmtest.Bench) error {
			_, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Cancel{})
			return err
		},
		"expire": func(ctx context.Context, b *fsmtest.Bench) error { return b.Machine.Expire(ctx, b.ID) },
		"erase":  func(ctx context.Context, b *fsmtest.Bench) error { return b.Machine.Erase(ctx, b.ID) },
		"purge": func(ctx context.Context, b *fsmtest.Bench) error {
			_, _, err := b.Machine.Purge(ctx, time.Now())
			return err
		},
		"reseal": func(ctx context.Context, b *fsmtest.Bench) error { return b.Machine.Reseal(ctx, b.ID) },
		"settle": func(ctx context.Context, b *fsmtest.Bench) error { _, err := b.Machine.Settle(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			canceled, cancel := context.WithCancel(context.Background())
			cancel()
			late, cancel := context.WithTimeout(context.Background(), -time.Second)
			defer cancel()
			for _, ctx := range []context.Context{canceled, late} {
				err := call(ctx, fsmtest.New(t))
				if name != "settle" { // it starts nothing
					require.ErrorIs(t, err, ctx.Err())
				}
				require.NotErrorIs(t, err, carrierfsm.ErrStore)
			}
		})
	}
}

// A driver's error does not always say that the context ended.
func TestAStoreThatFailsBecauseTheCallerLeftIsTheContextsError(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	ctx, cancel := context.WithCancel(context.Background())
	replica := b.Replica(func(c *carrierfsm.Config) {
		c.Store = storeWith{Store: c.Store, commit: func(func() error) error {
			cancel()
			return errors.New("the connection is closed")
		}}
	})
	_, err := replica.Machine.Submit(ctx, b.ID, application(0))
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, carrierfsm.ErrStore)
	require.NotErrorIs(t, err, carrierfsm.ErrPending)
	require.Empty(t, b.Upstream.Calls())
}

func begin(b *fsmtest.Bench, n carrierfsm.NewVerification, a carrierfsm.Apply) (carrierfsm.Verification, error) {
	return b.Machine.Begin(context.Background(), n, a)
}

func TestAVerificationThatBeginsWithItsApplicationIsAsOneThatIsCreatedFirst(t *testing.T) {
	t.Parallel()
	n := carrierfsm.NewVerification{ID: "v2", Key: "k2", Reference: "order 2"}
	for name, answer := range map[string]fsmtest.Answer{
		"accepted": fsmtest.Accept("chinamobilejs"), "refused": fsmtest.Refuse("no such person"),
		"not sent": fsmtest.NotSent(), "lost": fsmtest.Lost(),
		"unsupported": fsmtest.AcceptAt(carrierfsm.Source{Website: "chinaunicom"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			created, begun := fsmtest.New(t), fsmtest.New(t, answer)
			created = created.Create(n)
			created.Upstream.Then(answer)
			want := created.Must(created.Apply())
			got, err := begin(begun, n, application(0))
			require.NoError(t, err)
			marks := cmpopts.IgnoreFields(carrierfsm.Verification{}, "Mark") // of the versions, which differ
			anySecret := cmp.Comparer(func(_, _ carrierfsm.Secret) bool { return true })
			require.Empty(t, cmp.Diff(want, got, anySecret, marks))
			begun.ID = n.ID
			require.Empty(t, cmp.Diff(created.History(), begun.History()))
			require.Empty(t, cmp.Diff(want, begun.Get(), anySecret, marks))
			require.EqualValues(t, 2, begun.Record().Version, "one commit less")
			require.EqualValues(t, 3, created.Record().Version)
			if got.Prompt == nil {
				return
			}
			begun.Reach("10002", "10008")
			require.Equal(t, carrierfsm.Done, begun.Get().State)
		})
	}
}

func TestWhatCantBeginIsNotCreated(t *testing.T) {
	t.Parallel()
	noConsent, later, formless := application(0), application(1), application(0)
	noConsent.Consent = carrierfsm.Consent{}
	formless.Form.Phone = carrierfsm.Secret{}
	for name, c := range map[string]struct {
		n    carrierfsm.NewVerification
		in   carrierfsm.Apply
		want error
	}{
		"an id that is taken":  {carrierfsm.NewVerification{ID: "v1"}, application(0), carrierfsm.ErrExists},
		"a key that is in use": {carrierfsm.NewVerification{ID: "v2", Key: "k1"}, application(0), carrierfsm.ErrKeyInUse},
		"an id with a space":   {carrierfsm.NewVerification{ID: "v 2"}, application(0), carrierfsm.ErrInvalid},
		"no consent":           {carrierfsm.NewVerification{ID: "v2"}, noConsent, carrierfsm.ErrConsentRequired},
		"a later prompt":       {carrierfsm.NewVerification{ID: "v2"}, later, carrierfsm.ErrInvalid},
		"no phone number":      {carrierfsm.NewVerification{ID: "v2"}, formless, carrierfsm.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := fsmtest.NewWith(t, carrierfsm.Config{MaxInFlight: 1})
			b.Create(carrierfsm.NewVerification{ID: "holder", Key: "k1"})
			name := carrierfsm.NewSecret("测试用户")
			c.in.Form.Name = name
			v, err := begin(b, c.n, c.in)
			require.ErrorIs(t, err, c.want)
			require.Zero(t, v)
			require.True(t, name.Empty(), "the secrets are destroyed")
			require.NotContains(t, err.Error(), "v 2")
			require.Empty(t, b.Upstream.Calls())
			_, err = b.Machine.Get(context.Background(), "v2")
			require.ErrorIs(t, err, carrierfsm.ErrNotFound)
			_, err = begin(b, carrierfsm.NewVerification{}, application(0)) // its place is free
			require.NoError(t, err)
		})
	}
}

// lostCreate is a store that loses the answer of Create.
type lostCreate struct{ carrierfsm.Store }

func (s lostCreate) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return errors.Join(s.Store.Create(ctx, r, e...), errors.New("the connection was lost"))
}

func TestABeginningWhoseAnswerWasLostIsRecognised(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: lostCreate{memory.New()}})
	v := b.Must(begin(b, carrierfsm.NewVerification{ID: "v2"}, application(0)))
	require.Equal(t, carrierfsm.AwaitingPassword, v.State)
	_, err := begin(b, carrierfsm.NewVerification{ID: "v2"}, application(0))
	require.ErrorIs(t, err, carrierfsm.ErrExists, "the record is that of another commit")
	require.Len(t, b.Upstream.Calls(), 1)
}

func TestABeginningGoesOnWhenItsCallerLeaves(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		ctx, leave := context.WithTimeout(context.Background(), time.Second)
		defer leave()
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Accept("chinamobilejs")))
		v, err := b.Machine.Begin(ctx, carrierfsm.NewVerification{ID: "v2"}, application(0))
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.True(t, v.InFlight)
		pass(time.Minute)
		b.ID = v.ID
		require.Equal(t, carrierfsm.AwaitingPassword, b.Get().State)
	})
}
