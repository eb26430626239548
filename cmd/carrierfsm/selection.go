package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// live is the word for all states that are not terminal.
const live = "live"

// selection selects verifications by flags.
type selection struct {
	carrierfsm.Query
	reference string
	all       bool
	least     int // the least step
}

func (q *selection) flags(f *flag.FlagSet) {
	f.Func("state", "only those in this `state`, or in these, with commas between; "+live+" are all that have not ended", q.setStates)
	f.StringVar(&q.Source, "source", "", "only those at this `website`")
	f.Func("event", "only those whose latest `event` is this one", func(s string) error {
		q.Reason = carrierfsm.Event(s)
		if !slices.ContainsFunc(carrierfsm.Edges(), func(e carrierfsm.Edge) bool { return e.Event == q.Reason }) {
			return errors.New("no such event; docs/states.md has them all")
		}
		return nil
	})
	f.BoolVar(&q.InFlight, "in-flight", false, "only those with a call under way")
	f.StringVar(&q.reference, "reference", "", "only those with this `reference` of the host; all others that match are read, too")
	timeFlag(f, &q.CreatedAfter, "created-after", "only those created after")
	timeFlag(f, &q.CreatedBefore, "created-before", "only those created before")
	timeFlag(f, &q.UpdatedBefore, "updated-before", "only those last changed before")
}

func (q *selection) allFlag(f *flag.FlagSet) { f.BoolVar(&q.all, "all", false, "all verifications") }

func (q *selection) setStates(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		s := carrierfsm.State(word)
		switch {
		case word == live:
			for _, s := range carrierfsm.States() {
				if !s.Terminal() {
					q.States = append(q.States, s)
				}
			}
		case slices.Contains(carrierfsm.States(), s):
			q.States = append(q.States, s)
		default:
			return errors.New("no such state; docs/states.md has them all")
		}
	}
	return nil
}

// narrow reports whether any flag of the selection was given.
func (q *selection) narrow() bool {
	return len(q.States) > 0 || q.Source != "" || q.Reason != "" || q.InFlight || q.reference != "" ||
		!q.CreatedAfter.IsZero() || !q.CreatedBefore.IsZero() || !q.UpdatedBefore.IsZero()
}

// pageSize is how many verifications are read at once.
const pageSize = 500

// each calls f for what matches, newest first, until it returns false or an error. If some
// shards do not answer it calls f for what the others have, and returns their error.
func (q *selection) each(ctx context.Context, m *carrierfsm.Machine, f func(carrierfsm.Summary) (more bool, _ error)) error {
	page := q.Query
	page.Limit, page.Bodies = pageSize, page.Bodies || q.reference != ""
	var unread error // of this page, or of one before
	for {
		list, err := m.List(ctx, page)
		if err != nil && !partial(err) {
			return err
		}
		unread = cmp.Or(err, unread)
		for _, v := range list {
			page.After = carrierfsm.PageKey{Time: v.Created, ID: v.ID}
			if q.reference != "" && v.Reference != q.reference || v.Step < q.least {
				continue
			}
			if more, err := f(v); err != nil || !more {
				return cmp.Or(err, unread)
			}
		}
		if len(list) < page.Limit {
			return unread
		}
	}
}

// ids returns the ids of what matches, newest first.
func (q *selection) ids(ctx context.Context, m *carrierfsm.Machine) (list []string, err error) {
	err = q.each(ctx, m, func(v carrierfsm.Summary) (bool, error) {
		list = append(list, v.ID)
		return true, nil
	})
	return list, err
}
