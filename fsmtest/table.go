package fsmtest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/carrierfsm/carrierfsm"
)

// Row is one row of a transition test: at a prompt, an input is submitted,
// upstream answers, and this is what must come of it.
type Row struct {
	// Rule is what the row holds, as a sentence.
	Rule string
	// At is the kind of prompt that the verification is brought to first.
	At carrierfsm.PromptKind
	// Input is submitted. For InputApply, InputPassword, InputQueryPassword,
	// InputCaptcha, InputResendCaptcha and InputCancel.
	Input carrierfsm.InputKind
	// Answer is what upstream answers; the zero Answer where it must not be called.
	Answer Answer
	// Events are the transitions that must follow, in order.
	Events []carrierfsm.Event
	// State and Prompt are where it must stand then; Prompt is empty at an end.
	State  carrierfsm.State
	Prompt carrierfsm.PromptKind
	// Err is which refusal must be returned; nil for none.
	Err error
	// Setup, where set, is called at the prompt, before the input.
	Setup func(b *Bench)
}

// RunTable runs each row as a subtest, on a Bench of its own.
func RunTable(t *testing.T, rows []Row) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.Rule, func(t *testing.T) {
			t.Parallel()
			if err := row.run(t, carrierfsm.Config{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// paths are the replies to the password that bring a verification to a prompt.
var paths = map[carrierfsm.PromptKind]carrierfsm.ProcessCode{
	carrierfsm.PromptCaptcha:       "10002",
	carrierfsm.PromptSecondCaptcha: "10001",
	carrierfsm.PromptOwnSMS:        "10017",
	carrierfsm.PromptQueryPassword: "10022",
}

// To brings the verification to a kind of prompt, by a password where it
// takes one. It must be fresh.
func (b *Bench) To(kind carrierfsm.PromptKind) (carrierfsm.Verification, error) {
	if kind == carrierfsm.PromptApplication {
		return b.Get(), nil
	}
	v, err := b.Apply()
	if code, found := paths[kind]; err == nil && found {
		b.Upstream.Then(Code(code))
		v, err = b.Password("246810")
	}
	if err == nil && (v.Prompt == nil || v.Prompt.Kind != kind) {
		err = fmt.Errorf("fsmtest: no way to a prompt for %s", kind)
	}
	return v, err
}

// answer submits an input of a kind, with invented values.
func (b *Bench) answer(kind carrierfsm.InputKind) (carrierfsm.Verification, error) {
	switch kind {
	case carrierfsm.InputApply:
		return b.Apply()
	case carrierfsm.InputPassword:
		return b.Password("246811")
	case carrierfsm.InputQueryPassword:
		return b.QueryPassword("135790")
	case carrierfsm.InputCaptcha:
		return b.Captcha("500001")
	case carrierfsm.InputResendCaptcha:
		return b.Resend()
	case carrierfsm.InputCancel:
		return b.Cancel()
	default:
		return carrierfsm.Verification{}, fmt.Errorf("fsmtest: no such input: %q", kind)
	}
}

func (r Row) run(tb testing.TB, cfg carrierfsm.Config) error {
	tb.Helper()
	b := NewWith(tb, cfg)
	before, err := b.To(r.At)
	if err != nil {
		return err
	}
	if r.Setup != nil {
		r.Setup(b)
		before = b.Get()
	}
	calls := len(b.Upstream.Calls())
	if r.Answer.said {
		b.Upstream.Then(r.Answer)
	}
	v, err := b.answer(r.Input)
	if !errors.Is(err, r.Err) || r.Err == nil && err != nil {
		return fmt.Errorf("the input should have returned %q, and returned: %w", fmt.Sprint(r.Err), orNone(err))
	}
	if !r.Answer.said && len(b.Upstream.Calls()) != calls {
		return errors.New("upstream was called")
	}
	return r.judge(before, v, b.History())
}

func (r Row) judge(before, after carrierfsm.Verification, history []carrierfsm.Transition) error {
	var events []carrierfsm.Event
	for _, t := range history[before.Step:] {
		events = append(events, t.Event)
	}
	var asked carrierfsm.PromptKind
	if after.Prompt != nil {
		asked = after.Prompt.Kind
	}
	type outcome struct {
		Events []carrierfsm.Event
		State  carrierfsm.State
		Prompt carrierfsm.PromptKind
	}
	diff := cmp.Diff(outcome{r.Events, r.State, r.Prompt}, outcome{events, after.State, asked})
	if diff != "" {
		return fmt.Errorf("it came out otherwise (-want +got):\n%s", diff)
	}
	return nil
}
