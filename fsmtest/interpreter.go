package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// interpreter runs the commands of one story.
type interpreter struct {
	*Bench
	reports *Reports
	printed int        // the step of the last transition that was printed
	gate    *Gate      // of the answer that is held back
	done    chan error // of the submission that "begin" began
}

// storyCommands are the commands of a story, except those that submit an input.
// RunStories documents them all.
var storyCommands = map[string]func(*interpreter, []string) ([]string, error){
	"upstream": (*interpreter).upstream,
	"begin":    (*interpreter).begin,
	"end":      (*interpreter).end,
	"report":   (*interpreter).report,
	"advance":  (*interpreter).advance,
	"settle":   func(i *interpreter, _ []string) ([]string, error) { return i.show(i.Settle(), nil), nil },
	"get":      func(i *interpreter, _ []string) ([]string, error) { return i.show(i.Get(), nil), nil },
	"restart":  func(i *interpreter, _ []string) ([]string, error) { i.Restart(); return nil, nil },
	"erase":    (*interpreter).erase,
	"expire":   (*interpreter).expire,
	"history":  (*interpreter).history,
}

func (i *interpreter) command(line string) ([]string, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, errors.New("the command is empty")
	}
	if f, found := storyCommands[words[0]]; found {
		return f(i, words[1:])
	}
	in, err := i.input(words)
	if err != nil {
		return nil, err
	}
	v, err := i.Submit(in)
	return i.show(v, err), nil
}

// input parses a command that submits an input.
func (i *interpreter) input(words []string) (carrierfsm.Input, error) {
	step := i.step()
	if len(words) > 2 && words[0] == "at" {
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return nil, err
		}
		step, words = n, words[2:]
	}
	value := func(n int) carrierfsm.Secret {
		if n < len(words) {
			return carrierfsm.NewSecret(words[n])
		}
		return carrierfsm.Secret{}
	}
	switch words[0] {
	case "apply":
		return carrierfsm.Apply{Step: step, Form: Form(), Consent: Consent()}, nil
	case "password":
		return carrierfsm.Password{Step: step, Password: value(1)}, nil
	case "query":
		return carrierfsm.QueryPassword{Step: step, Password: value(1)}, nil
	case "captcha":
		return carrierfsm.Captcha{Step: step, Code: value(1), Password: value(3)}, nil
	case "reset":
		return carrierfsm.RequestReset{Step: step}, nil
	case "reset-captcha":
		return carrierfsm.ResetCaptcha{Step: step, Code: value(1), NewPassword: value(3)}, nil
	case "skip":
		return carrierfsm.SkipSource{Step: step}, nil
	case "resend":
		return carrierfsm.ResendCaptcha{Step: step}, nil
	case "cancel":
		return carrierfsm.Cancel{}, nil
	}
	return nil, errors.New("unknown command")
}

// begin submits an input in the background and returns once its call has arrived.
func (i *interpreter) begin(words []string) ([]string, error) {
	if i.gate == nil {
		return nil, errors.New("no answer is held back")
	}
	in, err := i.input(words)
	if err != nil {
		return nil, err
	}
	i.done = make(chan error, 1)
	go func() {
		_, err := i.Submit(in)
		i.done <- err
	}()
	select {
	case <-i.gate.Arrived():
		return i.show(i.Get(), nil), nil
	case err := <-i.done:
		return nil, fmt.Errorf("the submission did not reach the upstream: %w", err)
	}
}

func (i *interpreter) end([]string) ([]string, error) {
	if i.done == nil {
		return nil, errors.New("no submission was begun")
	}
	i.gate.Open()
	err := <-i.done
	i.gate, i.done = nil, nil
	return i.show(i.Get(), err), nil
}

func (i *interpreter) report(words []string) ([]string, error) {
	for _, w := range words {
		i.reports.Then(carrierfsm.ReportState(w))
	}
	return nil, nil
}

func (i *interpreter) advance(words []string) ([]string, error) {
	d, err := time.ParseDuration(strings.Join(words, ""))
	if err != nil {
		return nil, err
	}
	i.Clock.Advance(d)
	return nil, nil
}

func (i *interpreter) erase([]string) ([]string, error) {
	err := i.Machine.Erase(context.Background(), i.ID)
	return i.show(i.Get(), err), nil
}

func (i *interpreter) expire([]string) ([]string, error) {
	err := i.Machine.Expire(context.Background(), i.ID)
	return i.show(i.Get(), err), nil
}

func (i *interpreter) history([]string) ([]string, error) {
	var out []string
	for _, t := range i.History() {
		line := fmt.Sprintf("%d %s", t.Step, transition(t))
		for _, d := range details(t.Detail) {
			line += " " + d
		}
		out = append(out, line)
	}
	return out, nil
}

// show prints the error, the new transitions, and the prompt.
func (i *interpreter) show(v carrierfsm.Verification, err error) (out []string) {
	if err != nil {
		out = append(out, "error: "+errName(err))
	}
	for _, t := range i.History() {
		if t.Step > i.printed {
			i.printed = t.Step
			out = append(out, transition(t))
		}
	}
	return append(out, i.standing(v))
}

// standing prints the state of a verification, and its prompt, in one line.
func (i *interpreter) standing(v carrierfsm.Verification) string {
	if v.ID == "" {
		return "no verification"
	}
	if v.Prompt == nil {
		return fmt.Sprintf("%s at step %d: %s", v.State, v.Step, v.Reason)
	}
	p, now := v.Prompt, i.Clock.Now()
	line := fmt.Sprintf("asks for %s at step %d", p.Kind, p.Step)
	if p.Reason != "" {
		line += " because of " + string(p.Reason)
	}
	line += fmt.Sprintf(", %d left, for %s", p.AttemptsLeft, p.Deadline.Sub(now))
	if p.Resend != nil {
		line += fmt.Sprintf(", resend in %s, %d left", max(0, p.Resend.At.Sub(now)), p.Resend.Left)
	}
	if p.Reset {
		line += ", can be reset"
	}
	if p.NeedsNewPassword {
		line += ", with a new password"
	}
	if !p.Skip && p.Kind != carrierfsm.PromptApplication {
		line += ", not to be skipped"
	}
	switch {
	case v.Canceling:
		line += "; an answer is under way, then it is canceled"
	case v.InFlight:
		line += "; an answer is under way"
	}
	return line
}

func transition(t carrierfsm.Transition) string {
	return fmt.Sprintf("%s → %s: %s", t.From, t.To, t.Event)
}

func details(d carrierfsm.Detail) (out []string) {
	if d.Fault != "" {
		out = append(out, "fault="+string(d.Fault))
	}
	if d.Code != "" {
		out = append(out, "code="+string(d.Code))
	}
	if d.Contradiction {
		out = append(out, "contradicted by "+d.Template)
	}
	if d.Late {
		out = append(out, "late")
	}
	return out
}

// errName returns the texts of the sentinels that an error matches.
func errName(err error) string {
	var names []string
	for _, e := range []error{
		carrierfsm.ErrPending, carrierfsm.ErrInFlight, carrierfsm.ErrStale, carrierfsm.ErrNotAwaited, carrierfsm.ErrTooMany,
		carrierfsm.ErrTooSoon, carrierfsm.ErrPasswordNeeded, carrierfsm.ErrConflict, carrierfsm.ErrInvalid, carrierfsm.ErrClosed,
	} {
		if errors.Is(err, e) {
			names = append(names, strings.TrimPrefix(e.Error(), "carrierfsm: "))
		}
	}
	if names == nil {
		return err.Error()
	}
	return strings.Join(names, "; ")
}
