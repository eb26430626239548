package fsmtest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/carrierfsm/carrierfsm"
)

// Row is one row of a transition test: at a prompt, an input is submitted and the
// upstream answers.
type Row struct {
	// Rule is the rule that the row tests, as a sentence. It names the subtest.
	Rule string
	// Source is where the application is accepted. The zero Source is one that is
	// online; it has a password reset by SMS if At is the prompt for the code of one.
	Source carrierfsm.Source
	// At is the kind of prompt to which the verification is brought first, by To.
	At carrierfsm.PromptKind
	// Input is the kind of input that is submitted, with invented values: any of the
	// nine kinds. The code of a reset has a new password with it where the prompt
	// wants one.
	Input carrierfsm.InputKind
	// Answer is what the upstream answers. With the zero Answer the upstream must
	// not be called.
	Answer Answer
	// Events are the transitions that must follow, in their order.
	Events []carrierfsm.Event
	// State and Prompt are what the verification must have after them. Prompt is
	// empty where it has none.
	State  carrierfsm.State
	Prompt carrierfsm.PromptKind
	// Err is what the error of the submission must match; nil: it must be nil.
	Err error
	// Setup is called at the prompt, before the input. Nil: it is not.
	Setup func(b *Bench)
}

// RunTable runs each row as a parallel subtest with a Bench of its own. Answers that
// Setup has scripted and no call has taken fail the row.
func RunTable(t *testing.T, rows []Row) {
	t.Helper()
	RunTableWith(t, rows, func() carrierfsm.Config { return carrierfsm.Config{} })
}

// RunTableWith is RunTable with a configuration for each row, as NewWith takes it. The
// rows run in parallel, so cfg must be safe for concurrent use.
func RunTableWith(t *testing.T, rows []Row, cfg func() carrierfsm.Config) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.Rule, func(t *testing.T) {
			t.Parallel()
			if err := row.run(t, cfg()); err != nil {
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

// To brings a verification that was just created to a kind of prompt: the
// application, the password, one that a reply to the password leads to (captcha,
// second captcha, own SMS, query password), or the code of a reset, for which the
// source must have a password reset. The script must be empty, or have one answer,
// to the application. It returns an error for any other kind.
func (b *Bench) To(kind carrierfsm.PromptKind) (carrierfsm.Verification, error) {
	if kind == carrierfsm.PromptApplication {
		return b.Get(), nil
	}
	v, err := b.Apply()
	if code, found := paths[kind]; err == nil && found {
		b.Upstream.Then(Code(code))
		v, err = b.Password("246810")
	}
	if err == nil && kind == carrierfsm.PromptResetCaptcha && v.Prompt != nil && v.Prompt.Reset {
		b.Upstream.Then(Code("10002"))
		v, err = b.RequestReset()
	}
	if err == nil && (v.Prompt == nil || v.Prompt.Kind != kind) {
		err = fmt.Errorf("fsmtest: To can't reach a prompt of kind %q", kind)
	}
	return v, err
}

// source returns where the application is accepted.
func (r Row) source() carrierfsm.Source {
	s := r.Source
	if s == (carrierfsm.Source{}) {
		s = carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true}
		if r.At == carrierfsm.PromptResetCaptcha {
			s.ResetMethod = carrierfsm.ResetBySMS
		}
	}
	return s
}

func (r Row) run(tb testing.TB, cfg carrierfsm.Config) error {
	tb.Helper()
	b := NewWith(tb, cfg)
	defer b.Upstream.reset() // what is wrong with the script is returned
	if r.At != carrierfsm.PromptApplication {
		b.Upstream.Then(AcceptAt(r.source()))
	}
	before, err := b.To(r.At)
	if err != nil {
		return err
	}
	if r.Setup != nil {
		r.Setup(b)
		before = b.Get()
	}
	calls := len(b.Upstream.Calls())
	if r.Answer.scripted {
		b.Upstream.Then(r.Answer)
	}
	v, err := b.answer(r.Input)
	if !errors.Is(err, r.Err) || r.Err == nil && err != nil {
		return fmt.Errorf("the submission returned the wrong error, not %q: %w", fmt.Sprint(r.Err), orNone(err))
	}
	if !r.Answer.scripted && len(b.Upstream.Calls()) != calls {
		return errors.New("the upstream was called")
	}
	if err := b.Upstream.Check(); err != nil {
		return err
	}
	return r.compare(before, v, b.History())
}

// compare compares what has happened since before with the row.
func (r Row) compare(before, after carrierfsm.Verification, history []carrierfsm.Transition) error {
	var prompt carrierfsm.PromptKind
	if after.Prompt != nil {
		prompt = after.Prompt.Kind
	}
	type outcome struct {
		Events []carrierfsm.Event
		State  carrierfsm.State
		Prompt carrierfsm.PromptKind
	}
	diff := cmp.Diff(outcome{r.Events, r.State, r.Prompt}, outcome{events(history[before.Step:]), after.State, prompt})
	if diff != "" {
		return fmt.Errorf("the outcome differs (-want +got):\n%s", diff)
	}
	return nil
}
