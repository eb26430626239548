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

// stage is where a story is played.
type stage struct {
	*Bench
	told int // the step up to which transitions were told
	gate *Gate

	reports *Reports
	done    chan error // of the submission that "begin" began
}

// storyCommands are the commands of a story.
//
//	upstream ANSWER…     what upstream answers next: a code, "accept SITE",
//	                     "refuse", "offline", "resettable", "resettable-by-sms",
//	                     "next SITE", "next-resettable", "lost", "not-sent", "panic", "running", "tip", "error",
//	                     "failure", "already", "tpl TYPE"; "held" or "stubborn"
//	                     before an answer holds it back until "end"
//	apply                hand in the form
//	password V           answer with a password; likewise query V, captcha V
//	captcha V with P     a code, with the password typed again
//	reset                ask for a reset of the password
//	reset-captcha V      its code; "with P": and a new password
//	skip                 leave the source out
//	resend, cancel       as they say; expire and erase too
//	at N COMMAND         the same, naming step N and not the present one
//	begin COMMAND        a submission that upstream holds back
//	end                  let it through and tell what came of it
//	report STATE…        what is answered when the report is asked for next:
//	                     pending, ready or failed
//	advance D            move the clock on
//	settle, get          settle what is due; show where it stands
//	restart              kill the process and start another
//	history              tell the whole history
var storyCommands = map[string]func(*stage, []string) ([]string, error){
	"upstream": (*stage).upstream,
	"begin":    (*stage).begin,
	"end":      (*stage).end,
	"report":   (*stage).report,
	"advance":  (*stage).advance,
	"settle":   func(s *stage, _ []string) ([]string, error) { return s.show(s.Settle(), nil), nil },
	"get":      func(s *stage, _ []string) ([]string, error) { return s.show(s.Get(), nil), nil },
	"restart":  func(s *stage, _ []string) ([]string, error) { s.Restart(); return nil, nil },
	"erase":    (*stage).erase,
	"expire":   (*stage).expire,
	"history":  (*stage).all,
}

func (s *stage) command(line string) ([]string, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, errors.New("an empty command")
	}
	if f, found := storyCommands[words[0]]; found {
		return f(s, words[1:])
	}
	in, err := s.input(words)
	if err != nil {
		return nil, err
	}
	v, err := s.Submit(in)
	return s.show(v, err), nil
}

// input reads a submission.
func (s *stage) input(words []string) (carrierfsm.Input, error) {
	step := s.step()
	if len(words) > 2 && words[0] == "at" {
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return nil, err
		}
		step, words = n, words[2:]
	}
	value := func(i int) carrierfsm.Secret {
		if i < len(words) {
			return carrierfsm.NewSecret(words[i])
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
	return nil, errors.New("no such command")
}

// begin submits and returns once upstream holds it back.
func (s *stage) begin(words []string) ([]string, error) {
	if s.gate == nil {
		return nil, errors.New("nothing is held back")
	}
	in, err := s.input(words)
	if err != nil {
		return nil, err
	}
	s.done = make(chan error, 1)
	go func() {
		_, err := s.Submit(in)
		s.done <- err
	}()
	select {
	case <-s.gate.Arrived():
		return s.show(s.Get(), nil), nil
	case err := <-s.done:
		return nil, fmt.Errorf("it did not reach upstream: %w", err)
	}
}

func (s *stage) end([]string) ([]string, error) {
	if s.done == nil {
		return nil, errors.New("nothing was begun")
	}
	s.gate.Open()
	err := <-s.done
	s.gate, s.done = nil, nil
	return s.show(s.Get(), err), nil
}

func (s *stage) report(words []string) ([]string, error) {
	for _, w := range words {
		s.reports.Then(carrierfsm.ReportState(w))
	}
	return nil, nil
}

func (s *stage) advance(words []string) ([]string, error) {
	d, err := time.ParseDuration(strings.Join(words, ""))
	if err != nil {
		return nil, err
	}
	s.Clock.Advance(d)
	return nil, nil
}

func (s *stage) erase([]string) ([]string, error) {
	err := s.Machine.Erase(context.Background(), s.ID)
	return s.show(s.Get(), err), nil
}

func (s *stage) expire([]string) ([]string, error) {
	err := s.Machine.Expire(context.Background(), s.ID)
	return s.show(s.Get(), err), nil
}

func (s *stage) all([]string) ([]string, error) {
	var out []string
	for _, t := range s.History() {
		line := fmt.Sprintf("%d %s", t.Step, transition(t))
		for _, d := range details(t.Detail) {
			line += " " + d
		}
		out = append(out, line)
	}
	return out, nil
}

// show tells what is new, and what is asked.
func (s *stage) show(v carrierfsm.Verification, err error) (out []string) {
	if err != nil {
		out = append(out, "error: "+errName(err))
	}
	for _, t := range s.History() {
		if t.Step > s.told {
			s.told = t.Step
			out = append(out, transition(t))
		}
	}
	return append(out, s.standing(v))
}

// standing is where a verification stands, in one line.
func (s *stage) standing(v carrierfsm.Verification) string {
	if v.ID == "" {
		return "nothing is told"
	}
	if v.Prompt == nil {
		return fmt.Sprintf("%s at step %d: %s", v.State, v.Step, v.Reason)
	}
	p, now := v.Prompt, s.Clock.Now()
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

// errName is the sentinels that an error matches.
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
