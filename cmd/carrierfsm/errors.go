package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

var (
	// errUsage marks what the caller has to write differently.
	errUsage = errors.New("usage")
	// errNone is that nothing was found.
	errNone           = errors.New("not found")
	errNoVerification = errors.New("no live verification of this number")
	// errFound is what verify and migrate status end with if there is something to do.
	errFound = errors.New("found")
)

// usage returns an error that matches errUsage and has only its own text.
func usage(format string, values ...any) error {
	return marked{fmt.Errorf(format, values...), errUsage}
}

// marked is an error with the text of one error that matches another one too.
type marked struct {
	error
	mark error
}

func (m marked) Unwrap() []error { return []error{m.error, m.mark} }

// exitCode returns the exit code of a result. Of joined errors the first one in the
// order of these cases counts.
func exitCode(err error) int {
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil, is(flag.ErrHelp):
		return exitOK
	case is(errUsage, carrierfsm.ErrInvalid):
		return exitUsage
	case is(carrierfsm.ErrStore, carrierfsm.ErrClosed, carrierfsm.ErrSealed, carrierfsm.ErrCorrupt, carrierfsm.ErrNewerTable, context.Canceled):
		return exitFailed
	case is(errFound):
		return exitFound
	case is(errNone, carrierfsm.ErrNotFound):
		return exitNotFound
	case is(carrierfsm.ErrNotAwaited, carrierfsm.ErrInFlight, carrierfsm.ErrConflict, carrierfsm.ErrStale, outbox.ErrLeaseHeld):
		return exitRefused
	}
	return exitFailed
}

// textOf returns an error's text for a terminal: one line for each error.
func textOf(err error) string {
	text := strings.ReplaceAll(err.Error(), "carrierfsm: ", "")
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\ncarrierfsm: ")
}
