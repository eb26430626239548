// Package audit looks for damage in a store: histories with gaps or that don't lead
// to the state of their record, rows that belong to no verification, a sequence that
// would use positions again, and records that can't be opened. Nothing in this module
// leaves such traces; a restored backup, a failing disk, or hands on the tables may.
package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// Kind is a kind of damage.
type Kind string

// The kinds of damage.
const (
	// HistoryGap: the steps of a history are not 1, 2, 3 … up to the record's step.
	HistoryGap Kind = "history_gap"
	// HistoryBroken: a transition does not begin in the state in which the one before
	// it ended.
	HistoryBroken Kind = "history_broken"
	// HistoryEnd: the last transition is not the one that the record says.
	HistoryEnd Kind = "history_end"
	// Unreadable: the record or its history can't be opened by this machine, or does
	// not fit its seal.
	Unreadable Kind = "unreadable"
	// OrphanedHistory: entries of a history have no verification.
	OrphanedHistory Kind = "orphaned_history"
	// OrphanedParked: a parked row has no verification.
	OrphanedParked Kind = "orphaned_parked"
	// OrphanedBody: a body has no verification.
	OrphanedBody Kind = "orphaned_body"
	// MissingBody: a verification has no body.
	MissingBody Kind = "missing_body"
	// PositionsDisordered: a later step of a verification has a lower position, so a
	// handler gets it earlier.
	PositionsDisordered Kind = "positions_disordered"
	// PositionsReused: the sequence of positions is behind an entry or a cursor, so
	// handlers would miss entries.
	PositionsReused Kind = "positions_reused"
)

// Finding is one damage.
type Finding struct {
	Kind Kind
	// ID names the verification; empty for a damage of the whole store.
	ID string
	// Text says more, without anything personal.
	Text string
}

// Auditor is a further power of a store that is an outbox. All stores of this module
// have it.
type Auditor interface {
	// Audit looks at the tables as a whole, and returns the rows that belong to no
	// verification or lack a part, and damage of the positions: at most limit of each
	// kind. It reads all rows, and changes nothing. The rules of carrierfsm.Store on
	// contexts and closing apply.
	Audit(ctx context.Context, limit int) ([]Finding, error)
}

// Store is a store that can be checked.
type Store interface {
	carrierfsm.Store
	survey.Surveyor
	Auditor
}

const (
	// page is how many verifications are read at once, and openers how many of them
	// are opened at once.
	page    = 500
	openers = 8
	// each is how many findings of a kind Audit returns at most.
	each = 1000
	// maxSteps is more entries than a history has.
	maxSteps = 1000
	// rereads is how often a verification that others write is read again.
	rereads = 5
)

// Check looks for damage in a whole store and calls found for each, from one
// goroutine. It returns how many verifications it has checked. The machine opens
// records and details; nil leaves them closed. Others may write meanwhile: what looks
// damaged is read again before it is reported.
//
// It ends at the first error of the store or of found, and returns it.
func Check(ctx context.Context, m *carrierfsm.Machine, s Store, found func(Finding) error) (checked int, err error) {
	findings, err := s.Audit(ctx, each)
	if err == nil {
		err = report(findings, found)
	}
	if err != nil {
		return 0, err
	}
	for list, err := range pages(ctx, s) {
		if err != nil {
			return checked, err
		}
		for _, r := range checkAll(ctx, m, s, list) {
			if r.err == nil {
				r.err = report(r.list, found)
			}
			if r.err != nil {
				return checked, r.err
			}
			checked++
		}
	}
	return checked, nil
}

func report(list []Finding, found func(Finding) error) error {
	for _, f := range list {
		if err := found(f); err != nil {
			return err
		}
	}
	return nil
}

// pages are all verifications of a store, by the time of their creation. An error ends
// them.
func pages(ctx context.Context, s Store) iter.Seq2[[]survey.Timeline, error] {
	return func(yield func([]survey.Timeline, error) bool) {
		from, limit := time.Time{}, page
		until := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		var seen []string // those that were created at from
		for {
			list, err := s.Survey(ctx, from, until, limit)
			full := len(list) == limit
			list = slices.DeleteFunc(list, func(t survey.Timeline) bool { return slices.Contains(seen, t.Record.ID) })
			if err == nil && full && len(list) == 0 {
				limit *= 2 // all were created at the same time
				continue
			}
			if !yield(list, err) || err != nil || !full {
				return
			}
			from, seen = nextPage(from, seen, list)
		}
	}
}

// nextPage returns the time at which the next page begins, and which verifications of
// that time have been seen.
func nextPage(from time.Time, seen []string, list []survey.Timeline) (time.Time, []string) {
	last := list[len(list)-1].Record.Created
	if !last.Equal(from) {
		seen = nil
	}
	for _, t := range list {
		if t.Record.Created.Equal(last) {
			seen = append(seen, t.Record.ID)
		}
	}
	return last, seen
}

// result is what is wrong with one verification.
type result struct {
	list []Finding
	err  error
}

// checkAll checks a page, some verifications at a time.
func checkAll(ctx context.Context, m *carrierfsm.Machine, s Store, list []survey.Timeline) []result {
	results := make([]result, len(list))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(openers, len(list)) {
		workers.Go(func() {
			for i := range next {
				results[i].list, results[i].err = check(ctx, m, s, list[i])
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	workers.Wait()
	return results
}

// check returns what is wrong with one verification.
func check(ctx context.Context, m *carrierfsm.Machine, s Store, t survey.Timeline) (list []Finding, err error) {
	if len(wrong(t)) > 0 {
		var there bool
		if t, there, err = reread(ctx, s, t.Record.ID); err != nil || !there {
			return nil, err
		}
		list = wrong(t)
	}
	if m == nil {
		return list, nil
	}
	_, err = m.Read(ctx, t.Record.ID)
	if err == nil {
		_, err = m.History(ctx, t.Record.ID)
	}
	switch {
	case err == nil, errors.Is(err, carrierfsm.ErrNotFound): // purged meanwhile
		return list, nil
	case ctx.Err() != nil, errors.Is(err, carrierfsm.ErrStore), errors.Is(err, carrierfsm.ErrClosed):
		return list, err
	}
	return append(list, Finding{Unreadable, t.Record.ID, strings.TrimPrefix(err.Error(), "carrierfsm: ")}), nil
}

// reread reads a verification and its history as they were at one time; false if it
// is not there any more.
func reread(ctx context.Context, s Store, id string) (t survey.Timeline, there bool, err error) {
	for range rereads {
		if t.Record, err = s.Load(ctx, id); err == nil {
			if t.Entries, err = s.History(ctx, id, 0, maxSteps); err == nil {
				var after carrierfsm.Record
				if after, err = s.Load(ctx, id); err == nil && after.Version == t.Record.Version {
					return t, true, nil
				}
			}
		}
		if errors.Is(err, carrierfsm.ErrNotFound) {
			return t, false, nil
		}
		if err != nil {
			return t, false, err
		}
	}
	return t, false, nil // it is written all the time: no damage stops that
}

// wrong returns what is wrong with a history, one finding of each kind.
func wrong(t survey.Timeline) (list []Finding) {
	r := t.Record
	add := func(kind Kind, format string, values ...any) {
		list = append(list, Finding{kind, r.ID, fmt.Sprintf(format, values...)})
	}
	state := carrierfsm.Created
	for i, e := range t.Entries {
		if e.Step != i+1 {
			add(HistoryGap, "entry %d is step %d", i+1, e.Step)
			return list
		}
		if e.From != state && len(list) == 0 {
			add(HistoryBroken, "step %d begins in %s, after %s", e.Step, e.From, state)
		}
		state = e.To
	}
	last := carrierfsm.Entry{To: carrierfsm.Created}
	if n := len(t.Entries); n > 0 {
		last = t.Entries[n-1]
	}
	switch {
	case last.Step != r.Step:
		add(HistoryGap, "the history ends at step %d, the record is at step %d", last.Step, r.Step)
	case last.To != r.State || last.Event != r.Reason:
		add(HistoryEnd, "the history ends with %s in %s, the record says %s in %s", last.Event, last.To, r.Reason, r.State)
	}
	return list
}
