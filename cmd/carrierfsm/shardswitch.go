package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// shardSwitch is the one database whose shard is closed or opened, with what it said.
type shardSwitch struct {
	options
	streams
	sharded.Member
	log         *slog.Logger
	name, slots string
	epoch       int64
}

// switchFlags returns the action of a command that closes or opens a shard.
func switchFlags(f *flag.FlagSet, do func(context.Context, *shardSwitch) error) action {
	var o options
	o.storeFlag(f)
	o.byFlag(f)
	o.yesFlag(f)
	return func(ctx context.Context, std streams, _ []string) error {
		ctx, by, err := o.operator(ctx)
		if err != nil {
			return err
		}
		return withMember(ctx, o.spec(), func(m sharded.Member) (err error) {
			s := &shardSwitch{options: o, streams: std, Member: m}
			s.name, s.epoch, s.slots, err = m.Shard(ctx)
			if err == nil && s.epoch == 0 {
				err = usage("the database is no shard")
			}
			if err != nil {
				return err
			}
			s.log = slog.New(slog.NewTextHandler(std.err, nil)).With("operator", by, "shard", s.name)
			return do(ctx, s)
		})
	}
}

func shardCloseFlags(f *flag.FlagSet) action {
	wait := f.Duration("wait", 5*time.Minute, "how long to wait for the calls that are under way, a `time` like 90s; 0 closes at once, and their outcomes are lost")
	return switchFlags(f, func(ctx context.Context, s *shardSwitch) error {
		switch {
		case *wait < 0:
			return usage("-wait: negative")
		case strings.HasPrefix(s.slots, sharded.MovedPrefix):
			return s.refused("it is closed already")
		case s.yes && *wait > 0:
			if err := s.drain(ctx, *wait); err != nil {
				return err
			}
		}
		return s.to(ctx, "closed", sharded.MovedPrefix+strings.TrimPrefix(s.slots, sharded.DrainedPrefix))
	})
}

func shardOpenFlags(f *flag.FlagSet) action {
	return switchFlags(f, func(ctx context.Context, s *shardSwitch) error {
		if strings.HasPrefix(s.slots, sharded.DrainedPrefix) {
			return s.undrain(ctx)
		}
		slots, closed := strings.CutPrefix(s.slots, sharded.MovedPrefix)
		if !closed {
			return s.refused("it is not closed")
		}
		return s.to(ctx, "open", slots)
	})
}

// refused is the error of a shard in whose state this can't be done.
func (s *shardSwitch) refused(format string, values ...any) error {
	return marked{fmt.Errorf("the shard %s: %w", s.name, fmt.Errorf(format, values...)), carrierfsm.ErrConflict}
}

// to puts the database into the next epoch, with other slots.
func (s *shardSwitch) to(ctx context.Context, what, slots string) error {
	if !s.yes {
		_, _ = fmt.Fprintf(s.out, "the shard %s would be %s, in epoch %d; -yes does it\n", s.name, what, s.epoch+1)
		return nil
	}
	begun := time.Now()
	if err := s.SetShard(ctx, s.name, s.epoch+1, slots); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "switched a shard", "epoch", s.epoch+1, "is", what, "took", time.Since(begun))
	_, _ = fmt.Fprintf(s.out, "the shard %s is %s, in epoch %d\n", s.name, what, s.epoch+1)
	return nil
}

// undrain has a shard that drains take submissions again.
func (s *shardSwitch) undrain(ctx context.Context) error {
	if !s.yes {
		_, _ = fmt.Fprintf(s.out, "the shard %s would take submissions again, in epoch %d; -yes does it\n", s.name, s.epoch)
		return nil
	}
	if err := s.DrainShard(ctx, s.epoch, false); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "a shard takes submissions again", "epoch", s.epoch)
	_, _ = fmt.Fprintf(s.out, "the shard %s takes submissions again, in epoch %d\n", s.name, s.epoch)
	return nil
}

// drains is what to do about a shard that was not closed.
const drains = "it takes no new submissions: run shard close again, or shard open to take them again"

// drain has a shard take no new submissions, and waits until no call is under way.
func (s *shardSwitch) drain(ctx context.Context, wait time.Duration) error {
	begun := time.Now()
	if err := s.DrainShard(ctx, s.epoch, true); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "a shard takes no new submissions", "epoch", s.epoch)
	calls, said := underWay{until: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, 0
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		n, err := calls.count(ctx, s.Member)
		switch left := wait - time.Since(begun); {
		case err != nil:
			return fmt.Errorf("the shard %s: %w; %s", s.name, err, drains)
		case n == 0:
			return s.stillDrained(ctx)
		case left <= 0:
			return s.refused("%d calls are under way after %v; %s", n, wait, drains)
		default:
			pause = min(pause, left)
		}
		if n != said {
			s.log.InfoContext(ctx, "waiting for calls that are under way", "calls", n)
			said = n
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("the shard %s: %w; %s", s.name, ctx.Err(), drains)
		}
	}
}

// stillDrained returns an error if another operator has opened or closed the shard.
func (s *shardSwitch) stillDrained(ctx context.Context) error {
	_, epoch, slots, err := s.Shard(ctx)
	if err == nil && (epoch != s.epoch || !strings.HasPrefix(slots, sharded.DrainedPrefix)) {
		err = s.refused("another operator has switched it meanwhile")
	}
	return err
}

// underWay counts the calls under way on a database that begins no further ones. A record
// that is in flight is due when its call is given up, so the first count reads all records
// that are ever due, and the others only those between the first and the last that it found.
type underWay struct {
	after carrierfsm.PageKey
	until time.Time
}

// countPage is how many records are read at once.
const countPage = 1000

func (u *underWay) count(ctx context.Context, of carrierfsm.Store) (n int, err error) {
	var first, last time.Time
	for after := u.after; ; {
		page, err := of.Due(ctx, u.until, after, countPage)
		if err != nil {
			return 0, err
		}
		for i := range page {
			if r := &page[i]; r.InFlight {
				if n++; n == 1 {
					first = r.Due
				}
				last = r.Due
			}
		}
		if len(page) < countPage {
			break
		}
		after = carrierfsm.PageKey{Time: page[countPage-1].Due, ID: page[countPage-1].ID}
	}
	u.after, u.until = carrierfsm.PageKey{Time: first.Add(-time.Microsecond)}, last
	return n, nil
}
