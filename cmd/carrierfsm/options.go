package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// The environment variables, each the default of a flag.
const (
	storeVariable    = "CARRIERFSM_STORE"
	keyVariable      = "CARRIERFSM_KEY_FILE"
	secretVariable   = "CARRIERFSM_SECRET_FILE" //nolint:gosec // a name
	operatorVariable = "CARRIERFSM_OPERATOR"
	nameVariable     = "CARRIERFSM_DEPLOYMENT"
)

// options are the flags that many commands have.
type options struct {
	store, keyFile string
	by, reason     string
	seal           carrierfsm.Config // how it is sealed
	json, yes      bool
	timeout        time.Duration // of each statement on a server; zero: the store's own
}

func (o *options) storeFlag(f *flag.FlagSet) {
	f.StringVar(&o.store, "store", "", "the `store`: sqlite:PATH, postgres://…, postgres:DSN, or several shards: \"sharded:NAME=STORE NAME=STORE…\" ("+storeVariable+")")
}

func (o *options) outputFlag(f *flag.FlagSet) {
	f.Func("o", "the output `format`: text or json (default text)", func(s string) error {
		o.json = s == "json"
		if s != "json" && s != "text" {
			return errors.New("text and json are known")
		}
		return nil
	})
}

// lookFlags are those of commands that read verifications.
func (o *options) lookFlags(f *flag.FlagSet) {
	o.storeFlag(f)
	f.StringVar(&o.keyFile, "key-file", "", "the `file` of the sealing keys, a line for each: an id, a space, 32 bytes in base64; the first one seals ("+keyVariable+")")
	f.StringVar(&o.seal.Deployment, "deployment", "", "the `name` of the installation, as the service's Config.Deployment has it ("+nameVariable+")")
	f.BoolVar(&o.seal.AcceptPlain, "accept-plain", false, "believe what is not sealed, for as long as a store is migrated: see Config.AcceptPlain")
	f.BoolVar(&o.seal.RefuseUnbound, "refuse-unbound", false, "refuse what earlier builds sealed: see Config.RefuseUnbound")
	o.outputFlag(f)
}

func (o *options) byFlag(f *flag.FlagSet) {
	f.StringVar(&o.by, "by", "", "the `name` of the operator who acts, as it is stored and logged ("+operatorVariable+")")
}

// namedFlags are those of commands whose looks are logged.
func (o *options) namedFlags(f *flag.FlagSet) {
	o.lookFlags(f)
	o.byFlag(f)
}

// actFlags are those of commands that change something.
func (o *options) actFlags(f *flag.FlagSet) {
	o.namedFlags(f)
	f.BoolVar(&o.seal.SealUnbound, "seal-unbound", false, "seal as earlier builds do, while their replicas run: see Config.SealUnbound")
	o.reasonFlag(f)
}

func (o *options) reasonFlag(f *flag.FlagSet) {
	f.StringVar(&o.reason, "reason", "", "why, in your own `words`, as it is kept in the log of acts; numbers are hidden in it (required)")
}

func (o *options) yesFlag(f *flag.FlagSet) {
	f.BoolVar(&o.yes, "yes", false, "do it; without it, only what would be done is printed")
}

// operator returns a context with the operator's name, which is required.
func (o *options) operator(ctx context.Context) (context.Context, string, error) {
	name := cmp.Or(o.by, os.Getenv(operatorVariable))
	if name == "" {
		return nil, "", usage("who acts? -by NAME or %s is required", operatorVariable)
	}
	ctx = carrierfsm.ByOperator(ctx, name)
	if _, err := carrierfsm.Operator(ctx); err != nil {
		return nil, "", usage("-by: %w", err)
	}
	return ctx, name, nil
}

// session is an open store with what works on it.
type session struct {
	streams
	options
	store      store
	machine    *carrierfsm.Machine
	dispatcher *outbox.Dispatcher // without handlers
	log        *slog.Logger
	name       string // of the operator, of a command that acts or whose looks are logged
	sealed     bool   // there are sealing keys
}

// look returns the action of a command that only reads.
func (o *options) look(f func(ctx context.Context, s *session, args []string) error) action {
	return func(ctx context.Context, std streams, args []string) error {
		return o.withSession(ctx, std, "", func(s *session) error { return f(ctx, s, args) })
	}
}

// named returns the action of a command whose looks are logged. Its context has the
// operator's name.
func (o *options) named(f func(ctx context.Context, s *session, args []string) error) action {
	return func(ctx context.Context, std streams, args []string) error {
		ctx, name, err := o.operator(ctx)
		if err != nil {
			return err
		}
		return o.withSession(ctx, std, name, func(s *session) error { return f(ctx, s, args) })
	}
}

// act returns the action of a command that changes something. Its context has the
// operator's name.
func (o *options) act(f func(ctx context.Context, s *session, args []string) error) action {
	return o.actOnDatabase(func(ctx context.Context, s *session, args []string) error {
		if err := mustBeWhole(ctx, s.store); err != nil {
			return err
		}
		return f(ctx, s, args)
	})
}

// actOnDatabase is act for a command that also takes one database of several shards.
func (o *options) actOnDatabase(f func(ctx context.Context, s *session, args []string) error) action {
	named := o.named(f)
	return func(ctx context.Context, std streams, args []string) error {
		if _, _, err := o.operator(ctx); err != nil {
			return err
		}
		if strings.TrimSpace(o.reason) == "" {
			return usage("why? -reason TEXT is required")
		}
		return named(ctx, std, args)
	}
}

func (o *options) withSession(ctx context.Context, std streams, name string, f func(*session) error) error {
	log := slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelInfo}))
	sealer, err := openSealer(cmp.Or(o.keyFile, os.Getenv(keyVariable)))
	if err != nil {
		return err
	}
	opened, err := openStore(ctx, o.spec(), o.timeout, log)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	quiet := slog.New(slog.DiscardHandler) // the command logs what it does itself
	s := &session{streams: std, options: *o, store: opened, log: log, name: name, sealed: sealer != nil}
	config := o.seal
	config.Numbers = budget.None() // it submits nothing
	config.Store, config.Upstream, config.Sealer, config.Logger = opened, noUpstream{}, sealer, quiet
	config.Deployment = cmp.Or(config.Deployment, os.Getenv(nameVariable))
	s.machine, err = carrierfsm.New(config)
	if err != nil {
		return err
	}
	defer func() { _ = s.machine.Close(context.WithoutCancel(ctx)) }()
	if s.dispatcher, err = outbox.New(s.machine, opened, outbox.Config{Logger: quiet}); err != nil {
		return err
	}
	return f(s)
}

// spec returns the store that is asked for; empty if none is.
func (o *options) spec() string { return cmp.Or(o.store, os.Getenv(storeVariable)) }

// did logs an act.
func (s *session) did(ctx context.Context, what string, attributes ...any) {
	s.log.InfoContext(ctx, what, append([]any{"operator", s.name}, attributes...)...)
}

// noUpstream makes no calls: no subcommand needs one.
type noUpstream struct{}

func (noUpstream) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{}, carrierfsm.ErrNotSent
}

func (noUpstream) Collect(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
	return carrierfsm.Reply{}, carrierfsm.ErrNotSent
}

// timeFlag defines a flag for a time: RFC 3339, a date, or an age such as 90m or 30d.
func timeFlag(f *flag.FlagSet, t *time.Time, name, about string) {
	f.Func(name, about+": a `time` like 2026-11-29T08:00:00Z or 2026-11-29 (UTC), or an age like 90m or 30d", func(s string) (err error) {
		*t, err = parseTime(s, time.Now())
		return err
	})
}

func parseTime(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	age, err := parseAge(s)
	if err != nil {
		return time.Time{}, errors.New("not a time and not an age")
	}
	return now.Add(-age), nil
}

// parseAge parses a duration in which d are days of 24 h.
func parseAge(s string) (age time.Duration, err error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if _, err = fmt.Sscanf(days+" ", "%d ", &n); err == nil && fmt.Sprint(n) == days && n < 100_000 {
			age = time.Duration(n) * 24 * time.Hour
		} else {
			err = errors.New("not a number of days")
		}
	} else {
		age, err = time.ParseDuration(s)
	}
	if err == nil && age < 0 {
		err = errors.New("negative")
	}
	return age, err
}
