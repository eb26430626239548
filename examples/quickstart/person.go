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
	// answer returns the input for the prompt.
	answer(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error)
	// answerWithPassword returns the input for a prompt for a code, with the password.
	answerWithPassword(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error)
}

// values are what a person knows or reads from the phone.
type values interface {
	password(ctx context.Context, kind carrierfsm.PromptKind, website string) (string, error)
	code(ctx context.Context, kind carrierfsm.PromptKind) (string, error)
	// newPassword is the person's choice for a reset.
	newPassword(ctx context.Context) (string, error)
}

// answerer is a person whose inputs are made of values.
type answerer struct {
	values
	form        carrierfsm.Form
	skipWebsite string // the website to skip; empty: none
}

func (r answerer) answer(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error) {
	step := v.Prompt.Step
	if v.Prompt.Skip && v.Source.Website == r.skipWebsite {
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

// answerCode returns the input for a prompt for a code.
func (r answerer) answerCode(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error) {
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

func (r answerer) answerWithPassword(ctx context.Context, v carrierfsm.Verification) (carrierfsm.Input, error) {
	password, err := r.password(ctx, carrierfsm.PromptPassword, v.Source.Website)
	if err != nil {
		return nil, err
	}
	code, err := r.code(ctx, v.Prompt.Kind)
	return carrierfsm.Captcha{
		Step: v.Prompt.Step, Code: carrierfsm.NewSecret(code), Password: carrierfsm.NewSecret(password),
	}, err
}

// errNoCode is returned by values.code to request another code.
var errNoCode = errors.New("no code was received")

// terminal reads the values from a terminal.
type terminal struct {
	in    io.Reader
	lines *bufio.Reader
	out   io.Writer
	phone func() string // what the simulated phone shows
}

func newTerminal(in io.Reader, out io.Writer, hint func() string) *terminal {
	return &terminal{in: in, lines: bufio.NewReader(in), out: out, phone: hint}
}

func (k *terminal) password(ctx context.Context, _ carrierfsm.PromptKind, _ string) (string, error) {
	return k.prompt(ctx, "    password (not shown): ", k.readHidden)
}

func (k *terminal) newPassword(ctx context.Context) (string, error) {
	return k.prompt(ctx, "    a new password of 6 to 8 digits (not shown): ", k.readHidden)
}

func (k *terminal) code(ctx context.Context, kind carrierfsm.PromptKind) (string, error) {
	_, _ = fmt.Fprintf(k.out, "    (the simulated phone shows: %s)\n", k.phone())
	question := "    code, or Enter to have it sent again: "
	if kind == carrierfsm.PromptOwnSMS {
		question = "    code: "
	}
	value, err := k.prompt(ctx, question, k.readLine)
	if err == nil && strings.TrimSpace(value) == "" && kind != carrierfsm.PromptOwnSMS {
		return "", errNoCode
	}
	return value, err
}

// prompt prints a question and reads the answer. If ctx ends first, it restores the
// terminal's state and returns.
func (k *terminal) prompt(ctx context.Context, question string, from func() (string, error)) (string, error) {
	_, _ = fmt.Fprint(k.out, question)
	restore := k.saveState()
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := from()
		read <- line{strings.TrimRight(text, "\r\n"), err} // a password counts with its spaces
	}()
	select {
	case l := <-read:
		return l.text, l.err
	case <-ctx.Done():
		restore()
		return "", ctx.Err()
	}
}

func (k *terminal) readLine() (string, error) {
	text, err := k.lines.ReadString('\n')
	if err != nil && text != "" {
		return text, nil // a last line without a newline
	}
	return text, err
}

// readHidden reads a line, without echo if the input is a terminal.
func (k *terminal) readHidden() (string, error) {
	fd, isTerminal := k.fd()
	if !isTerminal {
		return k.readLine()
	}
	text, err := term.ReadPassword(fd)
	_, _ = fmt.Fprintln(k.out)
	return string(text), err
}

func (k *terminal) fd() (fd int, ok bool) {
	file, isFile := k.in.(*os.File)
	if !isFile {
		return 0, false
	}
	fd = int(file.Fd())
	return fd, term.IsTerminal(fd)
}

// saveState returns a function that restores the terminal's present state.
func (k *terminal) saveState() (restore func()) {
	fd, isTerminal := k.fd()
	if !isTerminal {
		return func() {}
	}
	state, err := term.GetState(fd)
	if err != nil {
		return func() {}
	}
	return func() { _ = term.Restore(fd, state) }
}
