package proof_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// In any sequence of submissions to several verifications of one number, on replicas
// that restart, with verifications that are canceled, erased and purged: never more of
// a kind within any day than its limit, and no refusal below it.
func TestNoDayHasMoreOfAKindThanItsLimitAndNothingIsRefusedBelowIt(t *testing.T) {
	t.Parallel()
	n := numbers(t)
	rapid.Check(t, func(t *rapid.T) {
		w := &budgetWorld{
			T: t, numbers: n, clock: fsmtest.NewClock(), store: memory.New(), spent: make(map[budget.Kind][]time.Time),
			limits: budget.Limits{Passwords: 2, QueryPasswords: 2, Texts: rapid.IntRange(2, 12).Draw(t, "texts"), Applications: rapid.IntRange(1, 5).Draw(t, "applications"), Places: 2},
		}
		w.machines = []*carrierfsm.Machine{w.machine(), w.machine()}
		defer func() {
			for _, m := range w.machines {
				require.NoError(t, m.Close(context.Background()))
			}
		}()
		for range rapid.IntRange(10, 120).Draw(t, "steps") {
			w.step()
		}
	})
}

// budgetWorld knows by upstream's replies what was spent.
type budgetWorld struct {
	*rapid.T
	numbers  budget.Numbers
	clock    *fsmtest.Clock
	store    carrierfsm.Store
	machines []*carrierfsm.Machine
	ids      []string
	limits   budget.Limits
	spent    map[budget.Kind][]time.Time

	next  scripted
	calls int
}

// scripted is what upstream answers, with the kinds that this spends.
type scripted struct {
	receipt carrierfsm.Receipt
	reply   carrierfsm.Reply
	err     error
	spends  []budget.Kind
}

func (w *budgetWorld) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	w.calls++
	return w.next.receipt, w.next.err
}

func (w *budgetWorld) Collect(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	w.calls++
	if r.Password.Empty() { // a replica that restarted has none
		w.next.spends = slices.DeleteFunc(w.next.spends, func(k budget.Kind) bool { return k == budget.Passwords })
	}
	return w.next.reply, w.next.err
}

// machine returns a replica. Its limits of one verification do not matter here.
func (w *budgetWorld) machine() *carrierfsm.Machine {
	const many = 1000
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: w.store, Upstream: w, Now: w.clock.Now, Numbers: w.numbers, Budgets: w.limits, CaptchaWithoutPassword: true,
		Limits: carrierfsm.Limits{
			Applications: many, Passwords: many, QueryPasswords: many, Captchas: many, Resends: many, Resets: many,
			ResendAfter: time.Second, CodeLife: 99 * time.Hour, IdleLife: 99 * time.Hour, Life: 99 * time.Hour,
		},
	})
	require.NoError(w.T, err)
	return m
}

func (w *budgetWorld) step() {
	ctx := context.Background()
	m := rapid.IntRange(0, 1).Draw(w.T, "replica")
	switch rapid.IntRange(0, 11).Draw(w.T, "step") {
	case 0:
		v, err := w.machines[m].Create(ctx, carrierfsm.NewVerification{ID: fmt.Sprint("v", len(w.ids))})
		require.NoError(w.T, err)
		w.ids = append(w.ids, v.ID)
	case 1:
		require.NoError(w.T, w.machines[m].Close(ctx))
		w.machines[m] = w.machine()
	case 2:
		w.clock.Advance(time.Duration(rapid.IntRange(1, 24).Draw(w.T, "hours"))*time.Hour - time.Duration(rapid.IntRange(0, 1).Draw(w.T, "less"))*time.Microsecond)
	case 3:
		if id, ok := w.any(); ok && rapid.Bool().Draw(w.T, "erased") {
			_ = w.machines[m].Erase(ctx, id) // or it was purged
			_, _, err := w.machines[m].Purge(ctx, w.clock.Now())
			require.NoError(w.T, err)
		} else if ok {
			_, _ = w.machines[m].Submit(ctx, id, carrierfsm.Cancel{})
		}
	default:
		w.clock.Advance(time.Second)
		if id, ok := w.any(); ok {
			w.submit(ctx, w.machines[m], id)
		}
	}
}

func (w *budgetWorld) any() (id string, ok bool) {
	if len(w.ids) == 0 {
		return "", false
	}
	return rapid.SampledFrom(w.ids).Draw(w.T, "verification"), true
}

// submit submits one of the inputs that a prompt takes.
func (w *budgetWorld) submit(ctx context.Context, m *carrierfsm.Machine, id string) {
	v, err := m.Get(ctx, id)
	if err != nil || v.Prompt == nil {
		return
	}
	in := rapid.SampledFrom(inputsOf(v.Prompt)).Draw(w.T, "input")
	w.next = rapid.SampledFrom(w.answers(in, v)).Draw(w.T, "answer")
	calls, at := w.calls, w.clock.Now()
	_, err = m.Submit(ctx, id, in)
	var over *budget.ExceededError
	switch {
	case errors.As(err, &over):
		require.Equal(w.T, calls, w.calls)
		w.requireUsedUp(in, over.Kind)
	case err != nil:
		require.Equal(w.T, calls, w.calls)
	default:
		for _, k := range w.next.spends {
			w.spent[k] = append(w.spent[k], at)
		}
	}
	for _, k := range budget.Kinds() {
		require.LessOrEqual(w.T, w.count(k), w.limits.Of(k), "%s within a day", k)
	}
}

func inputsOf(p *carrierfsm.Prompt) []carrierfsm.Input {
	code, resend := carrierfsm.NewSecret("500001"), carrierfsm.ResendCaptcha{Step: p.Step}
	switch p.Kind {
	case carrierfsm.PromptApplication:
		return []carrierfsm.Input{carrierfsm.Apply{Step: p.Step, Form: fsmtest.Form(), Consent: fsmtest.Consent()}}
	case carrierfsm.PromptPassword:
		return []carrierfsm.Input{carrierfsm.Password{Step: p.Step, Password: carrierfsm.NewSecret("246810")}, carrierfsm.RequestReset{Step: p.Step}}
	case carrierfsm.PromptQueryPassword:
		return []carrierfsm.Input{carrierfsm.QueryPassword{Step: p.Step, Password: carrierfsm.NewSecret("135790")}}
	case carrierfsm.PromptResetCaptcha:
		return []carrierfsm.Input{carrierfsm.ResetCaptcha{Step: p.Step, Code: code}, resend}
	default:
		return []carrierfsm.Input{carrierfsm.Captcha{Step: p.Step, Code: code}, resend}
	}
}

// answers are what upstream may answer to an input.
func (w *budgetWorld) answers(in carrierfsm.Input, v carrierfsm.Verification) []scripted {
	const text, password, query = budget.Texts, budget.Passwords, budget.QueryPasswords
	unsent := scripted{err: carrierfsm.ErrNotSent}
	code := func(c carrierfsm.ProcessCode, spends ...budget.Kind) scripted {
		return scripted{reply: carrierfsm.Reply{Success: true, Code: c, Type: "CONTROL"}, spends: spends}
	}
	lost := func(spends ...budget.Kind) scripted { return scripted{err: errors.New("lost"), spends: spends} }
	switch in.Kind() {
	case carrierfsm.InputApply:
		receipt := carrierfsm.Receipt{Accepted: true, Token: carrierfsm.NewSecret("token"), Source: carrierfsm.Source{Website: "chinamobilesh", Online: true, ResetMethod: carrierfsm.ResetBySMS}}
		return []scripted{
			unsent,
			{receipt: receipt, spends: []budget.Kind{budget.Applications}},
			{receipt: receipt, spends: []budget.Kind{budget.Applications}},
			{spends: []budget.Kind{budget.Applications}},
			lost(budget.Applications),
		}
	case carrierfsm.InputPassword:
		return []scripted{unsent, code("10003", password), code("10002", text), code("10022"), code("10007"), code("10008"), lost(text, password), code("9", text, password)}
	case carrierfsm.InputQueryPassword:
		return []scripted{unsent, code("10023", query), code("10002", text), lost(text, query)}
	case carrierfsm.InputCaptcha:
		return []scripted{unsent, code("10003", password), code("10004"), code("10001", text), code("10006", text), code("10008"), lost(text)}
	case carrierfsm.InputResetCaptcha:
		return []scripted{unsent, code("10004"), code("10006", text), code("11000", text), code("10010"), lost(text)}
	default:
		return []scripted{unsent, code("10002", text), lost(text)}
	}
}

// count returns how many of a kind were spent within the day that ends now.
func (w *budgetWorld) count(k budget.Kind) (n int) {
	for _, at := range w.spent[k] {
		if at.After(w.clock.Now().Add(-budget.Day)) {
			n++
		}
	}
	return n
}

// requireUsedUp requires that none of the kind is left, but for the text that is kept
// for the answer to a code.
func (w *budgetWorld) requireUsedUp(in carrierfsm.Input, k budget.Kind) {
	left := w.limits.Of(k) - w.count(k)
	if k == budget.Texts && in.Kind() != carrierfsm.InputCaptcha && in.Kind() != carrierfsm.InputResetCaptcha {
		left--
	}
	require.LessOrEqual(w.T, left, 0, "%s was refused below the limit of %s", in.Kind(), k)
}
