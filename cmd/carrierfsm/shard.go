package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// shardCommands say which database is which shard: see package sharded.
var shardCommands = []command{
	{
		name: "shard list", about: "List what each database says: which shard it is, its epoch, and its slots", flags: shardListFlags,
	},
	{
		name: "shard create", about: "Write into new databases which shards they are", flags: shardCreateFlags,
		more: "The store is sharded:NAME=STORE NAME=STORE…, in the order of the service.",
	},
	{
		name: "shard close", about: "Drain a shard, then refuse all further writes of it, before it is moved", flags: shardCloseFlags,
		more: "The store is the one database. New submissions are refused first, and it waits for the calls of upstream that are under\nway: their outcomes are kept. If they take longer than -wait, the shard is not closed and goes on draining: run it again,\nor take submissions again with shard open. Replicas that know a database that was closed get no more writes through, not\nafter shard open either: they have to be started again. Without -yes nothing is changed.",
	},
	{
		name: "shard open", about: "Take writes again in a database that was closed, or in its copy", flags: shardOpenFlags,
		more: "The store is the one database. One that drains and was not closed takes submissions again, in the same epoch: no replica\nhas to be started again. Without -yes nothing is changed.",
	},
}

// shardsPrefix begins a -store of several shards.
const shardsPrefix = "sharded:"

// namedStore is one shard of a -store.
type namedStore struct{ name, spec string }

// shardsOf returns the shards of "sharded:a=STORE b=STORE"; none where the store is
// another one.
func shardsOf(spec string) (list []namedStore, err error) {
	text, ok := strings.CutPrefix(spec, shardsPrefix)
	if !ok {
		return nil, nil
	}
	for _, word := range strings.Fields(text) {
		name, of, _ := strings.Cut(word, "=")
		if strings.HasPrefix(of, shardsPrefix) || checkStore(of) != nil {
			return nil, usage("-store sharded: needs NAME=STORE, NAME=STORE …, each sqlite:PATH or postgres://…")
		}
		list = append(list, namedStore{name, of})
	}
	if len(list) == 0 {
		err = usage("-store sharded: names no shards")
	}
	return list, err
}

// openShards opens several shards as one store.
func openShards(ctx context.Context, shards []namedStore, timeout time.Duration, log *slog.Logger, create bool) (*sharded.Store, error) {
	c := sharded.Config{Logger: log, Create: create}
	var opened []sharded.Member
	fail := func(err error) (*sharded.Store, error) {
		for _, s := range opened {
			_ = s.(store).Close()
		}
		return nil, err
	}
	for _, one := range shards {
		open := func(ctx context.Context) (sharded.Member, error) {
			s, err := openStore(ctx, one.spec, timeout, log)
			if err != nil {
				return nil, fmt.Errorf("the shard %s: %w", one.name, err)
			}
			return s.(sharded.Member), nil
		}
		if !create { // one that is down is left out
			c.Shards = append(c.Shards, sharded.Shard{Name: one.name, Open: open})
			continue
		}
		s, err := open(ctx)
		if err != nil {
			return fail(err)
		}
		opened = append(opened, s)
		c.Shards = append(c.Shards, sharded.Shard{Name: one.name, Store: s})
	}
	s, err := sharded.New(ctx, c)
	if err != nil {
		return fail(err)
	}
	return s, nil
}

// partial reports whether some shards answered: what they have is printed before the
// error.
func partial(err error) bool { return errors.As(err, new(*carrierfsm.ShardsError)) }

// shardJSON is what a database says.
type shardJSON struct {
	Name  string `json:"name"`
	Epoch int64  `json:"epoch"`
	Slots string `json:"slots,omitempty"`
	Error string `json:"error,omitempty"`
}

func shardListFlags(f *flag.FlagSet) action {
	var o options
	o.storeFlag(f)
	o.outputFlag(f)
	return func(ctx context.Context, std streams, _ []string) error {
		if err := checkStore(o.spec()); err != nil {
			return err
		}
		shards, err := shardsOf(o.spec())
		if err != nil {
			return err
		}
		if shards == nil {
			shards = []namedStore{{spec: o.spec()}}
		}
		var rows []shardJSON
		var errs []error
		for _, one := range shards {
			row := shardJSON{Name: one.name}
			err := withMember(ctx, one.spec, func(m sharded.Member) (err error) {
				var name string
				name, row.Epoch, row.Slots, err = m.Shard(ctx)
				if row.Name = cmp.Or(one.name, name); err == nil && one.name != "" && name != one.name {
					err = fmt.Errorf("the database says that it is %q", name)
				}
				return err
			})
			if err != nil {
				row.Error = textOf(err)
				errs = append(errs, fmt.Errorf("%s: %w", one.name, err))
			}
			rows = append(rows, row)
		}
		s := &session{streams: std, options: o}
		err = printRows(s, "SHARD EPOCH SLOTS ERROR", rows, func(r shardJSON) []any { return []any{r.Name, r.Epoch, r.Slots, r.Error} })
		return errors.Join(err, errors.Join(errs...))
	}
}

// withMember calls f with the store of one database.
func withMember(ctx context.Context, spec string, f func(sharded.Member) error) error {
	if strings.HasPrefix(spec, shardsPrefix) {
		return usage("-store is the one database here")
	}
	s, err := openStore(ctx, spec, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	return f(s.(sharded.Member))
}

func shardCreateFlags(f *flag.FlagSet) action {
	var o options
	o.storeFlag(f)
	o.byFlag(f)
	return func(ctx context.Context, std streams, _ []string) error {
		ctx, name, err := o.operator(ctx)
		if err != nil {
			return err
		}
		if err := checkStore(o.spec()); err != nil {
			return err
		}
		shards, err := shardsOf(o.spec())
		if err == nil && shards == nil {
			err = usage("-store sharded:NAME=STORE NAME=STORE… is required")
		}
		if err != nil {
			return err
		}
		log := slog.New(slog.NewTextHandler(std.err, nil))
		s, err := openShards(ctx, shards, 0, log, true)
		if err != nil {
			return err
		}
		log.InfoContext(ctx, "created shards", "operator", name, "shards", len(shards))
		return s.Close()
	}
}
