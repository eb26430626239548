package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/schema"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// storeCommands work on a store as a whole.
var storeCommands = []command{
	{
		name: "migrate up", about: "Apply the migrations that the store lacks", flags: migrateUpFlags,
		more: "Replicas of the build before go on working. The role becomes the owner of the tables.",
	},
	{
		name: "migrate status", about: "List the versions of the tables, and which of them the store has", flags: migrateStatusFlags,
		more: "The exit code is 5 if a migration is missing.",
	},
	{
		name: "migrate print", args: "sqlite|postgres", about: "Print the migrations as SQL, each in a transaction", least: 1, most: 1, flags: migratePrintFlags,
		more: "No store is opened.",
	},
	{
		name: "after-restore", about: "Make a store that was restored from a backup ready, before replicas start", flags: afterRestoreFlags,
		more: "The leases of the backup end. With -cancel so do the verifications that were alive in it: codes may have been sent\nsince. Without -yes their number is printed, and nothing is changed.",
	},
	verifyCommand,
}

func migrateUpFlags(f *flag.FlagSet) action {
	var o options
	o.storeFlag(f)
	o.byFlag(f)
	create := f.Bool("create", false, "make the tables in a store that has none of ours; create the SQLite file if it does not exist")
	return func(ctx context.Context, std streams, _ []string) error {
		ctx, name, err := o.operator(ctx)
		if err != nil {
			return err
		}
		before, err := versions(ctx, o.spec(), *create)
		if err != nil {
			return err
		}
		if !*create && !slices.ContainsFunc(before, func(v schema.Version) bool { return v.Applied }) {
			return usage("the store has no tables of carrierfsm; -create makes them")
		}
		if err := migrate(ctx, o.spec()); err != nil {
			return err
		}
		after, err := versions(ctx, o.spec(), false)
		if err != nil {
			return err
		}
		n := 0
		for i, v := range after {
			if v.Applied && (i >= len(before) || !before[i].Applied) {
				_, _ = fmt.Fprintf(std.out, "applied %s\n", v.File)
				n++
			}
		}
		if n == 0 {
			_, _ = fmt.Fprintln(std.out, "nothing to apply")
		}
		slog.New(slog.NewTextHandler(std.err, nil)).InfoContext(ctx, "migrated", "operator", name, "applied", n)
		return nil
	}
}

func migrate(ctx context.Context, spec string) error {
	if path, isFile := sqlitePath(spec); isFile {
		return sqlite.Migrate(ctx, path)
	}
	config, err := postgresConfig(spec)
	if err != nil {
		return err
	}
	return postgres.Migrate(ctx, config)
}

// versions returns the versions of a store's tables. Of a file that does not exist
// they are none if it may be created, else the error matches errUsage.
func versions(ctx context.Context, spec string, mayCreate bool) ([]schema.Version, error) {
	if err := checkStore(spec); err != nil {
		return nil, err
	}
	if strings.HasPrefix(spec, shardsPrefix) {
		return nil, usage("the shards are migrated one by one: -store is the store of one")
	}
	if path, isFile := sqlitePath(spec); isFile {
		if _, err := os.Stat(path); mayCreate && errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		ours, err := isOurs(ctx, path)
		if err != nil {
			return nil, err
		}
		if !ours {
			all, err := schema.Read(sqlite.Migrations)
			return all.Versions(nil), err
		}
		return sqlite.Versions(ctx, path)
	}
	config, err := postgresConfig(spec)
	if err != nil {
		return nil, err
	}
	return postgres.Versions(ctx, config)
}

// versionJSON is a version of the tables.
type versionJSON struct {
	Version int       `json:"version"`
	File    string    `json:"file,omitempty"`
	Applied bool      `json:"applied"`
	At      time.Time `json:"at,omitzero"`
}

func migrateStatusFlags(f *flag.FlagSet) action {
	var o options
	o.storeFlag(f)
	o.outputFlag(f)
	return func(ctx context.Context, std streams, _ []string) error {
		list, err := versions(ctx, o.spec(), false)
		if err != nil {
			return err
		}
		rows, missing := make([]versionJSON, len(list)), 0
		for i, v := range list {
			rows[i] = versionJSON{v.Number, v.File, v.Applied, v.At}
			if !v.Applied {
				missing++
			}
		}
		s := &session{streams: std, options: o}
		err = printRows(s, "VERSION FILE APPLIED AT", rows, func(v versionJSON) []any { return []any{v.Version, v.File, v.Applied, v.At} })
		if err == nil && missing > 0 {
			err = marked{fmt.Errorf("the store lacks %s; carrierfsm migrate up applies them", count(missing, "migration")), errFound}
		}
		return err
	}
}

func migratePrintFlags(f *flag.FlagSet) action {
	from := f.Int("from", 1, "the first `version` to print")
	dir := f.String("dir", "", "write the files to this `folder` instead, for psql, goose or atlas")
	return func(_ context.Context, std streams, args []string) error {
		dialects := map[string]struct {
			files fs.FS
			begin string
		}{"sqlite": {sqlite.Migrations, "BEGIN IMMEDIATE"}, "postgres": {postgres.Migrations, "BEGIN"}}
		d, known := dialects[args[0]]
		if !known {
			return usage("sqlite or postgres, not %q", args[0])
		}
		if *dir != "" {
			return os.CopyFS(*dir, d.files)
		}
		list, err := schema.Read(d.files)
		if err != nil {
			return err
		}
		for _, m := range list {
			if m.Version >= *from {
				_, _ = fmt.Fprintf(std.out, "%s; -- %s\n%sCOMMIT;\n", d.begin, m.File, m.SQL)
			}
		}
		return nil
	}
}

func afterRestoreFlags(f *flag.FlagSet) action {
	var o options
	o.actFlags(f)
	o.yesFlag(f)
	cancel := f.Bool("cancel", false, "cancel the verifications that have not ended")
	return o.actOnDatabase(func(ctx context.Context, s *session, _ []string) error { // one shard may have been restored
		var ids []string
		if *cancel {
			var q selection
			err := q.setStates(live)
			if err == nil {
				ids, err = q.ids(ctx, s.machine)
			}
			if err != nil {
				return err
			}
		}
		if !s.yes {
			what := "the leases of the backup would be ended"
			if *cancel {
				what += fmt.Sprintf(", and %s canceled", count(len(ids), "verification"))
			}
			return s.printOutcome(outcome{Matched: len(ids), DryRun: true}, what+"; -yes does it")
		}
		return s.afterRestore(ctx, ids, *cancel)
	})
}

// afterRestore ends the leases, and cancels the verifications. Each of those has an act of
// its own in the log too.
func (s *session) afterRestore(ctx context.Context, ids []string, cancel bool) error {
	o := outcome{Matched: len(ids)}
	act := acts.Act{Kind: acts.AfterRestore, Count: len(ids), Reason: s.reason}
	err := acts.Do(ctx, s.store, act, func(ctx context.Context) (int, error) {
		err := s.store.AfterRestore(ctx)
		if err != nil {
			return 0, err
		}
		s.did(ctx, "ended the leases of the backup")
		err = s.all(ctx, ids, &o, func(ctx context.Context, id string) error {
			_, err := s.cancel(ctx, id)
			return err
		})
		return o.Done, err
	})
	switch {
	case err != nil && o.Done+o.Failed == 0:
		return err
	case !cancel:
		return s.printOutcome(outcome{}, "the leases of the backup are ended")
	}
	s.did(ctx, "canceled", "matched", o.Matched, "done", o.Done, "failed", o.Failed)
	if e := s.printOutcome(o, fmt.Sprintf("%s canceled, %d failed", count(o.Done, "verification"), o.Failed)); e != nil {
		return e
	}
	return err
}
