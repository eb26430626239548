package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/typed"
)

// session plays one verification and prints what happens.
type session struct {
	out         io.Writer
	colour      bool
	machine     *carrierfsm.Machine
	printedStep int // of the latest transition that was printed
}

func newSession(out io.Writer, m *carrierfsm.Machine) *session {
	file, isFile := out.(*os.File)
	colour := isFile && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == ""
	return &session{out: out, colour: colour, machine: m}
}

// play answers prompts until the verification or ctx has ended.
func (s *session) play(ctx context.Context, o options, p person) error {
	v, err := s.createOrResume(ctx, o)
	if ctx.Err() != nil {
		return s.printResumeCommand(o, v)
	}
	if err != nil {
		return err
	}
	for v.Prompt != nil {
		if v.InFlight {
			v, err = s.wait(ctx, v)
		} else {
			s.printPrompt(v)
			v, err = s.submit(ctx, v, p)
		}
		if ctx.Err() != nil {
			return s.printResumeCommand(o, v)
		}
		if err != nil {
			return err
		}
		s.printNew(ctx, v.ID)
	}
	s.printResult(v)
	if err := s.printHistory(context.WithoutCancel(ctx), v.ID); err != nil {
		return err
	}
	if v.State == carrierfsm.Failed {
		return errFailed
	}
	return nil
}

// createOrResume creates the verification, or loads an existing one.
func (s *session) createOrResume(ctx context.Context, o options) (carrierfsm.Verification, error) {
	v, err := s.machine.Create(ctx, carrierfsm.NewVerification{ID: o.id})
	if errors.Is(err, carrierfsm.ErrExists) {
		if v, err = s.machine.Get(ctx, o.id); err != nil {
			return v, err
		}
		s.print(bold, "Verification %s resumes in %s, step %d.", v.ID, v.State, v.Step)
		s.printedStep = v.Step
		return v, nil
	}
	if errors.Is(err, carrierfsm.ErrInvalid) {
		return v, fmt.Errorf("-id %q: %w: %w", o.id, err, errUsage)
	}
	if err == nil {
		s.print(bold, "Verification %s is %s.", v.ID, v.State)
	}
	return v, err
}

// submit submits the person's answer, and the password with it if the machine has
// lost that.
func (s *session) submit(ctx context.Context, v carrierfsm.Verification, p person) (carrierfsm.Verification, error) {
	input, err := p.answer(ctx, v)
	if err != nil {
		return v, err
	}
	s.print(faint, "  → %s", input.Kind())
	next, err := s.machine.Submit(ctx, v.ID, input)
	if errors.Is(err, carrierfsm.ErrPasswordNeeded) {
		s.print(plain, "  The password was lost when the program stopped; it is asked for again.")
		if input, err = p.answerWithPassword(ctx, v); err != nil {
			return v, err
		}
		next, err = s.machine.Submit(ctx, v.ID, input)
	}
	switch {
	case errors.Is(err, carrierfsm.ErrPending):
		return next, nil
	case errors.Is(err, typed.ErrNoCode):
		s.print(red, "  ✗ There is no code in that, or more than one number.")
		return next, nil
	case retryable(err):
		s.print(red, "  ✗ %s", err)
		return s.machine.Get(ctx, v.ID)
	}
	return next, err
}

// retryable reports whether the person can answer again after a refusal.
func retryable(err error) bool {
	for _, e := range []error{carrierfsm.ErrInvalid, carrierfsm.ErrTooSoon, carrierfsm.ErrTooMany, carrierfsm.ErrStale, carrierfsm.ErrNotAwaited, carrierfsm.ErrInFlight} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// wait polls until the call in flight is settled.
func (s *session) wait(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Verification, error) {
	s.print(faint, "  … a call is in flight")
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

// printNew prints the transitions that were not printed yet.
func (s *session) printNew(ctx context.Context, id string) {
	list, err := s.machine.History(ctx, id)
	if err != nil {
		return
	}
	for _, t := range list {
		if t.Step > s.printedStep {
			s.printedStep = t.Step
			s.print(plain, "%s", describe(t))
		}
	}
}

func (s *session) printPrompt(v carrierfsm.Verification) {
	p := v.Prompt
	s.print(cyan, "  ? %s%s", promptTexts[p.Kind], reasonSuffix(p.Reason))
	if p.Message != "" {
		s.print(faint, "    the operator says: %s", p.Message)
	}
	s.print(faint, "    until %s (%s), attempts left: %d", p.Deadline.Local().Format(time.TimeOnly), zone(p.Deadline), p.AttemptsLeft)
}

func (s *session) printResult(v carrierfsm.Verification) {
	if v.State == carrierfsm.Done {
		s.print(green, "Done: %s of %s is verified.", v.Account, v.Source.Name)
		return
	}
	s.print(red, "Failed: %s.%s", eventTexts[v.Reason], messageSuffix(v.Message))
}

func (s *session) printHistory(ctx context.Context, id string) error {
	list, err := s.machine.History(ctx, id)
	if err != nil {
		return err
	}
	s.print(bold, "")
	s.print(bold, "History of %s, times in %s", id, zone(time.Now()))
	for _, t := range list {
		s.print(plain, "  %2d  %s  %-17s %-24s %s", t.Step, t.At.Local().Format("15:04:05.000"), t.From, t.Event, t.To)
	}
	return nil
}

// zone returns the local time zone at a time, as an offset that is the same everywhere.
func zone(at time.Time) string { return "UTC" + at.Local().Format("-07:00") }

// printResumeCommand prints how to resume. An interrupt is no error.
func (s *session) printResumeCommand(o options, v carrierfsm.Verification) error {
	s.print(plain, "")
	if v.State == "" {
		s.print(plain, "Interrupted at the start.")
	} else {
		s.print(plain, "Interrupted in %s, step %d.", v.State, v.Step)
	}
	if o.id == "" {
		s.print(plain, "The database was a temporary one. Use -db to be able to resume.")
		return nil
	}
	s.print(plain, "Resume with:")
	_, _ = fmt.Fprintln(s.out, o.command()) // in one line, however long
	return nil
}

// command returns the command that runs the program with these options again,
// quoted for a shell. It leaves out -fault, which was for the first password.
func (o options) command() string {
	quoted := func(s string) string {
		if strings.ContainsFunc(s, func(r rune) bool {
			return !strings.ContainsRune("-_./:@%+,=", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
		return s
	}
	line := "go run ./examples/quickstart -carrier " + o.carrier + " -db " + quoted(o.db) + " -id " + quoted(o.id)
	if o.interactive {
		line += " -interactive"
	}
	if o.skip {
		line += " -skip"
	}
	return line
}

// close waits at most 2 s for a call in flight.
func (s *session) close(ctx context.Context, m *carrierfsm.Machine) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if m.Close(ctx) != nil {
		s.print(plain, "A call is still in flight; the next start settles it.")
	}
}
