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
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// bulkCommands change many verifications.
var bulkCommands = []command{
	{
		name: "replay", args: "[ID...]", about: "Have a handler called again: for these verifications, for all that match, or for all that are parked", most: -1, flags: replayFlags,
		more: "Without ids, -yes is needed; without it the number is printed. The replica that holds the handler's lease makes the calls.",
	},
	{
		name: "reseal", args: "[ID...]", about: "Write verifications again, sealed with the first key", most: -1, flags: resealFlags,
		more: "Without ids, -yes is needed; without it the number is printed.",
	},
	{
		name: "purge", about: "Delete verifications that ended long ago, with their histories", flags: purgeFlags,
		more: "What a handler still needs is kept, and counted. Without -yes the number of those that ended is printed.",
	},
}

// outcome is what a command did to many.
type outcome struct {
	Matched int  `json:"matched"`
	Done    int  `json:"done"`
	Kept    int  `json:"kept,omitempty"`
	Failed  int  `json:"failed,omitempty"`
	DryRun  bool `json:"dry_run"`
}

func (s *session) printOutcome(o outcome, text string) error {
	if s.json {
		return s.printJSON(o)
	}
	_, err := fmt.Fprintln(s.out, text)
	return err
}

// chosen returns the ids of the arguments or of the selection, and whether it is the
// latter.
func (q *selection) chosen(ctx context.Context, s *session, args []string) (ids []string, many bool, err error) {
	switch {
	case len(args) > 0 && (q.narrow() || q.all):
		return nil, false, usage("ids and filters: one of them")
	case len(args) > 0:
		return args, false, nil
	case !q.narrow() && !q.all:
		return nil, false, usage("which verifications? Give ids, filters or -all")
	}
	ids, err = q.ids(ctx, s.machine)
	return ids, true, err
}

// many does something to many verifications, or with a dry run only counts them. It is
// one act in the log, with their number.
func (s *session) many(ctx context.Context, a acts.Act, ids []string, what string, do func(ctx context.Context, id string) error) error {
	o := outcome{Matched: len(ids), DryRun: !s.yes}
	if !s.yes {
		return s.printOutcome(o, fmt.Sprintf("%s would be %s; -yes does it", count(len(ids), "verification"), what))
	}
	a.Count, a.Reason = len(ids), s.reason
	err := acts.Do(ctx, s.store, a, func(ctx context.Context) (int, error) {
		err := s.all(ctx, ids, &o, do)
		return o.Done, err
	})
	if errors.Is(err, acts.ErrNotLogged) {
		return err
	}
	s.did(ctx, what, "matched", o.Matched, "done", o.Done, "failed", o.Failed)
	if e := s.printOutcome(o, fmt.Sprintf("%s %s, %d failed", count(o.Done, "verification"), what, o.Failed)); e != nil {
		return e
	}
	return err
}

// all does something to each of the verifications and counts. It returns the first error.
func (s *session) all(ctx context.Context, ids []string, o *outcome, do func(ctx context.Context, id string) error) (failed error) {
	for _, id := range ids {
		if err := do(ctx, id); err != nil {
			s.log.WarnContext(ctx, "refused or failed", "operator", s.name, "id", id, "err", err)
			o.Failed++
			if failed == nil {
				failed = fmt.Errorf("the first that failed: %w", err)
			}
			if ctx.Err() != nil {
				break
			}
			continue
		}
		o.Done++
	}
	return failed
}

func replayFlags(f *flag.FlagSet) action {
	var o options
	var q selection
	o.actFlags(f)
	o.yesFlag(f)
	q.flags(f)
	q.allFlag(f)
	handler := f.String("handler", "", "the `handler` to call again (required)")
	from := f.Int("from", 1, "the first `step` to deliver again")
	parked := f.Bool("parked", false, "all that are parked for the handler, each from the step where it failed")
	failed := f.String("error", "", "with -parked: only those whose event or error contains this `text`")
	return o.act(func(ctx context.Context, s *session, args []string) error {
		if err := s.knowsHandler(ctx, *handler); err != nil {
			return err
		}
		if *parked {
			if len(args) > 0 || q.narrow() || q.all || *from != 1 {
				return usage("-parked takes no ids, no filters and no -from")
			}
			return s.replayParked(ctx, *handler, *failed)
		}
		if *failed != "" {
			return usage("-error needs -parked")
		}
		q.least = max(1, *from) // others have nothing to deliver
		ids, many, err := q.chosen(ctx, s, args)
		if err != nil {
			return err
		}
		act := acts.Act{Kind: acts.Replay, Handler: *handler, Step: *from}
		replay := func(ctx context.Context, id string) error { return s.dispatcher.Replay(ctx, *handler, id, *from) }
		if many {
			return s.many(ctx, act, ids, "replayed", replay)
		}
		return s.each(ctx, ids, func(id string) (string, error) {
			act.Verification = id
			err := s.do(ctx, act, func(ctx context.Context) error { return replay(ctx, id) })
			if err == nil {
				s.did(ctx, "replayed", "id", id, "handler", *handler, "step", *from)
			}
			return "is delivered again to " + plain(*handler), err
		})
	})
}

func (s *session) knowsHandler(ctx context.Context, name string) error {
	if name == "" {
		return usage("-handler is required; carrierfsm handlers lists them")
	}
	list, err := s.dispatcher.Cursors(ctx)
	if err == nil && !slices.ContainsFunc(list, func(c outbox.Cursor) bool { return c.Name == name }) {
		err = marked{fmt.Errorf("no handler %q has ever run on this store; carrierfsm handlers lists them", name), errNone}
	}
	return err
}

func (s *session) replayParked(ctx context.Context, handler, failed string) error {
	list, err := s.parked(ctx, outbox.ParkedQuery{Handler: handler}, 0)
	if err != nil {
		return err
	}
	steps, ids := make(map[string]int, len(list)), []string{}
	for _, p := range s.parkedOf(list) {
		if strings.Contains(string(p.Event), failed) || strings.Contains(p.Error, failed) {
			steps[p.ID], ids = p.Step, append(ids, p.ID)
		}
	}
	return s.many(ctx, acts.Act{Kind: acts.Replay, Handler: handler}, ids, "replayed", func(ctx context.Context, id string) error {
		return s.dispatcher.Replay(ctx, handler, id, steps[id])
	})
}

func resealFlags(f *flag.FlagSet) action {
	var o options
	var q selection
	o.actFlags(f)
	o.yesFlag(f)
	q.flags(f)
	q.allFlag(f)
	return o.act(func(ctx context.Context, s *session, args []string) error {
		if !s.sealed {
			return usage("reseal needs -key-file")
		}
		ids, many, err := q.chosen(ctx, s, args)
		if err != nil {
			return err
		}
		reseal := func(ctx context.Context, id string) error { return s.machine.Reseal(ctx, id) }
		if many {
			return s.many(ctx, acts.Act{Kind: acts.Reseal}, ids, "resealed", reseal)
		}
		return s.each(ctx, ids, func(id string) (string, error) {
			err := s.do(ctx, acts.Act{Kind: acts.Reseal, Verification: id}, func(ctx context.Context) error { return reseal(ctx, id) })
			if err == nil {
				s.did(ctx, "resealed", "id", id)
			}
			return "resealed", err
		})
	})
}

func purgeFlags(f *flag.FlagSet) action {
	var o options
	o.actFlags(f)
	o.yesFlag(f)
	var before time.Time
	timeFlag(f, &before, "before", "those that ended before (required)")
	return o.act(func(ctx context.Context, s *session, _ []string) error {
		if before.IsZero() {
			return usage("-before is required")
		}
		q := selection{Query: carrierfsm.Query{States: []carrierfsm.State{carrierfsm.Done, carrierfsm.Failed}, UpdatedBefore: before}}
		ids, err := q.ids(ctx, s.machine)
		if err != nil {
			return err
		}
		result := outcome{Matched: len(ids), DryRun: !s.yes}
		if !s.yes {
			return s.printOutcome(result, fmt.Sprintf("%s ended before %s; -yes deletes those that no handler needs", count(len(ids), "verification"), utc(before)))
		}
		act := acts.Act{Kind: acts.Purge, Count: len(ids), Reason: s.reason}
		err = acts.Do(ctx, s.store, act, func(ctx context.Context) (_ int, err error) {
			result.Done, result.Kept, err = s.machine.Purge(ctx, before)
			return result.Done, err
		})
		if errors.Is(err, acts.ErrNotLogged) {
			return err
		}
		s.did(ctx, "purged", "before", utc(before), "deleted", result.Done, "kept", result.Kept)
		if err != nil {
			return err
		}
		return s.printOutcome(result, fmt.Sprintf("%s deleted, %d kept for handlers", count(result.Done, "verification"), result.Kept))
	})
}
