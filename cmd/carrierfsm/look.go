package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// lookCommands only read.
var lookCommands = []command{
	{name: "list", about: "List verifications, newest first", flags: listFlags},
	{name: "show", args: "ID", about: "Show one verification with its timeline, and the handlers it is parked for", least: 1, most: 1, flags: showFlags},
	{
		name: "find", args: "[NUMBER|-]", about: "Find the live verification of a phone number", most: 1, flags: findFlags,
		more: "Without NUMBER, or with -, the number is read from standard input: there no shell keeps it. A verification that has\nended is not found, since its key is deleted with its end.",
	},
	{name: "parked", about: "List the verifications that are parked because a handler failed, those to be tried next first", flags: parkedFlags},
	{name: "handlers", about: "List the handlers: who holds the lease, how far behind each is, how many are parked", flags: handlersFlags},
}

func listFlags(f *flag.FlagSet) action {
	var o options
	var q selection
	o.namedFlags(f)
	q.flags(f)
	limit := f.Int("limit", 100, "the most verifications to list; 0: all")
	overdue := f.Bool("overdue", false, "only those that Run should have settled a minute ago, the longest first; other filters don't apply")
	return o.named(func(ctx context.Context, s *session, _ []string) error {
		if *overdue && q.narrow() {
			return usage("-overdue takes no other filter")
		}
		var rows []summaryJSON
		take := func(v carrierfsm.Summary) (bool, error) {
			rows = append(rows, summaryOf(v))
			return *limit <= 0 || len(rows) < *limit, nil
		}
		q.Bodies = true
		err := q.each(ctx, s.machine, take)
		if *overdue {
			rows = nil
			err = eachOverdue(ctx, s.machine, take)
		}
		if err != nil && !partial(err) {
			return err
		}
		kind := acts.List
		if q.reference != "" {
			kind = acts.Find
		}
		s.looked(ctx, acts.Act{Kind: kind, Count: len(rows)})
		return errors.Join(printRows(s, summaryHeader, rows, summaryJSON.cells), err)
	})
}

func eachOverdue(ctx context.Context, m *carrierfsm.Machine, f func(carrierfsm.Summary) (bool, error)) error {
	var after carrierfsm.PageKey
	var unread error // of this page, or of one before
	for {
		list, err := m.Overdue(ctx, time.Minute, after, pageSize)
		if err != nil && !partial(err) {
			return err
		}
		unread = cmp.Or(err, unread)
		for _, v := range list {
			after = carrierfsm.PageKey{Time: v.Due, ID: v.ID}
			if more, err := f(v); err != nil || !more {
				return cmp.Or(err, unread)
			}
		}
		if len(list) < pageSize {
			return unread
		}
	}
}

func showFlags(f *flag.FlagSet) action {
	var o options
	o.namedFlags(f)
	return o.named(func(ctx context.Context, s *session, args []string) error { return s.show(ctx, args[0]) })
}

// show prints a verification. Of one that can't be opened it prints the columns, and
// returns the error.
func (s *session) show(ctx context.Context, id string) error {
	v, err := s.machine.Read(ctx, id)
	if err != nil && v.ID == "" {
		return err
	}
	s.looked(ctx, acts.Act{Kind: acts.Show, Verification: v.ID, Count: 1})
	history, historyErr := s.machine.History(ctx, id)
	if historyErr != nil && history == nil {
		return historyErr
	}
	parked, parkedErr := s.dispatcher.Parked(ctx, outbox.ParkedQuery{ID: id})
	if parkedErr != nil {
		return parkedErr
	}
	if err == nil {
		err = historyErr
	}
	j := verificationOf(v, history, s.parkedOf(parked))
	if err != nil {
		j.Error = textOf(err)
	}
	if s.json {
		if e := s.printJSON(j); e != nil {
			return e
		}
		return err
	}
	if e := s.printVerification(j); e != nil {
		return e
	}
	return err
}

func verificationOf(v carrierfsm.Verification, history []carrierfsm.Transition, parked []parkedJSON) verificationJSON {
	j := verificationJSON{
		summaryJSON: summaryJSON{
			ID: v.ID, Reference: v.Reference, State: v.State, Step: v.Step, Source: v.Source.Website, Event: v.Reason, InFlight: v.InFlight,
			Created: v.Created, Updated: v.Updated,
		},
		Canceling: v.Canceling, SourceName: v.Source.Name, Account: v.Account, Message: v.Message, Deadline: v.Deadline,
		Timeline: make([]transitionJSON, len(history)), Parked: parked,
	}
	if p := v.Prompt; p != nil {
		j.Prompt = &promptJSON{p.Kind, p.Step, p.Deadline}
	}
	if c := v.Consent; c != nil {
		j.Consent = &consentJSON{c.Policy, c.At, c.Channel}
	}
	for i, t := range history {
		j.Timeline[i] = transitionOf(t)
	}
	return j
}

func (s *session) printVerification(v verificationJSON) error {
	facts := [][2]any{
		{"id", v.ID},
		{"reference", v.Reference},
		{"state", v.State},
		{"step", v.Step},
		{"latest event", v.Event},
		{"call in flight", v.InFlight},
	}
	add := func(name string, present bool, value any) {
		if present {
			facts = append(facts, [2]any{name, value})
		}
	}
	add("canceling", v.Canceling, "when the call is settled")
	add("source", v.Source != "", strings.TrimSpace(v.Source+" "+v.SourceName))
	add("account", v.Account != "", v.Account)
	add("message", v.Message != "", v.Message)
	if v.Prompt != nil {
		add("asked for", true, fmt.Sprintf("%s, until %s", v.Prompt.Kind, utc(v.Prompt.Deadline)))
	}
	if v.Consent != nil {
		add("consent", true, fmt.Sprintf("%s, %s, %s", v.Consent.Policy, utc(v.Consent.At), v.Consent.Channel))
	}
	add("created", true, v.Created)
	add("updated", true, v.Updated)
	add("deadline", !v.Deadline.IsZero(), v.Deadline)
	for _, f := range facts {
		_, _ = fmt.Fprintf(s.out, "%-15s %s\n", f[0], cell(f[1]))
	}
	if len(v.Timeline) > 0 {
		_, _ = fmt.Fprintln(s.out)
	}
	before := v.Created
	err := printTable(s.out, timelineHeader, v.Timeline, func(t transitionJSON) []any {
		after := max(0, t.At.Sub(before)).Round(time.Millisecond)
		before = t.At
		return []any{t.Step, t.At, after, t.Event, t.To, t.By, t.detail()}
	})
	if err != nil || len(v.Parked) == 0 {
		return err
	}
	_, _ = fmt.Fprintln(s.out)
	return printTable(s.out, parkedHeader, v.Parked, parkedJSON.cells)
}

func parkedFlags(f *flag.FlagSet) action {
	var o options
	o.lookFlags(f)
	var q outbox.ParkedQuery
	f.StringVar(&q.Handler, "handler", "", "only those of this `handler`")
	f.StringVar(&q.ID, "id", "", "only this `verification`")
	limit := f.Int("limit", 100, "the most rows to list; 0: all")
	return o.look(func(ctx context.Context, s *session, _ []string) error {
		list, err := s.parked(ctx, q, *limit)
		if err != nil {
			return err
		}
		return printRows(s, parkedHeader, s.parkedOf(list), parkedJSON.cells)
	})
}

// parked returns parked rows, at most limit of them if it is positive.
func (s *session) parked(ctx context.Context, q outbox.ParkedQuery, limit int) (list []outbox.Parked, err error) {
	for {
		q.Limit = pageSize
		if limit > 0 {
			q.Limit = min(pageSize, limit-len(list))
		}
		page, err := s.dispatcher.Parked(ctx, q)
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
		if len(page) < q.Limit || len(list) == limit {
			return list, nil
		}
		last := page[len(page)-1]
		q.After = outbox.ParkedKey{Next: last.Next, Handler: last.Handler, ID: last.ID}
	}
}

func handlersFlags(f *flag.FlagSet) action {
	var o options
	o.lookFlags(f)
	return o.look(func(ctx context.Context, s *session, _ []string) error {
		list, unread := s.dispatcher.Cursors(ctx)
		if unread != nil && !partial(unread) {
			return unread
		}
		rows := make([]cursorJSON, len(list))
		for i, c := range list {
			rows[i] = cursorJSON{c.Name, c.Shard, c.Owner, c.Until, c.Behind, c.Parked}
		}
		return errors.Join(printRows(s, "HANDLER OWNER UNTIL BEHIND-SINCE PARKED", rows, cursorJSON.cells), unread)
	})
}
