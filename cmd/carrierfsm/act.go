package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// actCommands change single verifications.
var actCommands = []command{
	{
		name: "cancel", args: "ID...", about: "Cancel verifications, as their persons could", least: 1, most: -1, flags: cancelFlags,
		more: "Where a call is under way, the cancellation waits until that is settled.",
	},
	{name: "expire", args: "ID...", about: "End verifications as if nobody had answered in time", least: 1, most: -1, flags: expireFlags},
	{
		name: "erase", args: "ID...", about: "Delete the persons' data from verifications for good", least: 1, most: -1, flags: eraseFlags,
		more: "States, events and times stay. Backups are not touched.",
	},
}

// acted is what was done to one verification, or would be.
type acted struct {
	ID  string `json:"id"`
	Did string `json:"did"`
}

// each calls f for each id, prints what it did, and goes on after an error. It
// returns the errors, joined.
func (s *session) each(ctx context.Context, ids []string, f func(id string) (did string, err error)) error {
	var errs []error
	var rows []acted
	for _, id := range ids {
		did, err := f(id)
		if err != nil {
			s.log.WarnContext(ctx, "refused or failed", "operator", s.name, "id", id, "err", err)
			errs = append(errs, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		rows = append(rows, acted{id, did})
		if !s.json {
			_, _ = fmt.Fprintf(s.out, "%s %s\n", plain(id), did)
		}
	}
	if s.json {
		if rows == nil {
			rows = []acted{}
		}
		errs = append(errs, s.printJSON(rows))
	}
	return errors.Join(errs...)
}

// endFlags defines a command that does one thing to each of its arguments.
func endFlags(f *flag.FlagSet, do func(ctx context.Context, s *session, id string) (string, error)) action {
	var o options
	o.actFlags(f)
	return o.act(func(ctx context.Context, s *session, ids []string) error {
		return s.each(ctx, ids, func(id string) (string, error) {
			how, err := do(ctx, s, id)
			if err == nil {
				s.did(ctx, how, "id", id)
			}
			return how, err
		})
	})
}

func cancelFlags(f *flag.FlagSet) action {
	return endFlags(f, func(ctx context.Context, s *session, id string) (string, error) { return s.cancel(ctx, id) })
}

// do logs an act on one verification, does it, and logs its outcome.
func (s *session) do(ctx context.Context, a acts.Act, f func(ctx context.Context) error) error {
	// What does not exist is not logged: an argument may be a phone number.
	if v, err := s.machine.Read(ctx, a.Verification); err != nil && v.ID == "" {
		return err
	}
	a.Count, a.Reason = 1, s.reason
	return acts.Do(ctx, s.store, a, func(ctx context.Context) (int, error) {
		err := f(ctx)
		if err != nil && !errors.Is(err, carrierfsm.ErrPending) {
			return 0, err
		}
		return 1, err
	})
}

func (s *session) cancel(ctx context.Context, id string) (string, error) {
	err := s.do(ctx, acts.Act{Kind: acts.Cancel, Verification: id}, func(ctx context.Context) error {
		_, err := s.machine.Submit(ctx, id, carrierfsm.Cancel{})
		return err
	})
	if errors.Is(err, carrierfsm.ErrPending) && !errors.Is(err, acts.ErrOutcomeNotLogged) && ctx.Err() == nil {
		return "is canceled when the call under way is settled", nil
	}
	return "canceled", err
}

func expireFlags(f *flag.FlagSet) action {
	return endFlags(f, func(ctx context.Context, s *session, id string) (string, error) {
		return "expired", s.do(ctx, acts.Act{Kind: acts.Expire, Verification: id}, func(ctx context.Context) error { return s.machine.Expire(ctx, id) })
	})
}

func eraseFlags(f *flag.FlagSet) action {
	var o options
	o.actFlags(f)
	o.yesFlag(f)
	return o.act(func(ctx context.Context, s *session, ids []string) error {
		return s.each(ctx, ids, func(id string) (string, error) {
			v, err := s.machine.Read(ctx, id)
			if err != nil && v.ID == "" {
				return "", err
			}
			if !o.yes {
				return fmt.Sprintf("(%s) would be erased; -yes does it", v.State), nil
			}
			err = s.do(ctx, acts.Act{Kind: acts.Erase, Verification: id}, func(ctx context.Context) error { return s.machine.Erase(ctx, id) })
			if err != nil {
				return "", err
			}
			s.did(ctx, "erased", "id", id)
			return "erased", nil
		})
	})
}
