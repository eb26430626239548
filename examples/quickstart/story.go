package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/carrierfsm/carrierfsm"
)

// story plays a verification and tells of it in plain words.
type story struct {
	out     io.Writer
	colour  bool
	machine *carrierfsm.Machine
	told    int // the step up to which the history was told
}

func newStory(out io.Writer, m *carrierfsm.Machine) *story {
	file, isFile := out.(*os.File)
	colour := isFile && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == ""
	return &story{out: out, colour: colour, machine: m}
}

// play answers prompts until the verification has ended or ctx is over.
func (s *story) play(ctx context.Context, o options, p person) error {
	v, err := s.begin(ctx, o)
	if err != nil {
		return err
	}
	for v.Prompt != nil {
		if v.InFlight {
			v, err = s.wait(ctx, v)
		} else {
			s.ask(v)
			v, err = s.submit(ctx, v, p)
		}
		if ctx.Err() != nil {
			return s.interrupted(o, v)
		}
		if err != nil {
			return err
		}
		s.tell(ctx, v.ID)
	}
	s.end(v)
	return s.history(context.WithoutCancel(ctx), v.ID)
}

// begin creates the verification, or finds it where it was left.
func (s *story) begin(ctx context.Context, o options) (carrierfsm.Verification, error) {
	v, err := s.machine.Create(ctx, carrierfsm.NewVerification{ID: o.id})
	if errors.Is(err, carrierfsm.ErrExists) {
		if v, err = s.machine.Get(ctx, o.id); err != nil {
			return v, err
		}
		s.say(bold, "Verification %s carries on in %s, step %d.", v.ID, v.State, v.Step)
		s.told = v.Step
		return v, nil
	}
	if err == nil {
		s.say(bold, "Verification %s is %s.", v.ID, v.State)
	}
	return v, err
}

// submit lets the person answer, and answers again what needs more.
func (s *story) submit(ctx context.Context, v carrierfsm.Verification, p person) (carrierfsm.Verification, error) {
	input, err := p.answer(ctx, v)
	if err != nil {
		return v, err
	}
	s.say(faint, "  → %s", input.Kind())
	next, err := s.machine.Submit(ctx, v.ID, input)
	if errors.Is(err, carrierfsm.ErrPasswordNeeded) {
		s.say(plain, "  The password was forgotten when the program stopped; it is asked for once more.")
		if input, err = p.again(ctx, v); err != nil {
			return v, err
		}
		next, err = s.machine.Submit(ctx, v.ID, input)
	}
	switch {
	case errors.Is(err, carrierfsm.ErrPending):
		return next, nil
	case refusable(err):
		s.say(red, "  ✗ %s", err)
		return s.machine.Get(ctx, v.ID)
	}
	return next, err
}

// refusable are the refusals after which the person simply tries again.
func refusable(err error) bool {
	for _, e := range []error{carrierfsm.ErrInvalid, carrierfsm.ErrTooSoon, carrierfsm.ErrTooMany, carrierfsm.ErrStale, carrierfsm.ErrNotAwaited, carrierfsm.ErrInFlight} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// wait looks until an answer that is under way, or was cut off, is settled.
func (s *story) wait(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Verification, error) {
	s.say(faint, "  … an answer is under way")
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for v.InFlight {
		select {
		case <-ctx.Done():
			return v, ctx.Err()
		case <-ticker.C:
		}
		var err error
		if v, err = s.machine.Get(ctx, v.ID); err != nil {
			return v, err
		}
	}
	return v, nil
}

// tell prints the transitions since the last time.
func (s *story) tell(ctx context.Context, id string) {
	list, err := s.machine.History(ctx, id)
	if err != nil {
		return
	}
	for _, t := range list {
		if t.Step > s.told {
			s.told = t.Step
			s.say(plain, "%s", describe(t))
		}
	}
}

func (s *story) ask(v carrierfsm.Verification) {
	p := v.Prompt
	s.say(cyan, "  ? %s%s", questions[p.Kind], because(p.Reason))
	if p.Message != "" {
		s.say(faint, "    the operator says: %s", p.Message)
	}
	s.say(faint, "    until %s, %d left", p.Deadline.Local().Format(time.TimeOnly), p.AttemptsLeft)
}

func (s *story) end(v carrierfsm.Verification) {
	if v.State == carrierfsm.Done {
		s.say(green, "Done: %s of %s is verified.", v.Account, v.Source.Name)
		return
	}
	s.say(red, "Failed: %s.%s", meanings[v.Reason], said(v.Message))
}

func (s *story) history(ctx context.Context, id string) error {
	list, err := s.machine.History(ctx, id)
	if err != nil {
		return err
	}
	s.say(bold, "\nHistory of %s", id)
	for _, t := range list {
		s.say(plain, "  %2d  %s  %-18s %-24s %s", t.Step, t.At.Local().Format("15:04:05.000"), t.From, t.Event, t.To)
	}
	return nil
}

// interrupted tells how to carry on. That is no error.
func (s *story) interrupted(o options, v carrierfsm.Verification) error {
	s.say(plain, "\nInterrupted in %s, step %d.", v.State, v.Step)
	if o.id == "" {
		s.say(plain, "The database was a temporary one. Name one with -db to be able to carry on.")
		return nil
	}
	s.say(plain, "Carry on with: go run ./examples/quickstart -carrier %s -db %s -id %s", o.carrier, o.db, o.id)
	return nil
}

// closing waits a little for what is under way.
func (s *story) closing(ctx context.Context, m *carrierfsm.Machine) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if m.Close(ctx) != nil {
		s.say(plain, "A call is still under way; the next start settles it.")
	}
}
