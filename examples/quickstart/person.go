package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/carrierfsm/carrierfsm"
)

// person answers prompts.
type person interface {
	// answer answers what is asked.
	answer(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error)
	// again answers a prompt for a code with the password beside it.
	again(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error)
}

// teller gives one value that a person knows or reads from the phone.
type teller interface {
	password(ctx context.Context, kind carrierfsm.PromptKind, website string) (string, error)
	code(ctx context.Context, kind carrierfsm.PromptKind) (string, error)
	// newPassword is one that the person chooses.
	newPassword(ctx context.Context) (string, error)
}

// respondent turns what a teller tells into inputs.
type respondent struct {
	teller
	form carrierfsm.Form
	skip string // the website that is to be left out; empty: none
}

func (r respondent) answer(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error) {
	step := v.Prompt.Step
	if v.Prompt.Skip && v.Source.Website == r.skip {
		return carrierfsm.SkipSource{Step: step}, nil
	}
	switch v.Prompt.Kind {
	case carrierfsm.PromptApplication:
		consent := carrierfsm.Consent{Policy: "quickstart-1", At: time.Now(), Channel: "terminal"}
		return carrierfsm.Apply{Step: step, Form: r.form, Consent: consent}, nil
	case carrierfsm.PromptPassword:
		if v.Prompt.Reset && v.Prompt.Reason == carrierfsm.ResetRequired {
			return carrierfsm.RequestReset{Step: step}, nil
		}
		value, err := r.password(ctx, v.Prompt.Kind, v.Source.Website)
		return carrierfsm.Password{Step: step, Password: carrierfsm.NewSecret(value)}, err
	case carrierfsm.PromptQueryPassword:
		value, err := r.password(ctx, v.Prompt.Kind, v.Source.Website)
		return carrierfsm.QueryPassword{Step: step, Password: carrierfsm.NewSecret(value)}, err
	default:
		return r.answerCode(ctx, v)
	}
}

// answerCode answers a prompt for a code, of a reset or any other.
func (r respondent) answerCode(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error) {
	step := v.Prompt.Step
	value, err := r.code(ctx, v.Prompt.Kind)
	switch {
	case errors.Is(err, errNoCode):
		return carrierfsm.ResendCaptcha{Step: step}, nil
	case err != nil || v.Prompt.Kind != carrierfsm.PromptResetCaptcha:
		return carrierfsm.Captcha{Step: step, Code: carrierfsm.NewSecret(value)}, err
	}
	in := carrierfsm.ResetCaptcha{Step: step, Code: carrierfsm.NewSecret(value)}
	if v.Prompt.NeedsNewPassword {
		value, err = r.newPassword(ctx)
		in.NewPassword = carrierfsm.NewSecret(value)
	}
	return in, err
}

func (r respondent) again(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error) {
	password, err := r.password(ctx, carrierfsm.PromptPassword, v.Source.Website)
	if err != nil {
		return nil, err
	}
	code, err := r.code(ctx, v.Prompt.Kind)
	return carrierfsm.Captcha{
		Step: v.Prompt.Step, Code: carrierfsm.NewSecret(code), Password: carrierfsm.NewSecret(password),
	}, err
}

// errNoCode is returned by a teller who wants another code.
var errNoCode = errors.New("no code came")

// keyboard is a teller at the terminal.
type keyboard struct {
	in    io.Reader
	lines *bufio.Reader
	out   io.Writer
	hint  func() string // what the simulated phone shows
}

func newKeyboard(in io.Reader, out io.Writer, hint func() string) *keyboard {
	return &keyboard{in: in, lines: bufio.NewReader(in), out: out, hint: hint}
}

func (k *keyboard) password(ctx context.Context, _ carrierfsm.PromptKind, _ string) (string, error) {
	return k.read(ctx, "    password (not shown): ", k.hidden)
}

func (k *keyboard) newPassword(ctx context.Context) (string, error) {
	return k.read(ctx, "    a new password of 6 to 8 digits (not shown): ", k.hidden)
}

func (k *keyboard) code(ctx context.Context, kind carrierfsm.PromptKind) (string, error) {
	_, _ = fmt.Fprintf(k.out, "    (the simulated phone shows: %s)\n", k.hint())
	question := "    code, or Enter to have it sent again: "
	if kind == carrierfsm.PromptOwnSMS {
		question = "    code: "
	}
	value, err := k.read(ctx, question, k.line)
	if err == nil && value == "" && kind != carrierfsm.PromptOwnSMS {
		return "", errNoCode
	}
	return value, err
}

// read asks, and stops waiting when ctx ends; the terminal is then put back
// as it was.
func (k *keyboard) read(ctx context.Context, question string, from func() (string, error)) (string, error) {
	_, _ = fmt.Fprint(k.out, question)
	restore := k.remember()
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := from()
		read <- line{strings.TrimSpace(text), err}
	}()
	select {
	case l := <-read:
		return l.text, l.err
	case <-ctx.Done():
		restore()
		return "", ctx.Err()
	}
}

func (k *keyboard) line() (string, error) {
	text, err := k.lines.ReadString('\n')
	if err != nil && text != "" {
		return text, nil // a last line without an end
	}
	return text, err
}

// hidden reads without echo where there is a terminal.
func (k *keyboard) hidden() (string, error) {
	fd, isTerminal := k.terminal()
	if !isTerminal {
		return k.line()
	}
	text, err := term.ReadPassword(fd)
	_, _ = fmt.Fprintln(k.out)
	return string(text), err
}

func (k *keyboard) terminal() (fd int, ok bool) {
	file, isFile := k.in.(*os.File)
	if !isFile {
		return 0, false
	}
	fd = int(file.Fd())
	return fd, term.IsTerminal(fd)
}

// remember returns what puts the terminal back as it is now.
func (k *keyboard) remember() (restore func()) {
	fd, isTerminal := k.terminal()
	if !isTerminal {
		return func() {}
	}
	state, err := term.GetState(fd)
	if err != nil {
		return func() {}
	}
	return func() { _ = term.Restore(fd, state) }
}
