package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// actsCommands work on the log of what operators did.
var actsCommands = []command{
	{
		name: "acts", about: "List what operators did and looked at, newest first", flags: actsFlags,
		more: "An act without an outcome goes on, or its process died: the history of the verification says whether it was done.",
	},
	{
		name: "purge-acts", about: "Delete old acts from the log", flags: purgeActsFlags,
		more: "Without -yes their number is printed. A service with Config.ActRetention deletes them by itself.",
	},
}

// looked logs a look. What can't be logged is shown all the same: an operator has to see a
// store that can't be written.
func (s *session) looked(ctx context.Context, a acts.Act) {
	if err := acts.Look(ctx, s.store, a); err != nil {
		s.log.WarnContext(ctx, "the look could not be logged", "operator", s.name, "kind", a.Kind, "id", a.Verification, "err", err)
	}
}

const actsHeader = "AT OPERATOR KIND VERIFICATION HANDLER STEP COUNT OUTCOME REASON"

func actCells(a acts.Act) []any {
	var step any = ""
	if a.Step > 0 {
		step = a.Step
	}
	return []any{a.At, a.Operator, a.Kind, a.Verification, a.Handler, step, a.Count, a.Outcome, a.Reason}
}

func actsFlags(f *flag.FlagSet) action {
	var o options
	var q acts.Query
	o.storeFlag(f)
	o.outputFlag(f)
	f.StringVar(&q.Operator, "operator", "", "only those of this `operator`")
	f.StringVar(&q.Verification, "id", "", "only those on this `verification`")
	f.StringVar(&q.Handler, "handler", "", "only replays to this `handler`")
	f.Func("kind", "only these `kinds`, with commas between; changes are all that change something, looks all that don't", func(s string) (err error) {
		q.Kinds, err = kindsOf(s)
		return err
	})
	f.BoolVar(&q.Open, "open", false, "only those without an outcome")
	timeFlag(f, &q.Since, "since", "only those from then on")
	timeFlag(f, &q.Before, "before", "only those before")
	limit := f.Int("limit", 100, "the most acts to list; 0: all")
	return o.look(func(ctx context.Context, s *session, _ []string) error {
		var rows []acts.Act
		err := eachAct(ctx, s.store, q, func(a acts.Act) bool {
			rows = append(rows, a)
			return *limit <= 0 || len(rows) < *limit
		})
		if err != nil && !partial(err) {
			return err
		}
		return errors.Join(printRows(s, actsHeader, rows, actCells), err)
	})
}

// kindsOf returns the kinds that a flag names.
func kindsOf(text string) (list []acts.Kind, err error) {
	for word := range strings.SplitSeq(text, ",") {
		switch {
		case word == "changes":
			list = append(list, acts.Changing()...)
		case word == "looks":
			list = append(list, acts.Looking()...)
		case slices.Contains(slices.Concat(acts.Changing(), acts.Looking()), acts.Kind(word)):
			list = append(list, acts.Kind(word))
		default:
			return nil, errors.New("no such kind")
		}
	}
	return list, nil
}

// eachAct calls f for what matches, newest first, until it returns false. While a shard is
// down it goes on with the others, and returns the error at the end.
func eachAct(ctx context.Context, l acts.Log, q acts.Query, f func(acts.Act) (more bool)) error {
	q.Limit = pageSize
	var missing error
	for {
		list, err := l.Acts(ctx, q)
		switch {
		case partial(err):
			missing = err
		case err != nil:
			return err
		}
		for _, a := range list {
			if !f(a) {
				return missing
			}
			q.After = carrierfsm.PageKey{Time: a.At, ID: a.ID}
		}
		if len(list) < q.Limit {
			return missing
		}
	}
}

func purgeActsFlags(f *flag.FlagSet) action {
	var o options
	o.storeFlag(f)
	o.outputFlag(f)
	o.byFlag(f)
	o.reasonFlag(f)
	o.yesFlag(f)
	var before time.Time
	timeFlag(f, &before, "before", "those that were logged before, an hour ago or more (required)")
	return o.act(func(ctx context.Context, s *session, _ []string) error {
		if before.IsZero() {
			return usage("-before is required")
		}
		if time.Since(before) < time.Hour {
			return usage("-before must be an hour ago or earlier: newer acts are kept") // this act too, even if the clocks differ
		}
		result := outcome{DryRun: !s.yes}
		err := eachAct(ctx, s.store, acts.Query{Before: before}, func(acts.Act) bool {
			result.Matched++
			return true
		})
		if err != nil {
			return err
		}
		if !s.yes {
			return s.printOutcome(result, fmt.Sprintf("%s would be deleted; -yes does it", count(result.Matched, "act")))
		}
		act := acts.Act{Kind: acts.PurgeActs, Count: result.Matched, Reason: s.reason}
		err = acts.Do(ctx, s.store, act, func(ctx context.Context) (_ int, err error) {
			result.Done, err = acts.PurgeBefore(ctx, s.store, before)
			return result.Done, err
		})
		if err != nil {
			return err
		}
		s.did(ctx, "purged acts", "before", utc(before), "deleted", result.Done)
		return s.printOutcome(result, count(result.Done, "act")+" deleted")
	})
}
