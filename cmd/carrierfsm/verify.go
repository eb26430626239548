package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm/store/audit"
)

var verifyCommand = command{
	name: "verify", about: "Look for damage: histories with gaps, rows that belong to nothing, positions that would be used again, what can't be opened",
	flags: verifyFlags,
	more:  "It reads everything and changes nothing; others may use the store meanwhile. Without the keys, what is sealed is\nreported as unreadable, unless -closed leaves it closed. The exit code is 5 if something is found.",
}

// verifyTimeout bounds each statement of verify.
const verifyTimeout = time.Hour

// verifiedJSON is what verify found.
type verifiedJSON struct {
	Checked  int           `json:"checked"`
	Findings []findingJSON `json:"findings"`
}

type findingJSON struct {
	Kind audit.Kind `json:"kind"`
	ID   string     `json:"id,omitempty"`
	Text string     `json:"text,omitempty"`
}

func verifyFlags(f *flag.FlagSet) action {
	o := options{timeout: verifyTimeout}
	o.lookFlags(f)
	closed := f.Bool("closed", false, "check columns only, and open no record and no detail")
	return o.look(func(ctx context.Context, s *session, _ []string) error {
		m := s.machine
		if *closed {
			m = nil
		}
		v := verifiedJSON{Findings: []findingJSON{}}
		var err error
		v.Checked, err = audit.Check(ctx, m, s.store, func(f audit.Finding) error {
			v.Findings = append(v.Findings, findingJSON{f.Kind, f.ID, f.Text})
			return nil
		})
		return errors.Join(s.printVerified(v), err, foundBy(v))
	})
}

func (s *session) printVerified(v verifiedJSON) error {
	if s.json {
		return s.printJSON(v)
	}
	err := printTable(s.out, "KIND ID WHAT", v.Findings, func(f findingJSON) []any { return []any{f.Kind, f.ID, f.Text} })
	_, _ = fmt.Fprintf(s.out, "%s checked, %s\n", count(v.Checked, "verification"), count(len(v.Findings), "finding"))
	return err
}

func foundBy(v verifiedJSON) error {
	if len(v.Findings) == 0 {
		return nil
	}
	return marked{errors.New(""), errFound}
}
