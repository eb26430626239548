package proof_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// Budgets are spent before a call; the outcome may give some back.

// After a reset by text the operator texts the new password. One that the person chose
// is not texted.
func TestATextIsGivenBackOnlyWhereNoneFollows(t *testing.T) {
	t.Parallel()
	for method, afterReset := range map[carrierfsm.ResetMethod]int{carrierfsm.ResetBySMS: 2, carrierfsm.ResetWithNewPassword: 1} {
		b := counted(t, plenty)
		b.Upstream.Then(fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Online: true, ResetMethod: method}))
		b.Must(b.Apply())
		require.Zero(t, countOf(t, b, budget.Texts))
		b.Upstream.Then(fsmtest.Code("10002"), fsmtest.Code("11000"), fsmtest.Code("10002"))
		b.Must(b.RequestReset())
		require.Equal(t, 1, countOf(t, b, budget.Texts))
		chosen := ""
		if method == carrierfsm.ResetWithNewPassword {
			chosen = "864200"
		}
		b.Must(b.ResetCaptcha("500001", chosen))
		require.Equal(t, afterReset, countOf(t, b, budget.Texts), method)
		b.Must(b.Password("864200"))
		require.Equal(t, afterReset+1, countOf(t, b, budget.Texts), "the code, for whatever method")
	}
}

// An accepted password is given back with a call that is given up. Only a late reply that
// rejects it counts it again.
func TestALateReplyCountsThePasswordThatItRejects(t *testing.T) {
	t.Parallel()
	for code, wrong := range map[carrierfsm.ProcessCode]int{"10008": 0, "10004": 0, "10003": 1} {
		synctest.Test(t, func(t *testing.T) {
			b := fsmtest.NewWith(t, carrierfsm.Config{Numbers: numbers(t), Budgets: plenty, Now: time.Now, Limits: carrierfsm.Limits{CodeLife: time.Hour}})
			passwords := func() int {
				l, err := b.Store.Ledger(t.Context(), keyOf(t))
				require.NoError(t, err)
				return l.Count(budget.Passwords, budget.Day, time.Now())
			}
			v := b.Reach("10002")
			require.Zero(t, passwords(), "it was accepted")
			b.Upstream.Then(fsmtest.IgnoreContext(fsmtest.After(10*time.Minute, fsmtest.Code(code))))
			done := make(chan error, 1)
			go func() {
				_, err := b.Machine.Submit(t.Context(), b.ID, carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret("500001")})
				done <- err
			}()
			<-time.After(200 * time.Second)
			require.Equal(t, 1, passwords(), "while the call goes on")
			_, err := b.Replica().Machine.Settle(t.Context())
			require.NoError(t, err)
			require.Equal(t, carrierfsm.OutcomeUnknown, b.Get().Prompt.Reason)
			require.Zero(t, passwords())
			require.NoError(t, <-done)
			require.Equal(t, wrong, passwords(), code)
		})
	}
}

// The passwords that a number has left limit each answer that is sent with a password. Here
// it has none left, since the host has lowered the limit.
func TestAPromptThatIsAnsweredWithAPasswordShowsThatNoneIsLeft(t *testing.T) {
	t.Parallel()
	for kind, bring := range map[carrierfsm.PromptKind]func(b *fsmtest.Bench){
		carrierfsm.PromptPassword:      func(b *fsmtest.Bench) { b.Reach() },
		carrierfsm.PromptCaptcha:       func(b *fsmtest.Bench) { b.Reach("10002") },
		carrierfsm.PromptQueryPassword: func(b *fsmtest.Bench) { b.Reach("10022") },
		carrierfsm.PromptResetCaptcha: func(b *fsmtest.Bench) {
			b.Upstream.Then(fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobilesh", Online: true, ResetMethod: carrierfsm.ResetBySMS}), fsmtest.Code("10002"))
			b.Must(b.Apply())
			b.Must(b.RequestReset())
		},
	} {
		wrong := counted(t, budget.Limits{Passwords: 2, Texts: 100, Applications: 100, QueryPasswords: 100})
		wrong.Reach("10003")
		wrong.Must(wrong.Cancel())
		b := another(wrong)
		bring(b)
		require.Equal(t, kind, b.Get().Prompt.Kind)
		limited := b.Replica(func(c *carrierfsm.Config) { c.Budgets.Passwords = 1 }).Get().Prompt.Limited
		if kind == carrierfsm.PromptResetCaptcha {
			require.Nil(t, limited, "it is sent without one")
			continue
		}
		require.NotNil(t, limited, kind)
		require.Equal(t, budget.Passwords, limited.Kind)
	}
}

func TestTheEndShowsTheBudgetThatKeepsTheNextVerificationWaiting(t *testing.T) {
	t.Parallel()
	b := counted(t, budget.Limits{Passwords: 1, Texts: 100, Applications: 100})
	v := b.Reach("10003")
	require.Equal(t, budget.Passwords, v.Prompt.Limited.Kind)
	require.Zero(t, b.Machine.Stats().Limited)
	_, err := b.Password("864200")
	exceeded(t, err, budget.Passwords)
	require.EqualValues(t, 1, b.Machine.Stats().Limited)
	v = b.Must(b.Cancel())
	require.NotNil(t, v.End.Limited)
	require.Equal(t, budget.Passwords, v.End.Limited.Kind)
	require.Equal(t, b.Get().End.Limited, v.End.Limited)
}
